"""Whether a run may write into the live tables of several topics: only if no two of them share one."""

import pytest

from ferryman.connectors.sql.config.again import again
from ferryman.connectors.sql.config.sink_config import SqlSinkConfig
from ferryman.errors import ConfigError
from tests.connectors.sql.sql_task import CONFLUENT


def asked(**keys: str) -> str:
    """What a second time means for an upserting sink of these keys."""
    raw = {
        "name": "c",
        "connector.class": CONFLUENT,
        "connection.url": "jdbc:postgresql://127.0.0.1:1/warehouse",
        "insert.mode": "upsert",
        "pk.mode": "record_key",
        **{name.replace("_", "."): value for name, value in keys.items()},
    }
    return again(SqlSinkConfig.parse(raw), raw)


@pytest.mark.parametrize(
    "keys",
    [
        {"topics": "orders"},
        {"topics": "orders,items"},
        {"topics": "shop.orders,shop.items", "table_name_normalize": "true"},
        {"topics": "orders,items", "table_name_format": "public.${topic}_copy"},
        {"topics": "orders", "table_name_format": "all"},
        {"topics.regex": "shop.*"},
    ],
    ids=str,
)
def test_topics_with_a_table_each_may_be_run_again(keys: dict[str, str]) -> None:
    assert asked(**keys) == "older"


@pytest.mark.parametrize(
    "keys",
    [
        {"topics": "shop.orders,shop-orders", "table_name_normalize": "true"},
        {"topics": "orders,items", "table_name_format": "all"},
        {"topics": "orders,Orders"},
        {"topics.regex": "shop.*", "table_name_normalize": "true"},
        {"topics.regex": "shop.*", "table_name_format": "all"},
    ],
    ids=str,
)
def test_topics_that_may_share_a_table_are_refused(keys: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="The records of one row may come from several topics"):
        asked(**keys)


ROUTED = {"transforms": "a", "transforms.a.type": "io.debezium.transforms.ExtractNewRecordState"}


def test_rows_that_a_record_sends_to_another_topic_may_come_from_several_partitions() -> None:
    assert asked(topics="orders", **ROUTED) == "older"
    with pytest.raises(ConfigError, match="The transform a may change keys or topics"):
        asked(topics="orders", **ROUTED, transforms_a_route_by_field="kind")
