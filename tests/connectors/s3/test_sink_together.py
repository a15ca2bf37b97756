"""What is polled together, of several schemas, leaves the objects that its records leave one by one."""

import datetime as dt
import itertools
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferryman import record
from ferryman.errors import DataError
from ferryman.formats.polars_types import dtype
from ferryman.record import Batch, Columns, Polled, Record
from ferryman.schema import DATE_SCHEMA, FLOAT64, INT32, INT64, OPTIONAL_STRING, STRING, Schema, array, decimal, struct
from ferryman.task.sink.offer import DecodedPartition, Offer
from tests.connectors.s3.s3_task import P0, World

FORMATS = "io.confluent.connect.s3.format"
PARTITIONERS = "io.confluent.connect.storage.partitioner"
BY_FIELD = {"partition.field.name": "a"}
SCHEMAS = [
    replace(struct({"id": INT64, "a": OPTIONAL_STRING}, "shop.Order"), version=1),
    replace(struct({"id": INT64, "a": OPTIONAL_STRING, "b": OPTIONAL_STRING}, "shop.Order"), version=2),
    None,
]
"""The schemas of values; None is a null value."""
VERSIONS = [
    replace(struct(fields, "shop.Payment" if len(fields) == 3 else "shop.Order"), version=version)
    for version, fields in enumerate(
        (
            {"id": INT32, "a": OPTIONAL_STRING, "price": decimal(2), "day": DATE_SCHEMA},
            {"id": INT64, "a": OPTIONAL_STRING, "b": OPTIONAL_STRING, "price": decimal(2), "day": DATE_SCHEMA},
            {
                "b": replace(OPTIONAL_STRING, default="none"),
                "id": FLOAT64,
                "many": array(STRING, optional=True),
                "price": decimal(2).as_optional(),
                "n": replace(INT64, default=7),
            },
            {"id": INT64, "a": STRING, "price": decimal(3), "day": DATE_SCHEMA},
            {"id": STRING, "a": STRING, "n": INT64},
        ),
        start=1,
    )
]
"""The first three can be read by those after them, the others end a file."""
TURNS: list[Mapping[str, str]] = [
    {"schema.compatibility": compatibility, "flush.size": size, "format.class": f"{FORMATS}.{form}", **more}
    for compatibility, size, form, more in (
        ("BACKWARD", "4", "json.JsonFormat", {}),
        ("BACKWARD", "100", "parquet.ParquetFormat", {}),
        ("FORWARD", "5", "parquet.ParquetFormat", {}),
        ("FULL", "7", "avro.AvroFormat", {}),
        ("FORWARD", "7", "json.JsonFormat", {"flush.bytes": "300"}),
        ("FULL", "5", "json.JsonFormat", {"partitioner.class": f"{PARTITIONERS}.FieldPartitioner", **BY_FIELD}),
    )
]
CONFIGS: list[Mapping[str, str]] = [
    {"behavior.on.null.values": "ignore"},
    {"behavior.on.null.values": "ignore", "schema.compatibility": "BACKWARD", "flush.size": "4"},
    {"behavior.on.null.values": "write", "store.kafka.keys": "true", "keys.format.class": f"{FORMATS}.json.JsonFormat"},
]
NUMBERS = itertools.count()


@given(
    poll=st.lists(st.tuples(st.sampled_from(SCHEMAS), st.booleans()), min_size=2, max_size=25),
    config=st.sampled_from(CONFIGS),
    seen=st.integers(0, 3),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_together_is_as_if_each_had_gone_alone(
    s3_server: str, unique: str, poll: list[tuple[Schema | None, bool]], config: Mapping[str, str], seen: int
) -> None:
    keyed = "store.kafka.keys" in config
    records = [_record(at, schema, has_key or keyed) for at, (schema, has_key) in enumerate(poll)]
    _compare(s3_server, unique, records, config, seen)


@given(
    poll=st.lists(st.sampled_from(VERSIONS), min_size=2, max_size=25),
    config=st.sampled_from(TURNS),
    seen=st.integers(0, 3),
    nulls=st.booleans(),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_schemas_by_turns_are_read_by_the_files_schema_as_if_each_record_had_gone_alone(
    s3_server: str, unique: str, poll: list[Schema], config: Mapping[str, str], seen: int, nulls: bool
) -> None:
    """In columns and in rows: as text each record is the same, and each is in the same object."""
    records = [
        replace(_record(at, SCHEMAS[0], has_key=False), value=_value(at, schema, nulls), value_schema=schema)
        for at, schema in enumerate(poll)
    ]
    _compare(s3_server, unique, records, config, seen)


def _value(at: int, schema: Schema, nulls: bool) -> dict[str, Any]:
    known = {"id": at, "a": "a", "b": None if nulls and at % 2 else "b", "many": ["x"], "n": at}
    known |= {"price": Decimal(at).scaleb(-2), "day": dt.date(2024, 2, 29)}
    others = {FLOAT64: float(at), STRING: str(at)}
    return {field.name: others.get(field.schema, known[field.name]) for field in schema.fields}


def _by_columns(batch: Batch) -> Batch:
    value = batch.value.rows()
    assert value.schema is not None
    frame = pl.DataFrame(
        [
            pl.Series(each.name, [row[each.name] for row in value.values], dtype=dtype(each.schema))
            for each in value.schema.fields
        ]
    )
    return replace(batch, value=Columns(value.schema, frame))


def _compare(s3_server: str, unique: str, records: Sequence[Record], config: Mapping[str, str], seen: int) -> None:
    """What is polled at once, by rows and by columns, and one by one; the records that are refused as well."""
    found = []
    count = len(records)
    raw = Polled("orders", 0, range(count), [0] * count, [None] * count, [b""] * count)
    for how in ("rows", "columns", "alone") if all(each.value for each in records) else ("rows", "alone"):
        world = World(s3_server, f"{unique}-{next(NUMBERS)}", config)
        world.begin(P0)
        assert world.sink is not None
        refused: list[int] = []
        # Some alone first, so that files are open; and these come again, as after an error.
        for one in records if how == "alone" else records[:seen]:
            _put(world, record.batches([one], raw, [one.offset or 0]), refused)
        if how != "alone":
            batches = record.batches(records, raw, range(count))
            _put(world, list(map(_by_columns, batches)) if how == "columns" else batches, refused)
        world.positions[P0] = count
        world.commit()
        found.append((world.contents(), sorted(set(refused))))
        world.kill()
    assert all(each == found[-1] for each in found), [each[1] for each in found]


def _put(world: World, batches: Sequence[Batch], refused: list[int]) -> None:
    """Puts, and halves by offset what is refused, as the runtime does."""
    offer = Offer(deque([DecodedPartition(batches[0].polled, deque(batches))]))
    waiting = deque([offer])
    while waiting:
        some = waiting.popleft()
        try:
            world.running.put_batches(some.batches(None))
        except DataError:
            if len(some) == 1:
                refused += some.batches(None)[0].offsets
            else:
                waiting.extendleft(reversed(some.halves()))


def _record(offset: int, schema: Schema | None, has_key: bool) -> Record:
    value: Any = None if schema is None else {name: offset if name == "id" else name for name in schema.by_name}
    key, key_schema = (f"k{offset}", STRING) if has_key else (None, None)
    return Record(
        topic="orders",
        partition=0,
        key=key,
        key_schema=key_schema,
        value=value,
        value_schema=schema,
        timestamp=0,
        offset=offset,
    )
