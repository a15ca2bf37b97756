"""Configs of Aiven's S3 sink: its names, formats and compressions."""

import gzip
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import cramjam
import pytest

from ferryman.connectors.s3.config.sink_config import warnings
from ferryman.errors import ConfigError
from ferryman.record import Header
from ferryman.schema import (
    BYTES,
    INT64,
    STRING,
    struct,
)
from tests.connectors.s3.archives import (
    NOON,
    numbered,
    write,
)
from tests.connectors.s3.s3_task import P0, Log, World, use_aiven
from tests.connectors.sink_world import Killed

HEADERS = (Header("trace", b"7"), Header("trace", b"8"))


@pytest.fixture
def world(s3_server: str, unique: str) -> Iterator[World]:
    """A bucket of the test's own."""
    made = World(s3_server, unique)
    yield made
    made.kill()


@pytest.mark.parametrize(
    ("more", "key", "data"),
    [
        ({"file.compression.type": "none"}, "orders-0-0", b"b25l\ndHdv\n"),
        (
            {
                "file.compression.type": "none",
                "format.output.fields": "key,offset,timestamp,headers,value",
                "format.output.fields.value.encoding": "none",
                "aws.s3.prefix": "a/",
                "file.name.template": (
                    "{{timestamp:unit=yyyy}}/{{timestamp:unit=MM}}/{{topic}}-{{partition:padding=true}}"
                    "-{{start_offset:padding=true}}.csv"
                ),
                "file.name.timestamp.source": "EVENT",
            },
            "a/2023/11/orders-0000000000-00000000000000000000.csv",
            b"aw==,0,1700049600000,dHJhY2U=:Nw==;dHJhY2U=:OA==;,one\naw==,1,1700049600000,dHJhY2U=:Nw==;dHJhY2U=:OA==;,two\n",
        ),
        (
            {
                "file.compression.type": "none",
                "format.output.type": "jsonl",
                "format.output.fields": "key,value,offset",
            },
            "orders-0-0",
            b'{"key":"k","value":"b25l","offset":0}\n{"key":"k","value":"dHdv","offset":1}\n',
        ),
        (
            {
                "file.compression.type": "none",
                "format.output.type": "json",
                "format.output.fields": "timestamp,headers",
            },
            "orders-0-0",
            b'[\n{"timestamp":"2023-11-15T12:00:00Z","headers":[{"key":"trace","value":"Nw=="},{"key":"trace","value":"OA=="}]},\n'
            b'{"timestamp":"2023-11-15T12:00:00Z","headers":[{"key":"trace","value":"Nw=="},{"key":"trace","value":"OA=="}]}\n]',
        ),
        (
            {
                "file.compression.type": "none",
                "format.output.type": "jsonl",
                "format.output.envelope": "false",
                "file.max.records": "5",
            },
            "orders-0-0",
            b'"b25l"\n"dHdv"\n',
        ),
    ],
)
def test_a_commit_makes_the_object_that_aivens_sink_makes_of_the_config(
    world: World, more: dict[str, str], key: str, data: bytes
) -> None:
    use_aiven(world, **more)
    world.schema, world.key_schema = BYTES, STRING
    world.produce(P0, *(Log(value, NOON, "k", HEADERS) for value in (b"one", b"two")))
    world.begin()
    world.put(P0)
    assert world.objects() == []
    world.commit()
    assert world.objects() == [key]
    assert world.get(key) == data


def test_aivens_defaults_are_gzipped_csv_with_a_record_limit(world: World) -> None:
    use_aiven(world, **{"file.max.records": "2"})
    world.schema = BYTES
    world.produce(P0, *(Log(b"%d" % number) for number in range(3)))
    world.begin()
    world.put(P0)
    world.commit()
    assert world.objects() == ["orders-0-0.gz", "orders-0-2.gz"]
    assert gzip.decompress(world.get("orders-0-0.gz")) == b"MA==\nMQ==\n"


def unsnapped(data: bytes) -> bytes:
    """What snappy-java's SnappyInputStream would give."""
    assert data[:16] == b"\x82SNAPPY\x00" + bytes([0, 0, 0, 1] * 2)
    at, out = 16, b""
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        out += bytes(cramjam.snappy.decompress_raw(data[at + 4 : at + 4 + size]))
        at += 4 + size
    return out


