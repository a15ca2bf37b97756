"""What is big costs in proportion to its size: four times the columns, records, partitions or bytes are not sixteen
times the work.

Each thing is made in two sizes and gone through by the code that a task or worker runs; the CPU of the two is compared,
never the time on the wall.
"""

import gc
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest
from starlette.requests import Request

from bench.transforms.cases import CASES
from ferryman.api import Committed
from ferryman.chain.builder import chain
from ferryman.chain.chain import Chain
from ferryman.connectors.s3.formats.format import Avro, Parquet
from ferryman.connectors.s3.formats.text import JsonLines
from ferryman.connectors.sql.column_fits.fit import Fit
from ferryman.connectors.sql.config.databases import database
from ferryman.connectors.sql.dialects.dialect import Load, TableColumn
from ferryman.connectors.sql.dialects.mysql.statements import statements as mysql_statements
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.connectors.sql.dialects.postgresql.statements import staged
from ferryman.connectors.sql.dialects.postgresql.unstaged import direct
from ferryman.connectors.sql.records.column import Column
from ferryman.facts.config_records import (
    ConfigRecord,
    ConnectorConfig,
    TargetStateRecord,
    TaskConfig,
    TasksCommit,
)
from ferryman.facts.fold import Facts
from ferryman.facts.states import TargetState
from ferryman.formats.avro.rows_reader import parse
from ferryman.formats.json.maps.reader import MIN_OBJECTS
from ferryman.record import Batch, Polled, Rows, TopicPartition
from ferryman.rest import endpoints
from ferryman.rest.endpoints import Call
from ferryman.rest.http_messages import Answer
from ferryman.schema import INT64, OPTIONAL_STRING, Schema, struct
from ferryman.task.sink.commits import Commits
from ferryman.task.sink.offer import DecodedPartition, Offer
from ferryman.task.sink.offset_ledger import OffsetLedger
from ferryman.telemetry import free_text
from tests.connectors.s3.pretend_bucket import USUAL, PretendBucket, source_of
from tests.connectors.sink_world import batch_at
from tests.connectors.sql.sql_task import World
from tests.worker.played_worker import PlayedWorker
from tests.worker.simulated_time import simulated

TIMES = 4
MOST = 9
"""How many times as long the big thing may take: four if the work grows as it does, sixteen if as its square."""
BELIEVED = 0.02
"""Seconds of CPU for the big thing below which nothing is asked further."""
STRINGS = {"key.converter": "org.apache.kafka.connect.storage.StringConverter"}
JSON = {**STRINGS, "value.converter": "org.apache.kafka.connect.json.JsonConverter"}
BARE = {**JSON, "value.converter.schemas.enable": "false"}

Make = Callable[[int], Callable[[], object]]
"""A size to what is done with a thing of that size; the making itself does not count."""


def payments(fields: int) -> dict[str, Any]:
    """A record with the fields that the transforms' configs name, and so many others."""
    known = {"id": 1, "account": 2, "email": "e", "currency": "EUR", "note": "n", "score": 1, "created": 1}
    return {**known, **{f"field_{number}": f"text {number}" for number in range(fields)}}


def json_schema(value: Mapping[str, Any]) -> dict[str, Any]:
    fields = [{"field": name, "type": "string" if isinstance(each, str) else "int64"} for name, each in value.items()]
    created = {"name": "org.apache.kafka.connect.data.Timestamp", "version": 1}
    return {
        "type": "struct",
        "fields": [{**each, **(created if each["field"] == "created" else {})} for each in fields],
    }


def envelope(value: Mapping[str, Any]) -> bytes:
    return orjson.dumps({"schema": json_schema(value), "payload": value})


def polled(values: Sequence[bytes | None], headers: Sequence[tuple[str, bytes | None]] | None = None) -> Polled:
    count = len(values)
    given = None if headers is None else [headers] * count
    return Polled("t", 0, range(count), [0] * count, [None] * count, values, given)


