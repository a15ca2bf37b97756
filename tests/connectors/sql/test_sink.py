"""The SQL sink: which rows and tables come out of records, by insert mode, primary key mode and schema."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ferryman.errors import DataError, TaskError
from ferryman.schema import INT32, INT64, OPTIONAL_STRING, STRING, Schema, Type, struct
from tests.connectors.sql.databases import DATABASES, url_of
from tests.connectors.sql.sql_task import DEBEZIUM, World

ORDER = struct({"id": INT64, "item": OPTIONAL_STRING})
UPSERT = {"auto.create": "true", "insert.mode": "UPSERT", "pk.mode": "record_value", "pk.fields": "id"}
BY_KEY = {"auto.create": "true", "insert.mode": "upsert", "pk.mode": "record_key", "pk.fields": "id"}


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest) -> str:
    """A database of the test's own."""
    return url_of(request.param, request)


@pytest.fixture
def world(url: str) -> Iterator[World]:
    """The database and a sink on it, stopped at the end."""
    world = World(url, value_schema=ORDER)
    yield world
    world.kill()


def order(number: int, item: str | None = "pen") -> dict[str, object]:
    return {"id": number, "item": item}


def test_insert_adds_a_row_for_each_record(world: World) -> None:
    world.config = {"auto.create": "true"}
    world.put([order(1), order(1), order(2, None)])
    assert world.query("SELECT id, item FROM orders") == [(1, "pen"), (1, "pen"), (2, None)]


def test_upsert_leaves_the_last_record_of_each_key(world: World) -> None:
    world.config = UPSERT
    world.put([order(1, "a"), order(2, "b"), order(1, "c")])
    world.put([order(2, "d"), order(3, "e")], as_columns=True)
    assert world.query("SELECT id, item FROM orders ORDER BY id") == [(1, "c"), (2, "d"), (3, "e")]


def test_update_changes_only_rows_that_are_there(world: World) -> None:
    world.config = UPSERT
    world.put([order(1, "a")])
    world.config = UPSERT | {"insert.mode": "update"}
    world.begin()
    world.put([order(1, "b"), order(2, "c"), order(1, "d")])
    assert world.query("SELECT id, item FROM orders") == [(1, "d")]


def test_aivens_multi_is_insert(world: World) -> None:
    world.config = {"auto.create": "true", "insert.mode": "multi"}
    world.put([order(1), order(1)])
    assert len(world.query("SELECT * FROM orders")) == 2


def test_a_key_of_a_primitive_type_fills_the_named_column(world: World) -> None:
    world.config, world.key_schema, world.value_schema = BY_KEY, INT64, struct({"item": STRING})
    world.put([{"item": "a"}, {"item": "b"}], [7, 7])
    assert world.query("SELECT id, item FROM orders") == [(7, "b")]


def test_a_struct_key_gives_all_its_fields_and_wins_over_the_values(world: World) -> None:
    world.config = {name: value for name, value in BY_KEY.items() if name != "pk.fields"}
    world.key_schema = struct({"id": INT64, "shop": STRING})
    world.put([order(99, "a"), order(99, "b")], [{"id": 1, "shop": "x"}, {"id": 1, "shop": "y"}])
    assert world.query("SELECT id, shop, item FROM orders ORDER BY shop") == [(1, "x", "a"), (1, "y", "b")]


def test_kafka_coordinates_are_those_of_consumption(world: World) -> None:
    world.config = {"auto.create": "true", "insert.mode": "upsert", "pk.mode": "kafka"}
    world.put([order(1), order(2)])
    found = world.query("SELECT __connect_topic, __connect_partition, __connect_offset, id FROM orders ORDER BY id")
    assert found == [("orders", 0, 0, 1), ("orders", 0, 1, 2)]


def test_kafka_coordinates_can_have_other_names(world: World) -> None:
    world.config = {"auto.create": "true", "pk.mode": "kafka", "pk.fields": "t, p, o"}
    world.put([order(1)])
    assert world.query("SELECT t, p, o FROM orders") == [("orders", 0, 0)]


