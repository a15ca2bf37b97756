"""Texts that a column does not store as they are: few are looked at one by one, many as a column."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.connectors.sql.column_fits import texts
from ferryman.connectors.sql.column_fits.fit import broken
from ferryman.connectors.sql.column_fits.target import Text

TEXTS = st.lists(st.none() | st.text(alphabet="ab \0\u00a0é😀", max_size=6), max_size=8)
WORDS = st.builds(Text, length=st.none() | st.integers(0, 5), trimmed=st.booleans(), nul=st.booleans())


@given(values=TEXTS, words=WORDS)
def test_few_texts_are_refused_as_many_are(values: list[str | None], words: Text) -> None:
    few = refused(values, words)
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(texts, "_FEW_VALUES", -1)
        assert few == refused(values, words)


def refused(values: list[str | None], words: Text) -> tuple[list[bool], str] | None:
    fit = texts.text(words, "UTC")
    assert fit is not None
    found = broken(fit, pl.Series(values, dtype=pl.String))
    return None if found is None else (found[0].to_list(), found[1])
