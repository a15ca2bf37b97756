"""The page of differences says each thing once."""

import re
from collections import Counter

from tests.places import ROOT


def test_no_two_entries_have_the_same_bold_lead() -> None:
    page = (ROOT / "docs/differences.md").read_text(encoding="utf-8")
    leads = Counter(
        re.sub(r"\s+", " ", lead) for lead in re.findall(r"^\* \*\*(.+?)\*\*", page, re.MULTILINE | re.DOTALL)
    )
    assert len(leads) > 40
    assert [lead for lead, times in leads.items() if times > 1] == []


def test_no_two_entries_begin_with_the_same_line() -> None:
    page = (ROOT / "docs/differences.md").read_text(encoding="utf-8")
    lines = Counter(re.findall(r"^\* .+$", page, re.MULTILINE))
    assert [line for line, times in lines.items() if times > 1] == []
