"""Keys that any database might hold to be the same are alike; those that none does mostly are not."""

from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql

from ferryman.connectors.sql.column_fits.fit import Fit
from ferryman.connectors.sql.dialects.compared import compared_keys
from ferryman.connectors.sql.dialects.dialect import TableColumn
from ferryman.connectors.sql.records.column import Column
from ferryman.connectors.sql.records.key_equality import equality_classes
from ferryman.schema import STRING

SAME = [
    ("a", "A"),
    ("a", "a "),
    ("1", "1.00"),
    ("1E2", "100"),
    ("a-b", "ab"),
    ("é", "e\u0301"),
    ("ß", "ss"),
    ("ß", "s"),
    ("x1", "x\uff11"),
    ("0a", "0A"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_texts_that_some_collation_holds_equal_are_alike(one: str, other: str) -> None:
    first, second = equality_classes([[pl.Series([one])], [pl.Series([other])]])
    assert first == second


def test_different_numbers_bytes_and_plain_words_are_not() -> None:
    for values in ([1, 2, 3], [b"a", b"b", b"A"], ["ann", "bob", "eve"], ["1", "2", "10"], ["é1", "é2", "é3"]):
        (found,) = equality_classes([[pl.Series(values)]])
        assert len(set(found)) == 3


def test_keys_of_different_types_are_all_alike() -> None:
    assert equality_classes([[pl.Series([1, 2])], [pl.Series(["1"])]]) == [[None, None], [None]]


def test_integers_of_any_width_and_decimals_in_either_form_are_compared_by_value() -> None:
    first, second = equality_classes([[pl.Series([7], dtype=pl.Int8)], [pl.Series([7], dtype=pl.Int64)]])
    assert first == second
    first, second = equality_classes([[pl.Series(["1.50"]).cast(pl.Decimal(10, 2))], [pl.Series(["1.5"])]])
    assert first == second


@given(st.lists(st.tuples(st.text(max_size=4), st.integers()), min_size=1, max_size=10))
def test_a_key_of_several_columns_is_like_itself_and_has_a_hash(keys: list[tuple[str, int]]) -> None:
    texts, numbers = pl.Series([text for text, _ in keys]), pl.Series([number % 2**40 for _, number in keys])
    first, second = equality_classes([[texts, numbers], [texts, numbers]])
    assert first == second
    assert len(set(first)) <= len(keys)


@pytest.mark.parametrize("kind", [sa.TIME(), sa.BOOLEAN(), sa.DateTime(), postgresql.INET(), postgresql.INTERVAL()])
def test_texts_that_a_column_may_read_as_one_value_are_one_key(kind: sa.types.TypeEngine[Any]) -> None:
    def keys(texts: list[str]) -> list[pl.Series]:
        column = TableColumn("k", Column("k", STRING, "key", "k", primary=True), Fit("plain"), kind)
        return compared_keys(pl.DataFrame({"c0": texts}), [column])

    first, second = equality_classes([keys(["12:00:00", "t"]), keys(["12:00"])])
    assert len({*first, *second}) == 1
