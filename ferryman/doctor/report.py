"""What the doctor says at the end; pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ferryman.findings import Finding

_SHOWN = {"ok": "ok      ", "warning": "warning ", "mend": "MEND    ", "left out": "left out"}


def lines(finding: Finding) -> Iterable[str]:
    """A finding for a terminal: what was found, and below it what to do."""
    yield f"{_SHOWN[finding.level]}  {finding.subject}: {finding.said}"
    if finding.mend:
        yield f"{' ' * 10}-> {finding.mend}"


def summary(findings: Sequence[Finding]) -> str:
    """The last line."""
    count = Counter(each.level for each in findings)
    verdict = "nothing must be mended" if not count["mend"] else f"{count['mend']} to mend"
    return f"{verdict}; {count['ok']} ok, {count['warning']} warnings, {count['left out']} left out"


def as_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """All findings as one object."""
    shown = [
        {"level": each.level, "subject": each.subject, "said": each.said, "mend": each.mend or None}
        for each in findings
    ]
    return {"well": code(findings) == 0, "findings": shown}


def code(findings: Sequence[Finding]) -> int:
    """The exit code: whether something must be mended."""
    return int(any(each.level == "mend" for each in findings))
