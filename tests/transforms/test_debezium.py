"""Debezium's transforms: what former versions' keys do, rows in columns, and what is refused."""

from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest

from ferryman.api import Transform
from ferryman.config import Config
from ferryman.errors import ConfigError
from ferryman.formats.polars_types import dtype
from ferryman.plugins import catalog
from ferryman.record import Batch, Columns, Header, Record, Rows, batches
from ferryman.schema import INT32, INT64, STRING, struct

EXTRACT = "io.debezium.transforms.ExtractNewRecordState"
ROUTER = "io.debezium.transforms.outbox.EventRouter"
ROW = struct({"id": INT32, "by": STRING.as_optional()}, optional=True)
SOURCE = struct({"table": STRING, "ts_ms": INT64})
EVENT = struct({"before": ROW, "after": ROW, "source": SOURCE, "op": STRING}, name="shop.orders.Envelope")
OLD, NEW = {"id": 7, "by": "ann"}, {"id": 7, "by": "bob"}
OF_SOURCE = {"table": "orders", "ts_ms": 5}
UPDATE = {"before": OLD, "after": NEW, "source": OF_SOURCE, "op": "u"}
DELETE = {"before": OLD, "after": None, "source": OF_SOURCE, "op": "d"}


def transform(name: str, config: Mapping[str, str]) -> Transform[Config]:
    plugin = catalog.find("transformation", name)
    assert plugin is not None
    made: Transform[Config] = plugin(plugin.config_class.parse(config))
    return made


def left(config: Mapping[str, str], *values: Any, name: str = EXTRACT) -> list[Any]:
    """The values that are left of change events, None being a tombstone."""
    given = [Record(topic="orders", value=value, value_schema=EVENT if value else None) for value in values]
    step = transform(name, config)
    return [
        record.value
        for batch in batches(given, given, range(len(given)))
        for result in step.apply_batch(batch)
        for record in result.records()
    ]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, [NEW, None]),
        ({"drop.tombstones": "true"}, [NEW]),
        ({"drop.tombstones": "false"}, [NEW, None]),
        ({"delete.handling.mode": "none"}, [NEW, None]),
        ({"delete.handling.mode": "none", "drop.tombstones": "false"}, [NEW, None, None]),
        ({"delete.handling.mode": "drop"}, [NEW]),
        ({"delete.handling.mode": "rewrite"}, [{**NEW, "__deleted": "false"}, {**OLD, "__deleted": "true"}]),
        (
            {"delete.handling.mode": "rewrite", "drop.tombstones": "false"},
            [{**NEW, "__deleted": "false"}, {**OLD, "__deleted": "true"}, None],
        ),
        ({"delete.tombstone.handling.mode": "drop", "delete.handling.mode": "rewrite"}, [NEW]),
    ],
    ids=str,
)
def test_former_keys_decide_about_deletes_unless_todays_is_given(
    config: dict[str, str], expected: list[dict[str, Any] | None]
) -> None:
    assert left(config, UPDATE, DELETE, None) == expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, [NEW]),
        ({"drop.tombstones": "false"}, [NEW, None]),
        ({"drop.deletes": "true"}, [NEW]),
        ({"drop.deletes": "false"}, [NEW, None]),
        ({"drop.deletes": "false", "delete.handling.mode": "rewrite"}, [NEW, None]),
        ({"drop.deletes": "false", "drop.tombstones": "false"}, [NEW, None, None]),
        ({"delete.handling.mode": "rewrite"}, [{**NEW, "__deleted": "false"}, {**OLD, "__deleted": "true"}]),
        ({"delete.tombstone.handling.mode": "tombstone"}, [NEW, None]),
    ],
    ids=str,
)
def test_under_its_former_name_it_has_its_former_defaults(
    config: dict[str, str], expected: list[dict[str, Any] | None]
) -> None:
    assert left(config, UPDATE, DELETE, None, name="io.debezium.transforms.UnwrapFromEnvelope") == expected