def test_the_whitelist_keeps_the_key_and_the_named_fields(world: World) -> None:
    world.config = UPSERT | {"fields.whitelist": "price"}
    world.value_schema = struct({"id": INT64, "item": STRING, "price": INT32})
    world.put([{"id": 1, "item": "pen", "price": 3}])
    assert world.query("SELECT * FROM orders") == [(1, 3)]


def test_a_table_of_keys_only_can_be_upserted(world: World) -> None:
    world.config, world.value_schema = UPSERT, struct({"id": INT64})
    world.put([{"id": 1}, {"id": 1}])
    assert world.query("SELECT * FROM orders") == [(1,)]


def test_a_plain_string_with_a_schema_is_one_column(world: World) -> None:
    world.config, world.value_schema = {"auto.create": "true"}, STRING
    world.put(["hello"])
    assert world.query("SELECT record_value FROM orders") == [("hello",)]


def test_tombstones_delete_and_the_last_record_of_a_key_decides(world: World) -> None:
    world.config, world.key_schema = BY_KEY | {"delete.enabled": "true"}, INT64
    world.put([order(1), order(2), None, order(3), None, order(3, "again")], [1, 2, 1, 3, 3, 3])
    assert world.query("SELECT id, item FROM orders ORDER BY id") == [(2, "pen"), (3, "again")]
    world.value_schema = None
    world.put([None, None], [2, 9])
    assert world.query("SELECT id FROM orders") == [(3,)]


def test_tombstones_delete_rows_with_columns_that_need_a_value(world: World) -> None:
    world.config, world.key_schema = BY_KEY | {"delete.enabled": "true"}, INT64
    world.value_schema = struct({"item": STRING})
    world.put([{"item": "a"}, {"item": "b"}, None], [1, 2, 1])
    assert world.query("SELECT id, item FROM orders") == [(2, "b")]
    world.value_schema = None
    world.put([None], [2])
    assert world.query("SELECT id FROM orders") == []


def test_a_row_deleted_and_written_again_in_a_batch_keeps_nothing_of_the_old_one(world: World) -> None:
    world.config, world.key_schema = BY_KEY | {"delete.enabled": "true"}, INT64
    world.put([order(1)], [1])
    world.query("ALTER TABLE orders ADD COLUMN note TEXT DEFAULT 'new'")
    world.query("UPDATE orders SET note = 'old'")
    world.put([None, order(1, "b")], [1, 1])
    assert world.query("SELECT id, item, note FROM orders") == [(1, "b", "new")]


def test_inserts_keep_their_order_with_deletes(world: World) -> None:
    world.config = BY_KEY | {"insert.mode": "insert", "delete.enabled": "true"}
    world.key_schema = INT64
    world.put([order(1), None, order(1, "b"), None, order(1, "c")], [1] * 5)
    assert world.query("SELECT id, item FROM orders") == [(1, "c")]


def test_deletes_for_a_table_that_is_not_yet_there_are_done(world: World) -> None:
    world.config = BY_KEY | {"delete.enabled": "true"}
    world.key_schema, world.value_schema = INT64, None
    world.put([None], [1])
    assert world.stored() == 1


def test_a_null_value_without_delete_enabled_is_a_data_error(world: World) -> None:
    world.config, world.key_schema = BY_KEY, INT64
    with pytest.raises(DataError, match=r"requires records with a non-null Struct value .*offset=1,"):
        world.put([order(1), None], [1, 1])


def test_debezium_skips_null_values_without_delete_enabled(world: World) -> None:
    world.config = BY_KEY | {"connector.class": DEBEZIUM, "schema.evolution": "basic"}
    world.key_schema = INT64
    world.put([order(1), None], [1, 1])
    assert world.query("SELECT id FROM orders") == [(1,)]
    assert world.stored() == 2