@pytest.mark.parametrize(
    ("compression", "extension", "unpacked"),
    [("zstd", ".zst", lambda data: bytes(cramjam.zstd.decompress(data))), ("snappy", ".snappy", unsnapped)],
)
def test_text_files_may_be_packed_by_zstd_and_snappy(
    world: World, compression: str, extension: str, unpacked: Callable[[bytes], bytes]
) -> None:
    use_aiven(world, **{"file.compression.type": compression, "format.output.fields.value.encoding": "none"})
    world.schema = BYTES
    values = [b"%06d" % number * 10 for number in range(10_000)]
    world.produce(P0, *map(Log, values))
    world.begin()
    for _ in range(4):
        world.put(P0, 2_500)
    world.commit()
    (key,) = world.objects()
    assert key == f"orders-0-0{extension}"
    assert len(world.get(key)) < 200_000
    assert unpacked(world.get(key)) == b"\n".join(values) + b"\n"


@pytest.mark.parametrize(
    ("kind", "more"), [("avro", {"file.compression.type": "none"}), ("parquet", {"file.compression.type": "zstd"})]
)
def test_avro_and_parquet_without_envelope_hold_the_values_alone(world: World, kind: str, more: dict[str, str]) -> None:
    template = "{{topic}}-{{partition}}-{{start_offset}}." + kind
    use_aiven(
        world, **more, **{"format.output.type": kind, "format.output.envelope": "false", "file.name.template": template}
    )
    world.schema = struct({"id": INT64}, "order")
    assert write(world, *numbered(2)) == {f"orders-0-0.{kind}": [{"id": 0}, {"id": 1}]}


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("csv", b"YQ==,b25l\nYg==,\nYw==,dHdv\n"),
        ("jsonl", b'{"key":"a","value":"b25l"}\n{"key":"b","value":null}\n{"key":"c","value":"dHdv"}\n'),
        ("json", b'[\n{"key":"a","value":"b25l"},\n{"key":"b","value":null},\n{"key":"c","value":"dHdv"}\n]'),
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_tombstones_are_written_among_the_others(world: World, kind: str, data: bytes, together: bool) -> None:
    more = {"format.output.type": kind, "format.output.fields": "key,value", "file.compression.type": "none"}
    use_aiven(world, **more)
    world.key_schema = STRING
    world.begin()
    records = [Log(b"one", NOON, "a"), Log(None, NOON, "b"), Log(b"two", NOON, "c")]
    for some in [records] if together else [[each] for each in records]:
        # A null that comes alone has no schema.
        world.schema = None if some[0].value is None else BYTES
        world.produce(P0, *some)
        world.put(P0)
    world.commit()
    assert {key: world.get(key) for key in world.objects()} == {"orders-0-0": data}


def test_records_of_any_schema_are_in_one_file_of_text(world: World) -> None:
    use_aiven(
        world, **{"format.output.type": "jsonl", "format.output.envelope": "false", "file.compression.type": "none"}
    )
    world.begin()
    for schema, value in ((struct({"id": INT64}), {"id": 1}), (struct({"name": STRING}), {"name": "a"}), (None, [2])):
        world.schema = schema
        world.produce(P0, Log(value))
        world.put(P0)
    world.commit()
    assert {key: world.get(key) for key in world.objects()} == {"orders-0-0": b'{"id":1}\n{"name":"a"}\n[2]\n'}


def test_an_object_of_several_schemas_is_made_again(world: World) -> None:
    use_aiven(
        world, **{"format.output.type": "jsonl", "format.output.envelope": "false", "file.compression.type": "none"}
    )
    schemas = [struct({"id": INT64}), struct({"name": STRING}), None]
    world.produce(P0, Log({"id": 1}), Log({"name": "a"}), Log(None))

    def put_each() -> None:
        for world.schema in schemas:
            world.put(P0, 1)

    world.begin()
    put_each()
    world.die_at = ("s3.before_complete", 1)
    with pytest.raises(Killed):
        world.commit()
    world.kill()
    world.die_at = None
    world.abort_uploads()
    world.begin()
    put_each()
    world.commit()
    assert {key: world.get(key) for key in world.objects()} == {"orders-0-0": b'{"id":1}\n{"name":"a"}\nnull\n'}