def through(made: Chain, given: Polled) -> Callable[[], object]:
    def run() -> None:
        batches, failures = made.decode(given)
        _, more = made.transform(batches)
        assert (failures, more) == ([], [])

    return run


def columns_in_json(size: int) -> Callable[[], object]:
    return through(chain(JSON, {}), polled([envelope(payments(size))] * 20))


def keys_without_a_schema(size: int) -> Callable[[], object]:
    return through(chain(BARE, {}), polled([orjson.dumps(payments(size))] * 20))


def keys_inside_others(size: int) -> Callable[[], object]:
    """Keys inside others, of as many records as a frame is made for."""
    inside = {f"group {at}": {f"key {at} {number}": number for number in range(50)} for at in range(size // 50)}
    return through(chain(BARE, {}), polled([orjson.dumps(inside)] * MIN_OBJECTS))


def a_long_array(size: int) -> Callable[[], object]:
    schema = {"type": "struct", "fields": [{"field": "a", "type": "array", "items": {"type": "int64"}}]}
    value = orjson.dumps({"schema": schema, "payload": {"a": list(range(size))}})
    return through(chain(JSON, {}), polled([value] * 3))


def deep_things(size: int) -> Callable[[], object]:
    return through(chain(BARE, {}), polled([b'{"a":' * 50 + b"1" + b"}" * 50] * size))


def big_text(size: int) -> Callable[[], object]:
    return through(chain(JSON, {}), polled([envelope({"a": "é\\n" * size})] * 2))


def schemas_by_turns(size: int) -> Callable[[], object]:
    kinds = [envelope(payments(number)) for number in range(3)]
    return through(chain(JSON, {}), polled([kinds[at % 3] for at in range(size)]))


def as_many_schemas(size: int) -> Callable[[], object]:
    return through(chain(JSON, {}), polled([envelope({f"f{at}": 1}) for at in range(size)]))


def one_bad_in_ten(size: int) -> Callable[[], object]:
    made, good = chain(JSON, {}), envelope(payments(3))
    given = polled([good[:-9] if at % 10 == 3 else good for at in range(size)])
    return lambda: made.decode(given)


def many_headers(size: int) -> Callable[[], object]:
    headers = [(f"h{number}", b"%d" % number) for number in range(size)]
    return through(chain(BARE, {}), polled([b"1"] * 10, headers))


def big_headers(size: int) -> Callable[[], object]:
    return through(chain(BARE, {}), polled([b"1"] * 10, [("h", b'{"a": "' + b"x" * size + b'"}')]))


def avro_columns(size: int) -> Callable[[], object]:
    schema = {"type": "record", "name": "R", "fields": [{"name": f"f{at}", "type": "string"} for at in range(size)]}
    return lambda: parse(schema)


def transform(name: str, size: int, by_rows: bool) -> Callable[[], object]:
    config = {**(BARE if by_rows else JSON), **CASES[name].config}
    value = payments(size)
    headers = [(key, text.encode()) for key, text in CASES[name].headers.items()]
    bodies = [orjson.dumps(value) if by_rows else envelope(value)] * 5
    return through(chain(config, {}), polled(bodies, headers or None))


def wide(size: int) -> Schema:
    return struct({"id": INT64, **{f"c{number}": OPTIONAL_STRING for number in range(size)}})


def wide_batch(size: int) -> Batch:
    schema = wide(size)
    row = {field.name: 1 if field.name == "id" else "text" for field in schema.fields}
    return batch_at(TopicPartition("t", 0), 0, Rows(schema, [row] * 5))


def sql_columns(size: int) -> tuple[TableColumn, ...]:
    kind = database("jdbc:sqlite:x.db", None, None, {}).dialect.columns
    return tuple(
        TableColumn(field.name, Column(field.name, field.schema, "value", field.name, field.name == "id"), PLAIN, each)
        for field, each in zip(wide(size).fields, [next(iter(kind.values()))] * (size + 1), strict=True)
    )


PLAIN = Fit("plain")


def postgresql_statements(size: int) -> Callable[[], object]:
    columns = sql_columns(size)
    return lambda: staged("stage", TableName(None, "t"), columns, "upsert")


def mysql(size: int) -> Callable[[], object]:
    columns = sql_columns(size)
    return lambda: mysql_statements("stage", TableName(None, "t"), columns, "upsert", [frozenset({"id"})])


def s3(form: Any, size: int) -> Callable[[], object]:
    batch = wide_batch(size)

    def run() -> None:
        written = form.writer(batch.value.schema)
        written.add(form.encode(batch, batch.value.schema))
        written.finish()

    return run


def partitions(size: int) -> list[TopicPartition]:
    return [TopicPartition(f"t{number % 1000}", number // 1000) for number in range(size)]


def assigned_and_revoked(size: int) -> Callable[[], object]:
    """A partition at a time gets records, then a part of all is committed and goes."""

    def run() -> None:
        sources, ledger = partitions(size), OffsetLedger()
        ledger.assigned(dict.fromkeys(sources, 0), dict.fromkeys(sources, 0))
        for source in sources:
            ledger.polled(source, 1)
            ledger.delivered(source, 1)
        commits = Commits(None, ledger, lambda offsets: True)  # type: ignore[arg-type]
        wanted = commits.deliverable(sources[: size // 2])
        commits.send({source: Committed(offset) for source, offset in wanted.items()})
        ledger.revoked(sources)

    return run


def a_poll_of_many_partitions(size: int) -> Callable[[], object]:
    """It is dropped when half of the partitions go."""
    decoded = [DecodedPartition(Polled(*source, [0], [0], [None], [b"1"]), _one(source)) for source in partitions(size)]
    return lambda: Offer(deque(decoded)).without([each.polled.source for each in decoded[: size // 2]])


def a_put_for_each_of_many_partitions(size: int) -> Callable[[], object]:
    """As a sink has it that takes one batch at a time."""
    offer = Offer(
        deque(DecodedPartition(Polled(*each, [0], [0], [None], [b"1"]), _one(each)) for each in partitions(size))
    )

    def run() -> None:
        while offer.partitions:
            offer.took(len(offer.batches(1)))
            assert len(list(offer.finished())) == 1

    return run


def _one(source: TopicPartition) -> Any:
    return deque([batch_at(source, 0, Rows(None, [1]))])


def secrets_of_a_config(size: int) -> Callable[[], object]:
    """In an answer that repeats all of them."""
    secrets = [f"this is secret {number} of them" for number in range(size)]
    text, values = "; ".join(secrets), free_text.Values(dict.fromkeys(secrets, "[hidden]"))
    return lambda: free_text.without_values(text, values)


def lines_of_many_connectors(size: int) -> Callable[[], object]:
    """Each has a secret, and a line of the log, which is cleaned of all of them."""
    values = free_text.Values({f"secret-{number}-of-a-connector": "[hidden]" for number in range(size)})
    line = f"connector c{size}: its config names the key colour, which it does not know; secret-1-of-a-connector"
    return lambda: [free_text.without_values(line, values) for _ in range(size)]


def connectors_in_the_topic(size: int) -> Callable[[], object]:
    def run() -> None:
        facts = Facts()
        for number in range(size):
            name = f"c{number}"
            records: Sequence[ConfigRecord] = (
                ConnectorConfig(name, {"a": "b"}),
                TaskConfig(name, 0, {"a": "b"}),
                TasksCommit(name, 1),
            )
            for at, record in enumerate(records):
                facts.apply(record, 3 * number + at)
        assert len(facts.names()) == size

    return run


def restored(objects: Mapping[str, bytes], **more: str) -> Callable[[], object]:
    raw = {**USUAL, "format.class": "JsonFormat", "restore.until": "end"}
    source = source_of(PretendBucket(dict(objects)), raw | {key.replace("_", "."): more[key] for key in more})

    def run() -> None:
        count = 0
        while not source.at_end():
            batches = source.poll_batches()
            count += sum(map(len, batches))
            deque(source.progress(batches), 0)
        assert count == 10 * len(objects)

    return run


def folders_of_a_partition(size: int) -> Callable[[], object]:
    lines = b'{"a":1}\n' * 10
    return restored({f"topics/t/day={at:06d}/t+0+{at * 10:010d}.json": lines for at in range(size)})


def folders_that_are_merged(size: int) -> Callable[[], object]:
    """Each has records between all others'."""
    at = b'{"key":null,"value":1,"headers":[],"topic":"t","partition":0,"offset":%d,"timestamp":1}\n'
    of_folder = [b"".join(at % (folder + size * turn) for turn in range(10)) for folder in range(size)]
    objects = {f"topics/t/kind={folder}/t+0+{folder:010d}.json": of_folder[folder] for folder in range(size)}
    return restored(objects, store_envelope="true")


def folders_without_a_partition(size: int) -> Callable[[], object]:
    objects = {f"in/{at}/any.json": b'{"a":1}\n' * 10 for at in range(size)}
    return restored(objects, mode="GENERIC", topic_regex_list="t:in/.*", record_batch_max_size="20")


WITH_SCHEMAS = ("chain", "TimestampConverter", "InsertField", "SetSchemaMetadata")
"""Transforms whose configs need one, or an integer that it says is a timestamp."""
THINGS: Mapping[str, tuple[int, Make]] = {
    "columns in JSON": (250, columns_in_json),
    "keys without a schema": (500, keys_without_a_schema),
    "keys inside others": (500, keys_inside_others),
    "a long array": (20_000, a_long_array),
    "nested things": (1000, deep_things),
    "a big text": (200_000, big_text),
    "schemas by turns": (800, schemas_by_turns),
    "as many schemas as records": (100, as_many_schemas),
    "one bad record in ten": (500, one_bad_in_ten),
    "many headers": (1000, many_headers),
    "big headers": (200_000, big_headers),
    "columns in Avro": (1000, avro_columns),
    "statements for PostgreSQL": (2000, postgresql_statements),
    "statements for MariaDB": (2000, mysql),
    "columns in Parquet": (150, partial(s3, Parquet("snappy"))),
    "columns in Avro files": (500, partial(s3, Avro("null", True))),
    "columns in JSON lines": (2000, partial(s3, JsonLines(False, None))),
    "partitions of a task": (3000, assigned_and_revoked),
    "a poll of many partitions": (2500, a_poll_of_many_partitions),
    "a put for each of many partitions": (2500, a_put_for_each_of_many_partitions),
    "connectors in the config topic": (1000, connectors_in_the_topic),
    "secrets of a config": (1500, secrets_of_a_config),
    "lines about many connectors": (1000, lines_of_many_connectors),
    "folders of a partition": (300, folders_of_a_partition),
    "folders that are merged": (150, folders_that_are_merged),
    "folders without a partition": (500, folders_without_a_partition),
    **{
        f"{name} by {'rows' if by_rows else 'columns'}": (200, partial(transform, name, by_rows=by_rows))
        for name in CASES
        for by_rows in (False, True)
        if not (by_rows and name in WITH_SCHEMAS)
    },
}
"""The smaller of two sizes, and the thing."""


@pytest.fixture(scope="module", autouse=True)
def apart() -> None:
    """What all other tests have left behind is not looked through before each thing that is measured."""
    gc.collect()
    gc.freeze()


def seconds(act: Callable[[], object]) -> float:
    """The CPU that it takes, threads of libraries included."""
    gc.collect()
    gc.disable()
    start = time.process_time()
    act()
    taken = time.process_time() - start
    gc.enable()
    return taken


def grows_too_fast(make: Make, size: int) -> bool:
    """Whether a thing of four times the size takes more than nine times the CPU, each time that it is tried."""
    seconds(make(size))  # caches of what does not depend on the size
    if seconds(make(TIMES * size)) < BELIEVED:
        return False
    for _ in range(4):
        small = min(seconds(make(size)) for _ in range(2))
        if seconds(make(TIMES * size)) <= MOST * max(small, BELIEVED / TIMES / 4):
            return False
    return True


@pytest.mark.parametrize("thing", THINGS)
def test_the_work_grows_as_the_thing_does(thing: str, long: bool) -> None:
    size, make = THINGS[thing]
    assert not grows_too_fast(make, size * (3 if long else 1))


@pytest.fixture
def numbers() -> Iterator[int]:
    return iter(range(1000))


def test_a_table_of_many_columns_is_made_and_filled_in_proportion(tmp_path: Path, numbers: Iterator[int]) -> None:
    """All of the SQL sink, with a database in the process: layout, DDL, reflection, statements, rows."""

    def make(size: int) -> Callable[[], object]:
        world = World(
            f"jdbc:sqlite:{tmp_path}/{next(numbers)}.db",
            {"auto.create": "true", "insert.mode": "upsert", "pk.mode": "record_value", "pk.fields": "id"},
            topic="t",
            end_offset=1000,
        )
        world.begin()
        return lambda: world.running.put_batches([wide_batch(size)])

    assert not grows_too_fast(make, 200)


def test_work_that_grows_as_the_square_is_found() -> None:
    def squared(size: int) -> Callable[[], object]:
        many = list(range(size))
        return lambda: [number for number in many if number not in many[size // 2 :]]

    assert grows_too_fast(squared, 1500)


def test_literals_of_a_wide_table_grow_in_proportion() -> None:
    def make(size: int) -> Callable[[], object]:
        columns = sql_columns(size)
        frame = wide_frame(size)
        load = Load(TableName(None, "t"), columns, frame)
        return lambda: [*direct.as_literals([load], lambda values, column: values)[0].statements("upsert", 0, 9)]

    assert not grows_too_fast(make, 400)


def wide_frame(size: int) -> Any:
    ids = pl.Series("c0", range(5), dtype=pl.Int64)
    return pl.DataFrame([ids, *(pl.Series(f"c{at}", ["text"] * 5) for at in range(1, size + 1)), ids.alias("seq")])


def test_a_request_to_a_worker_grows_as_its_connectors_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are known at its start, as after a restart, and stopped: told of, and another one made and deleted."""

    def make(size: int) -> Callable[[], object]:
        async def story() -> None:
            with monkeypatch.context() as patches:
                worker = PlayedWorker(tmp_path, patches)
                worker.checks_nothing()
                for number in range(size):
                    name = f"c{number}"
                    facts = worker.journal.facts
                    facts.apply(TargetStateRecord(name, TargetState.STOPPED), facts.offset)
                    facts.apply(ConnectorConfig(name, worker.config(name)), facts.offset)
                worker.plane.reconcile()
                for number in range(3):
                    await worker.commands.create(f"new{number}", worker.config(f"new{number}"), TargetState.STOPPED)
                    await worker.commands.runs.look()
                    await worker.commands.delete(f"new{number}")
                answer = await Expanded(worker.commands).told()
                assert len(answer.body) == size

        return lambda: simulated(story())

    assert not grows_too_fast(make, 100)


class Expanded:
    """GET /connectors?expand=status&expand=info."""

    def __init__(self, herder: Any) -> None:
        self.herder = herder

    async def told(self) -> Answer:
        scope = {"type": "http", "query_string": b"expand=status&expand=info", "headers": []}
        rest: Any = self
        return await endpoints.connectors(rest, Call(Request(scope), ()))
