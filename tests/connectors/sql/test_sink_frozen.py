"""A task that freezes in a transaction, whatever it was about to send, holds no row for longer than the server allows.

PostgreSQL ends a transaction whose client says nothing, but only between two statements. Within one it waits for ever:
in a COPY, or where statements are sent before the first is answered. So no row may be locked there.
"""

from contextlib import suppress

import pytest
import sqlalchemy as sa

from ferryman.connectors.sql.dialects.postgresql import dialect
from ferryman.connectors.sql.dialects.postgresql.unstaged import direct
from ferryman.errors import RetriableError
from ferryman.record import TopicPartition
from ferryman.schema import INT64, OPTIONAL_STRING, struct
from tests.connectors.sql.dripping import dripping
from tests.connectors.sql.sql_task import WITHOUT_STAGING, World, go
from tests.reliability.links.proxy import proxy

ORDER = struct({"id": INT64, "item": OPTIONAL_STRING})
PARTITIONS = [TopicPartition(topic, number) for topic in ("orders", "refunds", "returns") for number in (0, 1)]
UPSERT = {"insert.mode": "upsert", "pk.mode": "record_value", "pk.fields": "id"}
BOTH = {"ferryman_offsets", "orders"}


def put(world: World, sources: list[TopicPartition], at: int, items: list[str]) -> None:
    """So many rows from each of these partitions."""
    batches = [
        world.batch([{"id": first + number, "item": item} for number, item in enumerate(items)], at=at, source=source)
        for first, source in zip(range(at, 1000, 100), sources, strict=False)
    ]
    world.running.put_batches(batches)


def begun(url: str, sources: list[TopicPartition], config: dict[str, str]) -> World:
    world = World(url, {"auto.create": "true", **config}, value_schema=ORDER, end_offset=1000)
    world.begin()
    world.own(*sources[1:])
    return world


@pytest.mark.parametrize("config", [{}, UPSERT], ids=["insert", "upsert"])
@pytest.mark.parametrize("way", ["staged", *WITHOUT_STAGING])
@pytest.mark.parametrize("partitions", [1, 6])
def test_a_task_that_writes_rows_freezes_where_its_transaction_is_ended(
    postgres: str, monkeypatch: pytest.MonkeyPatch, config: dict[str, str], way: str, partitions: int
) -> None:
    go(way, monkeypatch)
    sources = PARTITIONS[:partitions]
    with dripping(sa.make_url(postgres)) as seen:
        world = begun(seen.url, sources, config)
        for at in (0, 30):
            put(world, sources, at, ["x"] * 30)
        world.kill()
    assert [each for each in seen.waiting if set(each.locked) >= BOTH]
    assert not seen.stuck


def test_a_task_whose_rows_are_refused_freezes_where_its_transaction_is_ended(postgres: str) -> None:
    with dripping(sa.make_url(postgres)) as seen:
        world = begun(seen.url, PARTITIONS, {})
        world.query("CREATE TABLE orders (id int8 PRIMARY KEY, item text CHECK (item <> 'never'))")
        put(world, PARTITIONS, 0, ["x", "never", "y"])
        world.kill()
    assert len(world.reported) == 2
    assert [each for each in seen.waiting if set(each.locked) >= BOTH]
    assert not seen.stuck


def test_large_values_on_a_slow_link_are_not_taken_for_a_frozen_task(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(dialect._SETTINGS, "idle_in_transaction_session_timeout", "2s")
    monkeypatch.setattr(direct, "UNSTAGED_BYTES", 1_000)
    go("as literals", monkeypatch)
    server = sa.make_url(postgres)
    with proxy(f"{server.host}:{server.port}") as link:
        url = server.set(port=link.port).render_as_string(hide_password=False)
        world = begun(url, PARTITIONS[:1], {})
        put(world, PARTITIONS[:1], 0, ["x"])
        link.suffer("throttled")
        for _ in range(5):  # a slow machine is silent for two seconds, too, but not each time
            with suppress(RetriableError):
                put(world, PARTITIONS[:1], 1, ["x" * 700_000])
                break
        link.heal()
        assert world.query("SELECT length(item) FROM orders ORDER BY id") == [(1,), (700_000,)]
        world.kill()


def test_the_server_ends_what_a_frozen_task_or_one_whose_machine_is_gone_has_begun(postgres: str) -> None:
    world = begun(postgres, PARTITIONS[:1], {})
    with world.running._session.transaction("look") as connection:
        shown = {
            name: connection.exec_driver_sql(f"SHOW {name}").scalar()
            for name in ("idle_in_transaction_session_timeout", "tcp_keepalives_idle", "tcp_keepalives_count")
        }
    world.kill()
    assert shown == {
        "idle_in_transaction_session_timeout": "20s",
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_count": "2",
    }
