"""What headers of restored records say about where they were, and offsets that were written to a file."""

import pytest

from ferryman.archives.exported_offsets import parsed
from ferryman.archives.restored_topic import origin
from ferryman.archives.translation import Restored
from ferryman.errors import ConfigError

COORDINATES = [("ferryman.original.topic", b"orders"), ("ferryman.original.partition", b"3")]


def test_headers_tell_where_a_record_was() -> None:
    found = origin(1, 7, [("own", b"x"), *COORDINATES, ("ferryman.original.offset", b"42")])
    assert found is not None
    assert found == ("orders", Restored(1, 7, 3, 42))


def test_a_range_tells_how_far_an_object_reaches() -> None:
    offset = ("ferryman.original.offset", b"42")
    for text, last in ((b"40-49", 49), (b"40-", None), (b'"40-49"', 49)):
        found = origin(1, 7, [*COORDINATES, offset, ("ferryman.original.range", text)])
        assert found is not None
        assert found.record == Restored(1, 7, 3, 42, 40, last)


def test_records_that_were_not_restored_say_nothing() -> None:
    assert origin(0, 0, [("ferryman.original.topic", b"orders")]) is None
    assert origin(0, 0, [*COORDINATES, ("ferryman.original.offset", b"many")]) is None


def test_exported_offsets_are_those_of_the_topic() -> None:
    assert parsed(['"orders",0,12', "orders,1,7", "", "others,0,1"], "orders") == {0: 12, 1: 7}


@pytest.mark.parametrize("line", ["orders,0", "orders,x,1", "orders,0,-1", "orders,0,1,2", "orders,00,2"])
def test_a_line_that_is_no_offset_is_refused_by_its_number(line: str) -> None:
    with pytest.raises(ConfigError, match="line 2"):
        parsed(["orders,0,1", line], "orders")
