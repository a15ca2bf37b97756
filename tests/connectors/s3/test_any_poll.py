"""Whatever is polled together, the files are those of each record taken alone, in order."""

from collections.abc import Sequence
from typing import Any

import orjson
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferryman.chain import builder
from ferryman.connectors.s3.commit import interleaved as interleaved_module
from ferryman.connectors.s3.commit.intake import Intake
from ferryman.connectors.s3.commit.open_file import File
from ferryman.connectors.s3.commit.partition_files import PartitionFiles
from ferryman.connectors.s3.layout.layout import layout
from ferryman.connectors.s3.sink import S3SinkConnector
from ferryman.errors import DataError
from ferryman.record import Batch, Polled, TopicPartition

JSON_CONVERTER = "org.apache.kafka.connect.json.JsonConverter"
CONFLUENT = {
    "connector.class": "io.confluent.connect.s3.S3SinkConnector",
    "topics": "orders",
    "s3.bucket.name": "bucket",
    "storage.class": "io.confluent.connect.s3.storage.S3Storage",
    "key.converter": JSON_CONVERTER,
    "value.converter": JSON_CONVERTER,
    "aws.access.key.id": "test",
    "aws.secret.access.key": "test",
}
AIVEN = {
    "connector.class": "io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector",
    "topics": "orders",
    "aws.s3.bucket.name": "bucket",
    "key.converter": JSON_CONVERTER,
    "value.converter": JSON_CONVERTER,
    "aws.access.key.id": "test",
    "aws.secret.access.key": "test",
}
PARQUET, AVRO, JSON = (
    {"format.class": f"io.confluent.connect.s3.format.{name.lower()}.{name}Format"}
    for name in ("Parquet", "Avro", "Json")
)
TIMED = {
    "partitioner.class": "io.confluent.connect.storage.partitioner.TimeBasedPartitioner",
    "path.format": "'hour'=HH",
    "partition.duration.ms": "3600000",
    "locale": "en",
    "timezone": "UTC",
    "timestamp.extractor": "Record",
}
BY_FIELD = {
    "partitioner.class": "io.confluent.connect.storage.partitioner.FieldPartitioner",
    "partition.field.name": "region",
}
WRITTEN = {"behavior.on.null.values": "write", "store.kafka.keys": "true"}
IGNORED = {"behavior.on.null.values": "ignore"}
LAYOUTS: dict[str, dict[str, str]] = {
    "plain": PARQUET | IGNORED,
    "by time": PARQUET | TIMED | IGNORED,
    "by time, in intervals": JSON | TIMED | IGNORED | {"rotate.interval.ms": "3600000"},
    "few open files": JSON | TIMED | IGNORED | {"partitioner.max.open.files": "2"},
    "by field": AVRO | BY_FIELD | IGNORED,
    "with schema names": JSON | IGNORED | {"affix.type": "SUFFIX"},
    "with keys": PARQUET | WRITTEN | {"keys.format.class": "io.confluent.connect.s3.format.json.JsonFormat"},
    "with keys, by time": JSON | TIMED | WRITTEN,
    "envelopes": JSON | {"store.envelope": "true", "behavior.on.null.values": "write"},
    "envelopes in Parquet, by field": PARQUET | BY_FIELD | IGNORED | {"store.envelope": "true"},
    "nulls fail": AVRO | {"behavior.on.null.values": "fail"},
}
LINES = AIVEN | {"format.output.type": "jsonl", "format.output.fields": "key,value,offset", "file.max.records": "7"}

Line = tuple[int | None, int | None, str, int, bool]
"""The version of the value's schema, that of the key's, a field, an hour, and whether a number is none."""


def schema(version: int) -> dict[str, Any]:
    fields = [("id", "int64", False), ("region", "string", True), ("total", "double", True)]
    fields += [(f"later{number}", "string", True) for number in range(version - 1)]
    members = [{"field": name, "type": kind, "optional": optional} for name, kind, optional in fields]
    return {"type": "struct", "name": "shop.Order", "version": version, "optional": False, "fields": members}


def key(version: int | None, at: int) -> bytes | None:
    if version is None:
        return None
    fields = [{"field": "id", "type": "int64", "optional": False}]
    found = {"type": "struct", "name": "shop.Key", "version": version, "optional": False, "fields": fields}
    return orjson.dumps({"schema": found, "payload": {"id": at}})


def value(line: Line, at: int) -> bytes | None:
    version, _, region, _, is_null = line
    if version is None:
        return None
    payload = {"id": at, "region": region, "total": None if is_null else at / 4}
    payload |= {f"later{number}": f"text {at}" for number in range(version - 1)}
    return orjson.dumps({"schema": schema(version), "payload": payload})


def polled(lines: Sequence[Line]) -> Polled:
    keys = [key(version, at) for at, (_, version, *_) in enumerate(lines)]
    times = [1_700_000_000_000 + 3_600_000 * hour for _, _, _, hour, _ in lines]
    return Polled("orders", 0, range(len(lines)), times, keys, [value(line, at) for at, line in enumerate(lines)])