def test_a_null_key_is_a_data_error_that_names_the_record(world: World) -> None:
    world.config, world.key_schema = BY_KEY, INT64
    with pytest.raises(DataError, match=r"non-null key .*topic='orders',partition=0,offset=1"):
        world.put([order(1), order(2)], [1, None])


def test_schemaless_records_are_a_data_error_that_names_the_fix(world: World) -> None:
    world.config, world.value_schema = {"auto.create": "true"}, None
    with pytest.raises(DataError, match=r"with a HashMap value and null value schema.*schemas\.enable=true"):
        world.put([{"id": 1}])


def test_a_missing_table_fails_the_task_unless_it_may_be_created(world: World) -> None:
    with pytest.raises(TaskError, match="Table orders is missing and auto-creation is disabled"):
        world.put([order(1)])


def test_a_missing_column_is_added_by_auto_evolve_only(world: World) -> None:
    world.config = {"auto.create": "true"}
    world.put([order(1)])
    wider = struct({"id": INT64, "item": OPTIONAL_STRING, "note": OPTIONAL_STRING})
    world.value_schema = wider
    with pytest.raises(DataError, match=r"missing fields \(note\) and auto-evolution is disabled"):
        world.put([order(2) | {"note": "n"}])
    world.config = {"auto.create": "true", "auto.evolve": "true"}
    world.begin()
    world.put([order(2) | {"note": "n"}], at=1)
    assert world.query("SELECT id, note FROM orders ORDER BY id") == [(1, None), (2, "n")]


def test_a_missing_required_column_needs_a_default(world: World) -> None:
    world.config = {"auto.create": "true", "auto.evolve": "true"}
    world.put([order(1)])
    world.value_schema = struct({"id": INT64, "shop": STRING})
    with pytest.raises(DataError, match="missing field shop, as the field is not optional"):
        world.put([{"id": 2, "shop": "x"}])
    world.value_schema = struct({"id": INT64, "shop": Schema(Type.STRING, default="a:b%'c")})
    world.put([{"id": 2, "shop": "x"}], at=1)
    assert world.query("SELECT id, shop FROM orders ORDER BY id") == [(1, "a:b%'c"), (2, "x")]


@pytest.mark.parametrize("default", [b"\xff:\x00", b"", "\U0001f600 it's \\ :x %d", -math.inf, math.inf])
def test_a_column_that_is_added_has_its_fields_default_for_older_rows(world: World, default: Any) -> None:
    world.config = {"auto.create": "true", "auto.evolve": "true"}
    world.put([order(1)])
    kind = {bytes: Type.BYTES, str: Type.STRING, float: Type.FLOAT64}[type(default)]
    world.value_schema = struct({"id": INT64, "added": Schema(kind, default=default)})
    world.put([{"id": 2, "added": type(default)()}])
    # MariaDB has no such numbers, so the column has no default.
    expected = None if isinstance(default, float) and "mysql" in world.url else default
    assert world.query("SELECT id, added FROM orders ORDER BY id") == [(1, expected), (2, type(default)())]


@pytest.mark.parametrize("creates", [True, False])
@pytest.mark.parametrize(("kind", "default"), [(Type.STRING, "a\0b"), (Type.FLOAT64, math.nan)])
def test_a_default_that_the_database_cannot_hold_keeps_no_record_out(
    world: World, creates: bool, kind: Type, default: Any
) -> None:
    world.config = {"auto.create": "true", "auto.evolve": "true"}
    if not creates:
        world.put([order(1)])
    world.value_schema = struct({"id": INT64, "added": Schema(kind, default=default)})
    world.put([{"id": 2, "added": type(default)()}])
    assert world.query("SELECT added FROM orders WHERE id = 2") == [(type(default)(),)]


