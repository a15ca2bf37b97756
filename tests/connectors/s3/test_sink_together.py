"""What is polled together, of several schemas, leaves the objects that its records leave one by one."""

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferryman import record
from ferryman.record import Polled, Record
from ferryman.schema import INT64, OPTIONAL_STRING, STRING, Schema, struct
from tests.connectors.s3.s3_task import P0, World

FORMATS = "io.confluent.connect.s3.format"
SCHEMAS = [
    replace(struct({"id": INT64, "a": OPTIONAL_STRING}, "shop.Order"), version=1),
    replace(struct({"id": INT64, "a": OPTIONAL_STRING, "b": OPTIONAL_STRING}, "shop.Order"), version=2),
    None,
]
"""The schemas of values; None is a null value."""
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
    found = []
    for together in (True, False):
        world = World(s3_server, f"{unique}-{next(NUMBERS)}", config)
        world.begin(P0)
        assert world.sink is not None
        count = len(records)
        raw = Polled("orders", 0, range(count), [0] * count, [None] * count, [b""] * count)
        # Some alone first, so that files are open; and these come again, as after an error.
        for one in records[:seen] if together else records:
            world.sink.put_batches(record.batches([one], raw, [one.offset or 0]))
        if together:
            world.sink.put_batches(record.batches(records, raw, range(count)))
        world.positions[P0] = count
        world.commit()
        found.append(world.contents())
        world.kill()
    assert found[0] == found[1]


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