def in_columns(*values: dict[str, Any]) -> Batch:
    given = [Record(topic="orders", value=value, value_schema=EVENT) for value in values]
    (batch,) = batches(given, given, range(len(given)))
    dtypes = {field.name: dtype(field.schema) for field in EVENT.fields}
    frame = pl.DataFrame(list(values), schema=dtypes, orient="row")
    return Batch(
        topic="orders",
        partition=None,
        key=batch.key,
        value=Columns(EVENT, frame),
        timestamps=batch.timestamps,
        origin=given,
        positions=batch.positions,
    )


def test_rows_in_columns_stay_there() -> None:
    step = transform(EXTRACT, {"add.fields": "op,source.ts_ms:at", "add.headers": "table"})
    assert step.rows_reason() is None
    (result,) = step.apply_batch(in_columns(UPDATE, UPDATE))
    assert isinstance(result.value, Columns)
    assert result.value.rows().values == [{**NEW, "__op": "u", "__at": 5}] * 2
    assert result.headers == [(Header("__table", "orders", STRING.as_optional()),)] * 2


def test_deletes_among_columns_become_null_in_their_place() -> None:
    results = transform(EXTRACT, {}).apply_batch(in_columns(UPDATE, DELETE, UPDATE))
    assert [list(result.positions) for result in results] == [[0, 2], [1]]
    assert results[1].value == Rows(ROW, [None])


def test_what_is_no_change_event_passes() -> None:
    given = Record(topic="orders", value={"id": 7})
    assert transform(EXTRACT, {"add.fields": "op"}).apply(given) == given
    assert transform(ROUTER, {}).apply(given) == given


@pytest.mark.parametrize(
    ("name", "config", "key"),
    [
        (EXTRACT, {"operation.header": "true"}, "operation.header"),
        (EXTRACT, {"add.source.fields": "table"}, "add.source.fields"),
        (EXTRACT, {"add.fields": "a:b:c"}, "add.fields"),
        (EXTRACT, {"delete.handling.mode": "keep"}, "delete.handling.mode"),
        (ROUTER, {"table.fields.additional.placement": "type:footer"}, "table.fields.additional.placement"),
        (ROUTER, {"route.topic.regex": "("}, "route.topic.regex"),
        (ROUTER, {"field.name.adjustment.mode": "avro"}, "field.name.adjustment.mode"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(name: str, config: dict[str, str], key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        transform(name, config)
    assert [problem.key for problem in caught.value.problems] == [key]


def test_columns_of_an_outbox_in_oracle_are_in_upper_case() -> None:
    columns = {"ID": STRING, "AGGREGATETYPE": STRING, "AGGREGATEID": STRING, "PAYLOAD": STRING, "kind": STRING}
    source = struct({"connector": STRING})
    schema = struct(
        {"after": struct(columns, optional=True), "source": source, "op": STRING, "ts_ms": INT64}, "o.Envelope"
    )
    row = {"ID": "e1", "AGGREGATETYPE": "Order", "AGGREGATEID": "7", "PAYLOAD": "{}", "kind": "User"}
    event = {"after": row, "source": {"connector": "oracle"}, "op": "c", "ts_ms": 9}
    given = Record(topic="outbox", value=event, value_schema=schema)
    routed = transform(ROUTER, {}).apply(given)
    assert routed is not None
    assert (routed.topic, routed.key, routed.value, routed.timestamp) == ("outbox.event.Order", "7", "{}", 9)
    routed = transform(ROUTER, {"route.by.field": "kind"}).apply(given)
    assert routed is not None
    assert routed.topic == "outbox.event.User"


def test_a_record_that_was_consumed_keeps_a_partition() -> None:
    row = struct({"id": STRING, "aggregatetype": STRING, "aggregateid": STRING, "payload": STRING})
    schema = struct({"after": row, "op": STRING, "ts_ms": INT64}, "o.Envelope")
    values = {"id": "e1", "aggregatetype": "a", "aggregateid": "7", "payload": "p"}
    event = {"after": values, "op": "c", "ts_ms": 9}
    step = transform(ROUTER, {})
    for offset, partition in ((4, 3), (None, None)):
        routed = step.apply(Record(topic="t", partition=3, offset=offset, value=event, value_schema=schema))
        assert routed is not None
        assert routed.partition == partition