@pytest.mark.parametrize("kind", ["avro", "parquet"])
def test_tombstones_are_data_errors_where_files_have_no_null(world: World, kind: str) -> None:
    use_aiven(world, **{"format.output.type": kind, "format.output.envelope": "false", "file.compression.type": "none"})
    world.schema = struct({"id": INT64}, "order")
    world.produce(P0, Log({"id": 0}), Log(None), Log({"id": 2}))
    world.begin()
    world.put(P0)
    world.commit()
    assert [offset for offset, _ in world.reported] == [1]


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"aws.s3.prefix": "p/"}, "p/orders-0-00000000000000000000.gz"),
        ({"aws_s3_prefix": "p-", "file.compression.type": "none"}, "p-orders-0-00000000000000000000"),
        (
            {"aws.s3.prefix": "{{topic}}/{{ partition }}/{{start_offset}}/{{other}}/{{key}}/"},
            "orders/0/0/{{other}}/{{key}}/orders-0-00000000000000000000.gz",
        ),
        (
            {
                "aws.s3.prefix": "{{timestamp:unit=YYYY}}/{{timestamp:unit=MM}}/{{timestamp:unit=dd}}/",
                "timestamp.source": "EVENT",
            },
            "2023/11/15/orders-0-00000000000000000000.gz",
        ),
        (
            {
                "aws.s3.prefix": "{{ utc_date }}/{{local_date}}/",
                "file.name.template": "{{topic}}-{{partition}}-{{start_offset}}",
            },
            "TODAY/HERE/orders-0-0",
        ),
        ({"aws.s3.prefix": "{{utc_date}}/", "timestamp.source": "EVENT"}, "TODAY/orders-0-00000000000000000000.gz"),
        (
            {
                "file.name.template": "{{timestamp:unit=YYYY}}-{{topic}}-{{partition}}-{{start_offset}}",
                "timestamp.source": "EVENT",
            },
            "2023-orders-0-0",
        ),
    ],
)
def test_prefixes_have_variables(world: World, more: dict[str, str], key: str) -> None:
    use_aiven(world, **more)
    world.schema = BYTES
    before = dated(key)
    world.produce(P0, Log(b"one", NOON))
    world.begin()
    world.put(P0)
    world.commit()
    assert world.objects()[0] in {before, dated(key)}


def dated(key: str) -> str:
    """A key with the date of this moment in UTC and here, which differ for a part of the day."""
    now = datetime.now(UTC)
    return key.replace("TODAY", now.date().isoformat()).replace("HERE", now.astimezone().date().isoformat())


@pytest.mark.parametrize(
    ("kind", "compression", "key"),
    [("avro", "none", "orders-0-0.avro"), ("parquet", "none", "orders-0-0"), ("parquet", "gzip", "orders-0-0.gz")],
)
def test_names_of_containers_without_a_template(world: World, kind: str, compression: str, key: str) -> None:
    more = {"format.output.type": kind, "format.output.envelope": "false", "file.compression.type": compression}
    use_aiven(world, **more)
    world.schema = struct({"id": INT64}, "order")
    world.produce(P0, Log({"id": 0}))
    world.begin()
    world.put(P0)
    world.commit()
    assert world.objects() == [key]


def test_what_aiven_takes_otherwise_is_warned_of(world: World) -> None:
    template = "{{topic}}-{{partition}}-{{start_offset}}-{{timestamp:unit=YYYY}}"
    use_aiven(world, **{"aws.s3.prefix": "{{timestamp:unit=yyyy}}/", "file.name.template": template})
    found = list(warnings(world.config(), world.raw))
    assert [each.split()[0] for each in found] == ["file.name.template:", "aws.s3.prefix"]


def test_a_timestamp_in_a_prefix_needs_a_unit(world: World) -> None:
    use_aiven(world, **{"aws.s3.prefix": "{{timestamp}}/"})
    with pytest.raises(ConfigError, match=r"aws\.s3\.prefix.*needs unit=yyyy"):
        world.config()