def test_debeziums_basic_evolution_creates_and_evolves(world: World) -> None:
    world.config = {"connector.class": DEBEZIUM, "schema.evolution": "basic"}
    world.put([order(1)])
    world.value_schema = struct({"id": INT64, "note": OPTIONAL_STRING})
    world.put([{"id": 2, "note": "n"}])
    assert world.query("SELECT id, note FROM orders ORDER BY id") == [(1, None), (2, "n")]


def test_two_tasks_may_create_and_evolve_the_same_table(world: World) -> None:
    world.config = {"auto.create": "true", "auto.evolve": "true"}
    other = World(world.url, world.config, cluster="cluster-2", value_schema=world.value_schema)
    world.begin()
    other.begin()
    wider = struct({"id": INT64, "item": OPTIONAL_STRING, "note": OPTIONAL_STRING})
    world.put([order(1)])
    other.put([order(2)])
    world.value_schema = other.value_schema = wider
    world.put([order(3)])
    other.put([order(4)])
    other.kill()
    assert len(world.query("SELECT id, note FROM orders")) == 4


def test_a_table_changed_under_the_sink_is_looked_at_again(world: World) -> None:
    world.config = UPSERT | {"auto.evolve": "true"}
    world.put([order(1)])
    world.query("ALTER TABLE orders DROP COLUMN item")
    world.put([order(2)])
    world.query("DROP TABLE orders")
    world.put([order(3)])
    assert world.query("SELECT id, item FROM orders") == [(3, "pen")]


def test_a_null_stands_for_its_fields_default_unless_told_otherwise(world: World) -> None:
    world.value_schema = struct({"id": INT64, "item": Schema(Type.STRING, optional=True, default="pen")})
    world.config = {"auto.create": "true"}
    world.put([order(1, None)])
    world.put([order(2, None)], as_columns=True)
    world.config |= {"replace.null.with.default": "false"}
    world.begin()
    world.put([order(3, None)])
    assert world.query("SELECT id, item FROM orders ORDER BY id") == [(1, "pen"), (2, "pen"), (3, None)]


def test_the_key_of_an_upsert_may_not_be_null(world: World) -> None:
    world.config = UPSERT
    world.value_schema = struct({"id": Schema(Type.INT64, optional=True), "item": STRING})
    with pytest.raises(DataError, match="The primary key's column id is null"):
        world.put([order(None)])  # type: ignore[arg-type]


def test_tables_are_named_by_format_mapping_and_normalisation(world: World) -> None:
    for config, table in (
        ({"table.name.format": "kafka_${topic}"}, '"kafka_orders"'),
        ({"topics.to.tables.mapping": "other:x,orders:bought"}, '"bought"'),
        ({"table.name.format": "a-b ${topic}", "table.name.normalize": "true"}, '"a_b_orders"'),
        ({"collection.name.format": '"a.b"'}, '"a.b"'),
    ):
        world.config = {"auto.create": "true", **config}
        world.begin()
        world.put([order(1)])
        assert world.query(f"SELECT id FROM {table}") == [(1,)]


def test_names_keep_their_case_unless_quoting_is_off(postgres: str) -> None:
    world = World(postgres, {"auto.create": "true"}, topic="Orders", value_schema=struct({"itemId": INT64}))
    world.put([{"itemId": 1}])
    world.config = {"auto.create": "true", "quote.sql.identifiers": "NEVER"}
    world.begin()
    world.put([{"itemId": 2}])
    world.kill()
    assert world.query('SELECT "itemId" FROM "Orders"') == [(1,)]
    assert world.query("SELECT itemid FROM orders") == [(2,)]


def test_debezium_does_not_quote_and_turns_dots_into_underscores(postgres: str) -> None:
    config = {"connector.class": DEBEZIUM, "schema.evolution": "basic"}
    world = World(postgres, config, topic="Shop.Orders", value_schema=struct({"itemId": INT64}))
    world.put([{"itemId": 1}])
    world.kill()
    assert world.query("SELECT itemid FROM shop_orders") == [(1,)]


