"""Archives that Confluent's and Aiven's own sinks have written come back as the records that were in the topic.

What is below ``written_by/`` was made once, with the sinks in Kafka Connect 4.3.1: Confluent's S3 sink of the line 12.2
and Aiven's of the line 3.4, both of the middle of 2026. One partition of a topic ``orders`` was archived, two records
an object, with the configs that stand here, the keys of bucket and server aside; keys and values came by JsonConverter,
StringConverter and ByteArrayConverter, headers as strings. An object is called as it was in its bucket.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ferryman.connectors.s3.archive import look, source_config
from ferryman.connectors.s3.formats.thrift import read_struct, write_struct
from ferryman.errors import DataError
from ferryman.record import Record
from tests.connectors.s3.s3_task import World
from tests.connectors.s3.source_task import AIVEN, CONFLUENT, Restore

WRITTEN = Path(__file__).with_name("written_by")
FIRST = 1_700_000_000_000
"""The timestamp of the first record; each other one is a millisecond later."""
FIELDS = {"format.output.fields": "key,value,offset,timestamp,headers"}
SIDES = {"store.kafka.keys": "true", "store.kafka.headers": "true", "behavior.on.null.values": "write"}
FORMATS = "io.confluent.connect.s3.format"
JSON = f"{FORMATS}.json.JsonFormat"
STRUCTS = [
    {
        "id": 1,
        "price": Decimal("1.10"),
        "tags": ["ä", ""],
        "counts": [{"a": 1}, {}],
        "either": {"int": 5},
        "at": datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
        "day": date(2024, 2, 29),
        "raw": b"\0\xff",
        "inner": {"x": "y", "big": Decimal(10**40)},
    },
    {
        "id": 2,
        # 43 digits: Connect knows no bound, nor does the sink, which makes columns of 64.
        "price": Decimal("-10000000000000000000000000000000000000000.01"),
        "tags": [],
        "counts": [],
        "either": None,
        "at": datetime(1969, 12, 31, 23, 59, 59, 999000, UTC),
        "day": date(1969, 12, 31),
        "raw": b"",
        "inner": None,
    },
    {
        "id": 3,
        "price": Decimal("0.00"),
        "tags": ["b"],
        "counts": [{"b": -2, "c": 3}],
        "either": {"string": "s"},
        "at": datetime(2023, 11, 14, 22, 13, 20, 1000, UTC),
        "day": date(1970, 1, 1),
        "raw": b"x",
        "inner": {"x": None, "big": None},
    },
]
KEYS_AND_VALUES = 5
"""The field of a Parquet footer that has the schemas of writers."""
KEYS = ["k0", "k1", "k2"]


@pytest.fixture
def world(s3_server: str, unique: str) -> Iterator[World]:
    """A bucket of the test's own."""
    made = World(s3_server, unique)
    yield made
    made.kill()


def raw(world: World, folder: str, config: Mapping[str, str]) -> dict[str, str]:
    """The sink's own config, with the class of the source."""
    confluent = folder.startswith("confluent")
    place = ("s3.bucket.name", "store.url") if confluent else ("aws.s3.bucket.name", "aws.s3.endpoint")
    credentials = {"aws.access.key.id": "test", "aws.secret.access.key": "test"}
    where = dict(zip(place, (world.bucket, world.url), strict=True))
    return {"name": "restore", "connector.class": CONFLUENT if confluent else AIVEN, **where, **credentials, **config}


def restored(world: World, folder: str, config: Mapping[str, str]) -> list[Record]:
    """What comes back of an archive, which is found to be whole."""
    home = WRITTEN / folder
    for path in sorted(each for each in home.rglob("*") if each.is_file()):
        world.s3.put_object(Bucket=world.bucket, Key=path.relative_to(home).as_posix(), Body=path.read_bytes())
    task = Restore(world, whole=raw(world, folder, config))
    found = task.drain()
    assert {(record.topic, record.partition) for record in found} == {("orders", 0)}
    seen = list(look(source_config(task.raw)).examined("orders"))
    assert [each.damage for each in seen if each.damage] == []
    assert sum(each.count for each in seen) == len(found)
    return found


def plain(value: Any) -> Any:
    """A value without the branches that a union does not take."""
    if not isinstance(value, dict) or not isinstance(value.get("either"), dict):
        return value
    return {**value, "either": {name: item for name, item in value["either"].items() if item is not None}}


def values(found: list[Record]) -> list[Any]:
    return [plain(record.value) for record in found]


def headers(found: list[Record]) -> list[list[tuple[str, Any]]]:
    return [[(header.key, header.value) for header in record.headers] for record in found]


def test_parquet_of_confluents_sink_comes_back_with_its_schema(world: World) -> None:
    found = restored(world, "confluent/parquet", {"format.class": f"{FORMATS}.parquet.ParquetFormat"})
    assert values(found) == STRUCTS
    assert {record.value_schema.name for record in found if record.value_schema is not None} == {"shop.Order"}


