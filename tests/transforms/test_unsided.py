"""Transforms of topics, headers and keys: Kafka's answers."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from ferryman.api import Transform
from ferryman.config import Config
from ferryman.errors import DataError, MissingValue
from ferryman.java.regex.replacement import BadReplacement, UnknownGroup
from ferryman.plugins import catalog
from ferryman.record import Header, Record
from ferryman.schema import INT8, INT32, struct
from tests.transforms.vectors import DFLT, REC, STRUCT, rec

RECORD = Record(topic="top", partition=0, key="k", value={"id": 7, "s": None}, timestamp=1700000000123, offset=42)
TYPED = replace(RECORD, value=STRUCT, value_schema=REC)


def transform(name: str, config: Mapping[str, str]) -> Transform[Config]:
    plugin = catalog.find("transformation", f"org.apache.kafka.connect.transforms.{name}")
    assert plugin is not None
    made: Transform[Config] = plugin(plugin.config_class.parse(config))
    return made


def test_drop_headers_drops_every_header_of_a_name() -> None:
    given = replace(RECORD, headers=(Header("a", 1), Header("b", 2), Header("a", 3)))
    assert transform("DropHeaders", {"headers": "a,x"}).apply(given) == replace(RECORD, headers=(Header("b", 2),))


def test_insert_header_infers_the_type_and_keeps_what_is_there() -> None:
    given = replace(RECORD, headers=(Header("h", "old"),))
    changed = transform("InsertHeader", {"header": "h", "value.literal": "12"}).apply(given)
    assert changed == replace(RECORD, headers=(Header("h", "old"), Header("h", 12, INT8)))


def test_filter_drops() -> None:
    assert transform("Filter", {}).apply(RECORD) is None


@pytest.mark.parametrize(
    ("regex", "replacement", "topic"),
    [
        ("t(.*)", "x-$1", "x-op"),
        ("op", "X", "top"),
        ("t.*", "", ""),
        ("(?<n>t)op", r"${n}-z\$", "t-z$"),
        ("(t)(o)(p)", "$12", "t2"),
        ("t|top", "x", "xop"),
        (r"\p{Lower}+", "$0$0", "toptop"),
    ],
)
def test_regex_router_replaces_as_java(regex: str, replacement: str, topic: str) -> None:
    changed = transform("RegexRouter", {"regex": regex, "replacement": replacement}).apply(RECORD)
    assert changed == replace(RECORD, topic=topic)


@pytest.mark.parametrize(
    ("replacement", "kind", "message"),
    [
        ("$5", UnknownGroup, "No group 5"),
        ("$", BadReplacement, "Illegal group reference: group index is missing"),
        ("$x", BadReplacement, "Illegal group reference"),
        ("${x}", BadReplacement, "No group with name {x}"),
        ("${1}", BadReplacement, "capturing group name {1} starts with digit character"),
        ("${x", BadReplacement, "named capturing group is missing trailing '}'"),
        ("\\", BadReplacement, "character to be escaped is missing"),
    ],
)
def test_a_bad_replacement_is_the_error_that_java_raises(replacement: str, kind: type[DataError], message: str) -> None:
    with pytest.raises(kind) as caught:
        transform("RegexRouter", {"regex": ".*", "replacement": replacement}).apply(RECORD)
    assert str(caught.value) == message


def test_timestamp_router_routes_by_the_utc_day() -> None:
    changed = transform("TimestampRouter", {}).apply(RECORD)
    assert changed == replace(RECORD, topic="top-20231114")
    config = {"topic.format": "foo-${timestamp}-${topic}", "timestamp.format": "YYYYMMddHH"}
    changed = transform("TimestampRouter", config).apply(RECORD)
    assert changed == replace(RECORD, topic="foo-2023111422-top")


def test_a_record_without_a_timestamp_cannot_be_routed_by_it() -> None:
    with pytest.raises(DataError, match="Timestamp missing on record"):
        transform("TimestampRouter", {}).apply(replace(RECORD, timestamp=None))


def test_value_to_key_makes_a_map_or_a_struct() -> None:
    changed = transform("ValueToKey", {"fields": "id,z"}).apply(RECORD)
    assert changed == replace(RECORD, key={"id": 7, "z": None})
    changed = transform("ValueToKey", {"fields": "s"}).apply(TYPED)
    assert changed == replace(TYPED, key={"s": "dflt"}, key_schema=struct({"s": DFLT}))
    with pytest.raises(DataError, match="Field does not exist: z"):
        transform("ValueToKey", {"fields": "id,z"}).apply(TYPED)


def test_header_from_moves_or_copies() -> None:
    move = {"fields": "id", "headers": "h", "operation": "move"}
    assert transform("HeaderFrom$Value", move).apply(RECORD) == replace(
        RECORD, value={"s": None}, headers=(Header("h", 7),)
    )
    assert transform("HeaderFrom$Value", move).apply(TYPED) == replace(
        TYPED, value={"s": "dflt"}, value_schema=rec(False, s=DFLT), headers=(Header("h", 7, INT32),)
    )
    copy = {**move, "operation": "copy", "fields": "s"}
    assert transform("HeaderFrom$Value", copy).apply(TYPED) == replace(TYPED, headers=(Header("h", "dflt", DFLT),))


def test_a_field_that_a_struct_lacks_cannot_become_a_header() -> None:
    config = {"fields": "nope", "headers": "h", "operation": "copy"}
    with pytest.raises(MissingValue):
        transform("HeaderFrom$Value", config).apply(TYPED)
    assert transform("HeaderFrom$Value", config).apply(RECORD) == replace(RECORD, headers=(Header("h", None),))
