"""Which field can be the version by which a run changes rows, and what the run does by it."""

from typing import Any

import pytest
import sqlalchemy as sa

from ferryman.connectors.sql.column_fits.fit import Fit
from ferryman.connectors.sql.config.sink_config import SqlSinkConfig
from ferryman.connectors.sql.config.version_rules import by_version, unfit, write_mode
from ferryman.connectors.sql.dialects.dialect import TableColumn
from ferryman.connectors.sql.records.column import Column
from ferryman.connectors.sql.records.values import Zones
from ferryman.errors import ConfigError
from ferryman.schema import DATE, DECIMAL, TIME, TIMESTAMP, Schema, Type
from tests.connectors.sql.sql_task import CONFLUENT

VALUE_KEYS = {"topics": "orders", "pk.mode": "record_value", "pk.fields": "id"}
UTC, BERLIN = Zones("UTC", "UTC"), Zones("Europe/Berlin", "UTC")


def parsed(**keys: str) -> tuple[SqlSinkConfig, dict[str, str]]:
    raw = {
        "name": "c",
        "connector.class": CONFLUENT,
        "connection.url": "jdbc:postgresql://127.0.0.1:1/warehouse",
        "insert.mode": "upsert",
        **keys,
    }
    return SqlSinkConfig.parse(raw), raw


@pytest.mark.parametrize(
    "keys",
    [
        VALUE_KEYS,
        {"topics": "a,b", "table.name.format": "all", "pk.mode": "record_key"},
        {**VALUE_KEYS, "insert.mode": "update"},
    ],
    ids=str,
)
def test_rows_that_may_come_from_several_partitions_are_changed_and_added(keys: dict[str, str]) -> None:
    assert by_version(parsed(**keys)[0], "v") == "newer"


def test_where_the_live_connector_deletes_rows_none_is_added() -> None:
    keys = {"topics": "orders", "pk.mode": "record_key", "delete.enabled": "true"}
    assert by_version(parsed(**keys)[0], "v") == "newer_in_place"
    run = {"ferryman.run.ranges": '{"orders": {"id": "i", "partitions": {}}}', "ferryman.run.version.field": "v"}
    config, raw = parsed(**keys, **run)
    assert write_mode(config, raw) == "update"
    config, raw = parsed(**keys)
    assert write_mode(config, raw) == "upsert"


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({**VALUE_KEYS, "insert.mode": "insert"}, "insert.mode=insert changes no row"),
        ({"topics": "orders", "pk.mode": "kafka"}, "each record is a row of its own"),
        ({**VALUE_KEYS, "pk.fields": "id,v"}, "is in pk.fields"),
        ({**VALUE_KEYS, "field.exclude.list": "orders:v"}, "is not written to the table"),
        ({**VALUE_KEYS, "field.include.list": "id,n"}, "is not written to the table"),
    ],
    ids=str,
)
def test_a_field_that_compares_nothing_is_refused(keys: dict[str, str], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        by_version(parsed(**keys)[0], "v")


def column(kind: Any, type_: Type, name: str | None = None) -> TableColumn:
    schema = Schema(type_, name=name, parameters=(("scale", "2"),) if name == DECIMAL else ())
    return TableColumn("v", Column("v", schema, "value", "v"), Fit("plain"), kind)


@pytest.mark.parametrize(
    "of",
    [
        column(sa.BigInteger(), Type.INT64),
        column(sa.Numeric(), Type.INT64),
        column(sa.Numeric(9, 2), Type.BYTES, DECIMAL),
        column(sa.Date(), Type.INT32, DATE),
        column(sa.TIMESTAMP(), Type.INT64, TIMESTAMP),
        column(sa.TIMESTAMP(timezone=True), Type.INT64, TIMESTAMP),
        column(sa.TIMESTAMP(timezone=True), Type.STRING, "io.debezium.time.ZonedTimestamp"),
    ],
    ids=lambda of: f"{of.source.schema.name or of.source.schema.type} in {of.type!r}",
)
def test_whole_numbers_decimals_dates_and_instants_tell_which_is_newer(of: TableColumn) -> None:
    assert unfit(of, UTC) is None


@pytest.mark.parametrize(
    "of",
    [
        column(sa.Text(), Type.STRING),
        column(sa.TIMESTAMP(), Type.STRING),
        column(sa.Float(), Type.FLOAT64),
        column(sa.Numeric(), Type.FLOAT64),
        column(sa.Float(), Type.INT64),
        column(sa.Boolean(), Type.BOOLEAN),
        column(sa.Text(), Type.INT64),
        column(sa.Time(), Type.INT32, TIME),
        column(sa.Numeric(), Type.INT32, TIME),
        column(sa.LargeBinary(), Type.BYTES),
    ],
    ids=lambda of: f"{of.source.schema.name or of.source.schema.type} in {of.type!r}",
)
def test_texts_floats_and_times_of_a_day_do_not(of: TableColumn) -> None:
    assert unfit(of, UTC) is not None


def test_a_clock_that_is_put_back_does_not_tell_either() -> None:
    assert "the clock is put back" in (unfit(column(sa.TIMESTAMP(), Type.INT64, TIMESTAMP), BERLIN) or "")
    assert unfit(column(sa.TIMESTAMP(timezone=True), Type.INT64, TIMESTAMP), BERLIN) is None
    assert unfit(column(sa.TIMESTAMP(), Type.INT64, TIMESTAMP), Zones("Etc/GMT-3", "UTC")) is None
