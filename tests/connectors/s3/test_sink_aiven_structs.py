"""Aiven's Avro and Parquet files: what fields, envelope and compression make of records, and that all comes back."""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any

import fastavro
import pytest

from ferryman.connectors.s3.archive import look, source_config
from ferryman.connectors.s3.formats.compression import gzip as gzip_packing
from ferryman.connectors.s3.formats.format import Avro
from ferryman.connectors.s3.formats.packed import Packed
from ferryman.record import Header, Headers, Record, Rows
from ferryman.schema import INT32, INT64, OPTIONAL_STRING, STRING, Schema, struct
from tests.connectors.s3.s3_task import P0, Log, World, use_aiven
from tests.connectors.s3.source_task import Restore
from tests.connectors.sql.sql_task import columns

ORDER = struct({"id": INT64, "note": OPTIONAL_STRING}, "shop.Order")
ALL = {"format.output.fields": "key,value,offset,timestamp,headers"}
TRACE = (Header("trace", "7", STRING), Header("from", "shop", STRING))
FORMS = ("avro", "parquet")


@pytest.fixture
def world(s3_server: str, unique: str) -> Iterator[World]:
    """A bucket of the test's own, and a sink of orders by texts."""
    made = World(s3_server, unique)
    made.schema, made.key_schema = ORDER, STRING
    yield made
    made.kill()


def use(world: World, form: str, **more: str) -> None:
    """A config for that format."""
    use_aiven(world, **{"format.output.type": form}, **more)


def written(world: World, *records: Log) -> list[str]:
    """The objects of these records, all of which were taken."""
    world.produce(P0, *records)
    world.begin()
    world.put(P0)
    world.commit()
    assert world.reported == []
    return list(world.objects())


def restored(world: World) -> Sequence[Record]:
    """What comes back by the sink's own config, whose objects are whole."""
    seen = list(look(source_config(world.raw)).examined("orders"))
    assert [each.damage for each in seen if each.damage] == []
    return list(Restore(world, whole=world.raw).drain())


def orders(*headers: Headers) -> list[Log]:
    return [
        Log({"id": number, "note": None if number % 2 else f"n{number}"}, 1000 + number, f"k{number}", each)
        for number, each in enumerate(headers)
    ]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("compression", "fields"),
    [
        ("none", "key,value,offset,timestamp,headers"),
        ("gzip", "value"),
        ("snappy", "headers,timestamp,value,key"),
        ("zstd", "value,key,timestamp,headers"),
    ],
)
@pytest.mark.parametrize("as_columns", [False, True], ids=["rows", "columns"])
def test_what_was_written_comes_back_by_the_same_config(
    world: World, form: str, compression: str, fields: str, as_columns: bool
) -> None:
    if as_columns:
        world.as_data = lambda schema, values: columns(schema or ORDER, values)
    use(world, form, **{"file.compression.type": compression, "format.output.fields": fields})
    given = orders(TRACE, TRACE, TRACE)
    suffix = {"none": "", "gzip": ".gz", "snappy": ".snappy", "zstd": ".zst"}[compression]
    assert written(world, *given) == [f"orders-0-0{'.avro' if form == 'avro' else ''}{suffix}"]
    found = restored(world)
    assert [record.value for record in found] == [log.value for log in given]
    if "key" in fields:
        assert [(each.key, each.timestamp) for each in found] == [(log.key, log.timestamp) for log in given]
        assert [[(each.key, each.value) for each in record.headers] for record in found] == [
            [(each.key, each.value) for each in log.headers] for log in given
        ]


def avro_of(world: World) -> tuple[Any, list[Any]]:
    """Schema and records of the one Avro object, which is gzipped."""
    (key,) = world.objects()
    reader = fastavro.reader(BytesIO(gzip.decompress(world.get(key))))
    return json.loads(reader.metadata["avro.schema"]), list(reader)


def test_avro_without_more_is_a_gzipped_record_around_the_value(world: World) -> None:
    use(world, "avro")
    written(world, *orders((), ()))
    schema, records = avro_of(world)
    assert (schema["namespace"], schema["name"]) == ("io.aiven.avro.output.schema", "connector_records")
    assert [field["name"] for field in schema["fields"]] == ["value"]
    assert records == [{"value": {"id": 0, "note": "n0"}}, {"value": {"id": 1, "note": None}}]


@pytest.mark.parametrize(
    ("schema", "value", "found"),
    [(ORDER, {"id": 1, "note": None}, {"id": 1, "note": None}), (INT32, 5, {"value": 5})],
    ids=["a struct", "a number"],
)
def test_without_an_envelope_all_but_structs_are_wrapped(
    world: World, schema: Schema, value: Any, found: Mapping[str, Any]
) -> None:
    use(world, "avro", **{"format.output.envelope": "false"})
    world.schema = schema
    written(world, Log(value, key="k"))
    assert avro_of(world)[1] == [found]


def test_a_key_alone_may_be_all_that_is_written(world: World) -> None:
    use(world, "avro", **{"format.output.fields": "key"})
    written(world, *orders((), ()))
    assert avro_of(world)[1] == [{"key": "k0"}, {"key": "k1"}]


def test_a_key_that_is_a_struct_stays_one_without_an_envelope(world: World) -> None:
    use(world, "avro", **{"format.output.fields": "key", "format.output.envelope": "false"})
    world.key_schema = struct({"id": INT64}, "shop.Key")
    written(world, Log({"id": 1, "note": None}, key={"id": 7}))
    schema, records = avro_of(world)
    assert (schema["name"], records) == ("Key", [{"id": 7}])


def test_what_is_given_out_early_is_in_the_file_too() -> None:
    avro = Avro("null", connect_meta_data=False)
    rows = Rows(ORDER, [{"id": number, "note": None} for number in range(9)])
    writer, bodies = Packed(avro, gzip_packing()).writer(ORDER), avro.bodies(rows)
    data = b""
    for at in range(9):
        data += writer.add(bodies[at : at + 1]) + writer.squeeze()
        assert writer.held_bytes == 0
    assert list(fastavro.reader(BytesIO(gzip.decompress(data + writer.finish())))) == rows.values


def test_records_with_and_without_headers_are_in_one_object(world: World) -> None:
    use(world, "avro", **ALL)
    written(world, *orders((), TRACE, ()))
    assert [record["headers"] for record in avro_of(world)[1]] == [{}, {"trace": "7", "from": "shop"}, {}]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (Log({"id": 1, "note": None}, headers=(Header("a", 1, INT32), Header("b", "x", STRING))), "of several types"),
        (Log({"id": 1, "note": None}, headers=(Header("a", "x", None),)), "A header has no schema"),
        (Log(None, key="k"), "The value is null"),
    ],
    ids=["headers of two types", "a header without a schema", "a tombstone"],
)
def test_what_such_a_file_cannot_have_is_a_data_error_of_its_record_alone(
    world: World, form: str, bad: Log, why: str
) -> None:
    use(world, form, **ALL)
    world.produce(P0, *orders(TRACE), bad, *orders(TRACE))
    world.begin()
    world.put(P0)
    world.commit()
    assert [(offset, why in text) for offset, text in world.reported] == [(1, True)]
    assert [record.value["id"] for record in restored(world)] == [0, 0]


def test_a_large_avro_file_is_packed_as_it_grows(world: World) -> None:
    use(world, "avro", **{"file.compression.type": "snappy", "avro.codec": "deflate"})
    given = [Log({"id": number, "note": "x" * 200}, key="k") for number in range(3000)]
    assert len(written(world, *given)) == 1
    assert [record.value["id"] for record in restored(world)] == list(range(3000))
