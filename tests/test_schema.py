"""Schemas are keys of caches: those that differ are told apart without a look into them."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ferryman.schema import INT64, Field, Schema, Type

ORDER = Schema(Type.STRUCT, name="Order", fields=(Field("id", INT64),))


@pytest.mark.parametrize(
    "numbered",
    [
        lambda number: replace(ORDER, doc=f"order {number}"),
        lambda number: replace(ORDER, parameters=(("team", f"{number}"),)),
        lambda number: replace(ORDER, version=number),
        lambda number: replace(ORDER, name=f"Order{number}"),
        lambda number: replace(ORDER, fields=(Field("id", replace(INT64, doc=f"of {number}")),)),
    ],
    ids=["documentation", "parameters", "versions", "names", "documentation of a field"],
)
def test_a_thousand_that_differ_in_one_part_have_as_many_hashes(numbered: Callable[[int], Schema]) -> None:
    schemas = [numbered(number) for number in range(1000)]
    lists = [Schema(Type.ARRAY, values=each) for each in schemas]
    assert len({hash(each) for each in [*schemas, *lists]}) == 2000