class Archive:
    """The files of one partition, as a config has them."""

    def __init__(self, raw: dict[str, str]) -> None:
        config = S3SinkConnector.config_class.parse({"name": "archive", **raw})
        self.chain = builder.chain(raw, {}, S3SinkConnector)
        self.layout, self.nulls = layout(config), list[int]()
        self.intake = Intake(self.layout, config.schema_compatibility, config.nulls, self.passed_over)
        self.partition = PartitionFiles(TopicPartition("orders", 0), "", "archive", self.layout.names.key)

    def passed_over(self, batch: Batch, index: int) -> None:
        self.nulls.append(batch.offsets[index])

    def decoded(self, raw: Polled) -> list[Batch]:
        batches, failures = self.chain.decode(raw)
        assert not failures
        return batches

    def takes(self, batches: Sequence[Batch]) -> int | None:
        """The next offset when it refuses something; None if it doesn't."""
        try:
            self.intake.take_all(self.partition, batches)
        except DataError:
            return self.partition.next
        return None

    def files(self) -> list[Any]:
        """What each generation holds: names, schemas, offsets, contents."""
        self.partition.rotate()
        return [sorted(map(shown, each.files), key=str) for each in self.partition.closed]


class Kept:
    """What a file would be made of."""

    def __init__(self) -> None:
        self.records = list[Any]()
        self.held_bytes = self.state = 0

    def add(self, chunk: Any) -> bytes:
        self.records += chunk.rows() if isinstance(chunk, pl.DataFrame) else chunk
        return b""


def shown(file: File) -> Any:
    writer: Any = file.writer
    offsets = [at for at in range(file.offsets.first, file.offsets.last + 1) if at in file.offsets]
    return str(file.destination), file.schema, offsets, writer.records


def lines(versions: st.SearchStrategy[int | None]) -> st.SearchStrategy[list[Line]]:
    line = st.tuples(
        versions, st.sampled_from([1, 1, 1, 2, None]), st.sampled_from("abc"), st.integers(0, 3), st.booleans()
    )
    return st.lists(line, min_size=1, max_size=60)


@pytest.fixture(autouse=True, scope="module")
def kept() -> Any:
    """Files keep what they are given."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interleaved_module, "_FIRST_LOOK", 2)
        for name in ("Parquet", "Avro"):
            patch.setattr(f"ferryman.connectors.s3.formats.format.{name}.writer", lambda self, schema: Kept())
        for name in ("JsonLines", "JsonFields"):
            patch.setattr(f"ferryman.connectors.s3.formats.text.{name}.writer", lambda self, schema: Kept())
        yield


@pytest.mark.parametrize("compatibility", ["NONE", "BACKWARD", "FORWARD", "FULL"])
@pytest.mark.parametrize("name", LAYOUTS)
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_poll_is_written_as_its_records_one_by_one(name: str, compatibility: str, data: st.DataObject) -> None:
    flush = data.draw(st.sampled_from(["3", "10", "1000"]), "flush.size")
    raw = CONFLUENT | LAYOUTS[name] | {"schema.compatibility": compatibility, "flush.size": flush}
    compare(raw, data.draw(lines(st.sampled_from([None, 1, 1, 2, 3]))), data.draw(st.lists(st.integers(1, 59))))


@settings(max_examples=50, deadline=None)
@given(lines(st.sampled_from([None, 1, 2, 3])), st.lists(st.integers(1, 59)))
def test_lines_of_any_schema_stand_in_one_file_in_order(given_lines: list[Line], cuts: list[int]) -> None:
    compare(LINES, given_lines, cuts)


@pytest.mark.parametrize("form", [PARQUET, AVRO, JSON])
def test_a_null_key_among_others_ends_no_file_of_envelopes(form: dict[str, str]) -> None:
    archive = Archive(CONFLUENT | form | {"store.envelope": "true", "flush.size": "1000"})
    given_lines = [(1, None if at % 2 else 1, "a", 0, False) for at in range(40)]
    for start in (0, 20):
        assert archive.takes(archive.decoded(polled(given_lines).slice(start, start + 20))) is None
    ((file,),) = archive.files()
    assert file[2] == list(range(40))


def compare(raw: dict[str, str], given_lines: list[Line], cuts: list[int]) -> None:
    together, alone, whole = Archive(raw), Archive(raw), polled(given_lines)
    stops = sorted({cut for cut in cuts if cut < len(given_lines)} | {len(given_lines)})
    refused = None
    for start, stop in zip([0, *stops], stops, strict=False):
        refused = together.takes(together.decoded(whole.slice(start, stop)))
        if refused is not None:
            break
    for at in range(len(given_lines) if refused is None else refused):
        assert alone.takes(alone.decoded(whole.slice(at, at + 1))) is None
    if refused is not None:
        guilty = [alone.takes(alone.decoded(whole.slice(at, at + 1))) for at in range(refused, stop)]
        assert any(each is not None for each in guilty)
        return
    assert together.files() == alone.files()
    assert together.nulls == alone.nulls
