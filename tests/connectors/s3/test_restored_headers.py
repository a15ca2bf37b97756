"""Headers, keys and values survive an archive and its restore byte for byte, and archives of before are still read."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from ferryman.connectors.s3.restore import records
from ferryman.connectors.s3.restore.records import Piece
from ferryman.errors import DataError
from ferryman.record import Header, Rows
from ferryman.schema import BYTES, INT64, OPTIONAL_BYTES, STRING, Schema, struct
from ferryman.settings import settings as settings_module
from ferryman.validation import connector_config
from tests.connectors.s3.archives import AVRO, FORMATS, PARQUET
from tests.connectors.s3.s3_task import CONFLUENT as SINK
from tests.connectors.s3.s3_task import P0, Log, World
from tests.connectors.s3.source_task import CONFLUENT, Restore
from tests.connectors.s3.test_source_worker import CONVERTER, archive_config, restore_config, told
from tests.running import Worker, consume, create_topic, fresh, produce, settings, until, worker

JSON = {"format.class": f"{FORMATS}.json.JsonFormat"}
EACH_FORMAT = pytest.mark.parametrize("form", [JSON, AVRO, PARQUET], ids=["json", "avro", "parquet"])
WHOLE = {"store.envelope": "true", "behavior.on.null.values": "write"}
AS_BYTES = {"header.converter": CONVERTER}
SENT: Sequence[tuple[str, bytes | None]] = (
    ("number", b"007"),
    ("decimal", b"1.50"),
    ("word", b"null"),
    ("moment", b"2026-11-01T00:00:00.000Z"),
    ("list", b"1,5"),
    ("binary", b"\x00\x01\xff\xfe"),
    ("none", None),
    ("empty", b""),
    ("again", b"one"),
    ("again", b"two"),
    ("größe 名", "größe 名".encode()),
    ("base64", b"AAH//g=="),
)


@pytest.fixture
def world(s3_server: str, unique: str) -> Iterator[World]:
    """A bucket of the test's own."""
    made = World(s3_server, unique)
    yield made
    made.kill()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Worker]:
    """One worker for all tests here."""
    with worker(tmp_path_factory.mktemp("worker"), settings(kafka, fresh("headers"))) as made:
        yield made


@EACH_FORMAT
def test_a_worker_restores_headers_keys_values_and_tombstones_byte_for_byte(
    kafka: str, unique: str, s3_server: str, running: Worker, form: dict[str, str]
) -> None:
    restored = f"{unique}-restored"
    create_topic(kafka, unique, 1)
    create_topic(kafka, restored, 1)
    produce(kafka, unique, [b"\xff\x00", None, b"", b"text"], [b"\xfe", b"k", None, b""], headers=SENT)
    produce(kafka, unique, [b"bare"], [b"k"])
    bucket = World(s3_server, unique)
    running.create(archive_config(bucket, unique, **form, **AS_BYTES, **{"flush.size": "5"}))
    until(lambda: sum(map(len, bucket.contents().values())) == 5, what="the archive")
    more = {"restore.original.headers": "true"}
    running.create(restore_config(bucket, unique, **form, **AS_BYTES, **more))
    until(lambda: len(consume(kafka, restored)) == 5, what="the restore")
    found, wanted = consume(kafka, restored), consume(kafka, unique)
    assert [told(each) for each in found] == [told(each) for each in wanted]
    assert told(found[1])[3] == list(SENT)
    assert [*(found[1].headers() or [])][-1] == ("ferryman.original.offset", b"1")


def headers(*given: tuple[str, bytes | str | None]) -> tuple[Header, ...]:
    kinds: dict[type, Schema] = {bytes: OPTIONAL_BYTES, str: STRING}
    return tuple(Header(name, value, kinds.get(type(value))) for name, value in given)


@EACH_FORMAT
def test_texts_and_bytes_of_one_record_come_back_as_what_they_were(world: World, form: dict[str, str]) -> None:
    given = headers(("text", "AAH//g=="), ("bytes", b"\x00\x01\xff\xfe"), ("none", None), ("empty", b""), ("blank", ""))
    world.schema, world.key_schema, world.more = struct({"id": INT64}), STRING, {**form, **WHOLE, "flush.size": "2"}
    world.produce(P0, Log({"id": 1}, key="a", headers=given), Log({"id": 2}, key="b"))
    world.begin()
    world.drain()
    first, second = Restore(world, {**form, **WHOLE}).drain()
    assert (first.headers, second.headers) == (given, ())