def test_a_decimal_too_long_for_columns_is_refused_where_no_schema_in_the_file_tells_of_it(world: World) -> None:
    (path,) = (WRITTEN / "confluent/parquet").rglob("orders+0+0000000000.*")
    data = path.read_bytes()
    length = int.from_bytes(data[-8:-4], "little")
    footer = read_struct(data[-8 - length : -8])
    bare = write_struct({number: item for number, item in footer.items() if number != KEYS_AND_VALUES})
    whole = data[: -8 - length] + bare + len(bare).to_bytes(4, "little") + b"PAR1"
    world.s3.put_object(Bucket=world.bucket, Key="topics/orders/partition=0/orders+0+0.parquet", Body=whole)
    task = Restore(world, whole=raw(world, "confluent", {"format.class": f"{FORMATS}.parquet.ParquetFormat"}))
    with pytest.raises(DataError, match=r"orders\+0\+0\.parquet: its column price is a decimal of more than 38 digits"):
        task.drain()


def test_avro_of_confluents_sink_comes_back_with_keys_headers_and_tombstones(world: World) -> None:
    config = {"format.class": f"{FORMATS}.avro.AvroFormat", "avro.codec": "deflate", **SIDES}
    found = restored(world, "confluent/avro", config)
    by_key = {record.key: record for record in found}
    assert values([by_key["a"], by_key["b"], by_key["c"]]) == [STRUCTS[0], None, STRUCTS[2]]
    assert headers([by_key["a"], by_key["b"]]) == [[("who", "Ann"), ("who", "Böb")], [("n", "x")]]


def test_json_of_confluents_sink_comes_back_with_keys_headers_and_tombstones(world: World) -> None:
    formats = {"format.class": JSON, "keys.format.class": JSON, "headers.format.class": JSON}
    found = restored(world, "confluent/json", {**formats, "s3.compression.type": "gzip", **SIDES})
    by_key = {record.key: record for record in found}
    assert values([by_key["a"], by_key["b"], by_key["c"]]) == [{"id": 1, "s": "ü\n"}, None, [1, None]]
    assert headers([by_key["a"], by_key["b"]]) == [[("who", "Ann"), ("who", "Böb")], [("n", "x")]]


def test_bytes_of_confluents_sink_come_back_empty_ones_too(world: World) -> None:
    config = {"format.class": f"{FORMATS}.bytearray.ByteArrayFormat", "format.bytearray.separator": "||"}
    assert values(restored(world, "confluent/bytes", config)) == [b"\xff\0", b"", b"a,b"]


def test_csv_of_aivens_sink_comes_back_with_a_tombstone_at_the_end_of_a_file(world: World) -> None:
    config = {"format.output.type": "csv", "format.output.fields": "value"}
    assert values(restored(world, "aiven/csv", config)) == [b"one", None, b"a,b", None]


def test_json_lines_of_aivens_sink_come_back_whole_under_any_template(world: World) -> None:
    template = "{{topic}}/{{partition}}+{{start_offset:padding=true}}.jsonl(z)"
    more = {"format.output.type": "jsonl", "file.compression.type": "zstd", "file.name.template": template}
    found = restored(world, "aiven/jsonl", {**more, **FIELDS})
    assert values(found) == [{"id": 1, "s": "ü\n", "f": 0.5}, [1, None], None, "text", 7]
    assert [record.key for record in found] == ["a", None, "b", {"k": 1}, "c"]
    assert [record.timestamp for record in found] == [FIRST + number for number in range(5)]
    assert headers(found)[:2] == [[("who", "Ann"), ("who", "Böb")], []]


def test_avro_of_aivens_sink_comes_back_by_its_fields_though_it_has_gzip_around_it(world: World) -> None:
    found = restored(world, "aiven/avro", {"format.output.type": "avro", **FIELDS})
    assert (values(found), [record.key for record in found]) == (STRUCTS, KEYS)
    assert [record.timestamp for record in found] == [FIRST, FIRST + 1, FIRST + 2]
    assert headers(found) == [[], [], []]


def test_parquet_of_aivens_sink_comes_back_by_its_fields(world: World) -> None:
    more = {"format.output.type": "parquet", "file.compression.type": "snappy"}
    found = restored(world, "aiven/parquet", {**more, **FIELDS})
    assert (values(found), [record.key for record in found]) == (STRUCTS, KEYS)
    assert [record.timestamp for record in found] == [FIRST, FIRST + 1, FIRST + 2]
    assert headers(found) == [[("who", "Ann")], [("n", "x")], [("who", "Ann")]]


def test_records_of_aivens_sink_are_read_as_its_source_reads_them_where_no_fields_are_named(world: World) -> None:
    config = {"input.format": "parquet", "file.name.template": "{{topic}}-{{partition}}-{{start_offset}}"}
    found = restored(world, "aiven/parquet", config)
    assert [record.value["key"] for record in found] == KEYS
    assert [record.key for record in found] == [b"orders-0-0.snappy", b"orders-0-0.snappy", b"orders-0-2.snappy"]