def test_a_column_is_found_whatever_its_case(postgres: str) -> None:
    world = World(postgres, value_schema=struct({"itemId": INT64}))
    world.query("CREATE TABLE orders (itemid bigint)")
    world.put([{"itemId": 1}])
    world.kill()
    assert world.query("SELECT itemid FROM orders") == [(1,)]


def test_schemas_are_named_in_the_table_or_the_url(postgres: str) -> None:
    world = World(postgres, {"auto.create": "true", "table.name.format": "shop.${topic}"}, value_schema=ORDER)
    world.query("CREATE SCHEMA shop")
    world.put([order(1)])
    world.url = postgres + "?currentSchema=shop"
    world.config = {"auto.create": "true"}
    world.begin()
    world.put([order(2)])
    world.kill()
    assert world.query("SELECT id FROM shop.orders ORDER BY id") == [(1,), (2,)]
    assert world.query("SELECT count(*) FROM shop.ferryman_offsets") == [(1,)]


def test_a_view_needs_to_be_listed_in_table_types(postgres: str) -> None:
    world = World(postgres, value_schema=ORDER)
    world.query("CREATE TABLE bought (id bigint, item text)")
    world.query("CREATE VIEW orders AS SELECT * FROM bought")
    with pytest.raises(TaskError, match=r"orders is a view, and table\.types does not list VIEW"):
        world.put([order(1)])
    world.config = {"table.types": "TABLE,VIEW"}
    world.begin()
    world.put([order(1)], at=0)
    world.kill()
    assert world.query("SELECT id FROM bought") == [(1,)]


def test_partitioned_tables_are_tables(postgres: str) -> None:
    world = World(postgres, {"insert.mode": "upsert", "pk.mode": "record_value", "pk.fields": "id"}, value_schema=ORDER)
    world.query("CREATE TABLE orders (id bigint primary key, item text) PARTITION BY RANGE (id)")
    world.query("CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (0) TO (100)")
    world.put([order(1)])
    world.kill()
    assert world.query("SELECT id FROM orders_1") == [(1,)]


@pytest.mark.parametrize("more", [{}, {"fields.whitelist": "id"}])
def test_values_that_are_text_have_a_column_whatever_else_is_chosen(world: World, more: Mapping[str, str]) -> None:
    world.config = {"auto.create": "true", "pk.mode": "record_key", "pk.fields": "k", **more}
    world.key_schema, world.value_schema = STRING, STRING
    world.put(["a"], ["k1"])
    assert world.query("SELECT k, record_value FROM orders") == [("k1", "a")]


def test_values_that_are_text_are_not_lost_to_a_key_of_the_same_name(world: World) -> None:
    world.config = {"auto.create": "true", "pk.mode": "record_key", "pk.fields": "record_value"}
    world.key_schema, world.value_schema = STRING, STRING
    with pytest.raises(DataError, match=r"pk\.fields or string\.output\.value\.column\.name"):
        world.put(["a"], ["k1"])


def test_a_column_for_values_that_are_text_is_added_to_a_table_with_rows(world: World) -> None:
    world.config = {"auto.evolve": "true", "pk.mode": "record_key", "pk.fields": "k"}
    world.key_schema, world.value_schema = STRING, STRING
    world.query("CREATE TABLE orders (k varchar(20) primary key)")
    world.query("INSERT INTO orders VALUES ('k0')")
    world.put(["a"], ["k1"])
    assert world.query("SELECT k, record_value FROM orders ORDER BY k") == [("k0", None), ("k1", "a")]


def test_a_null_in_a_key_is_its_default_though_other_nulls_stay(world: World) -> None:
    config = {"auto.create": "true", "pk.mode": "record_value", "pk.fields": "id"}
    world.config = config | {"replace.null.with.default": "false"}
    seven = Schema(Type.INT64, optional=True, default=7)
    world.value_schema = struct({"id": seven, "n": seven})
    world.put([{"id": None, "n": None}])
    assert world.query("SELECT id, n FROM orders") == [(7, None)]