@EACH_FORMAT
def test_texts_of_an_archive_are_bytes_where_the_header_converter_takes_only_these(
    world: World, form: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    world.schema, world.key_schema, world.more = struct({"id": INT64}), STRING, {**form, **WHOLE, "flush.size": "1"}
    world.produce(P0, Log({"id": 1}, key="a", headers=headers(("text", "größe"), ("none", None))))
    world.begin()
    world.drain()
    (record,) = Restore(world, {**form, **WHOLE, **AS_BYTES}).drain()
    assert record.headers == headers(("text", "größe".encode()), ("none", None))
    (warning,) = [each for each in caplog.messages if "are texts" in each]
    assert all(name in warning for name in world.objects())


OLD = {
    "key": "azE=",
    "value": {"id": 1},
    "headers": [{"key": "source", "value": "AAH//g=="}],
    "topic": "orders",
    "partition": 0,
    "offset": 7,
    "timestamp": 1_700_000_000_000,
}


VALIDATED = {**JSON, **WHOLE, "name": "a", "s3.bucket.name": "archive", "store.url": "http://127.0.0.1:1"}
KEYS = {"aws.access.key.id": "test", "aws.secret.access.key": "test"}
CONNECTORS = pytest.mark.parametrize(
    "connector",
    [{"connector.class": SINK, "topics": "orders", "flush.size": "1"}, {"connector.class": CONFLUENT}],
    ids=["sink", "source"],
)


@CONNECTORS
@pytest.mark.parametrize(
    ("own", "workers", "warned"),
    [
        ({}, {}, True),
        ({"header.converter": "StringConverter"}, {}, True),
        (AS_BYTES, {}, False),
        ({}, AS_BYTES, False),
        ({"header.converter": "ByteArray"}, {}, False),
        ({"store.envelope": "false", "behavior.on.null.values": "fail"}, {}, False),
    ],
)
def test_a_header_converter_that_may_change_the_headers_of_an_envelope_is_warned_of(
    connector: dict[str, str], own: dict[str, str], workers: dict[str, str], warned: bool
) -> None:
    given = settings_module.parse({"key.converter": CONVERTER, "value.converter": CONVERTER, **workers})
    found = connector_config.validate({**VALIDATED, **KEYS, **connector, **own}, given)
    assert not found.infos.problems
    assert any(each.startswith("header.converter=") for each in found.warnings) is warned


def unpacked(*lines: dict[str, Any]) -> Piece:
    return records.enveloped(Rows(None, [json.loads(json.dumps(line)) for line in lines]), range(len(lines)))


def test_an_archive_of_before_is_read_as_it_was() -> None:
    piece = unpacked(OLD, OLD)
    assert (piece.key, piece.headers) == (Rows(None, ["azE="] * 2), [headers(("source", "AAH//g=="))] * 2)


def test_lines_of_which_some_are_marked_as_bytes_come_back_each_as_it_was() -> None:
    lines = [OLD, {**OLD, "base64": ["key"]}, OLD]
    data = Rows(None, lines)
    pieces = list(records.unpacked(iter([data]), records.enveloped, 0))
    found = [piece.key for piece in pieces if isinstance(piece, Piece)]
    assert found == [Rows(None, ["azE="]), Rows(OPTIONAL_BYTES, [b"k1"]), Rows(None, ["azE="])]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"base64": ["key"], "key": "no base64!"}, "its key is marked as bytes, and is not in base64"),
        ({"base64": ["value"], "value": {"id": 1}}, "its value is marked as bytes"),
        ({"headers": [{"key": "h", "value": None, "bytes": "?"}]}, "the header h is marked as bytes"),
    ],
)
def test_what_is_marked_as_bytes_and_is_none_is_named(line: dict[str, Any], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        unpacked({**OLD, **line})


@pytest.mark.parametrize("schema", [None, BYTES])
def test_json_lines_of_bytes_are_what_they_were_but_for_a_mark(world: World, schema: Schema | None) -> None:
    """Bytes have been base64 where they are read by others, and stay it."""
    world.schema, world.key_schema, world.more = schema, BYTES, {**WHOLE, "flush.size": "1"}
    world.produce(P0, Log({"id": 1} if schema is None else b"v", key=b"k1", headers=headers(("h", b"\x00"))))
    world.begin()
    world.drain()
    ((line,),) = world.contents().values()
    assert (line["key"], line["value"]) == ("azE=", {"id": 1} if schema is None else "dg==")
    assert line["base64"] == (["key"] if schema is None else ["key", "value"])
    assert line["headers"] == [{"key": "h", "value": None, "bytes": "AA=="}]
