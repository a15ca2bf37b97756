"""What is polled together is written together: one transaction for several batches, as if each had gone alone."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferryman import record
from ferryman.api import BadRecords
from ferryman.chain.narrowing import without_records
from ferryman.connectors.sql.database.rows import RowMaker
from ferryman.connectors.sql.dialects.postgresql.unstaged import direct
from ferryman.errors import DataError, TaskError
from ferryman.record import Batch, Polled, Record, TopicPartition
from ferryman.schema import INT64, OPTIONAL_STRING, STRING, Schema, struct
from tests.connectors.sink_world import Killed
from tests.connectors.sql.databases import DATABASES, url_of
from tests.connectors.sql.sql_task import WITHOUT_STAGING, World, go

UNSTAGED = [f"postgresql, {way}" for way in WITHOUT_STAGING]
"""Without staging tables, as where a poll is for many tables."""
ORDER = struct({"id": INT64, "item": OPTIONAL_STRING})
RICHER = struct({"id": INT64, "item": OPTIONAL_STRING, "note": OPTIONAL_STRING})
ORDERS = [TopicPartition("orders", number) for number in range(3)]
REFUNDS = TopicPartition("refunds", 0)


@pytest.fixture(params=[*DATABASES, *UNSTAGED])
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A database of the test's own and a sink that upserts, to which three partitions of one topic and one of another
    are assigned."""
    name, _, way = request.param.partition(", ")
    go(way, monkeypatch)
    world = World(
        url_of(name, request),
        UPSERT,
        value_schema=ORDER,
        key_schema=INT64,
        end_offset=1000,
    )
    begin(world)
    yield world
    world.kill()


UPSERT = {
    "auto.create": "true",
    "auto.evolve": "true",
    "insert.mode": "upsert",
    "pk.mode": "record_key",
    "pk.fields": "id",
    "delete.enabled": "true",
}


def begin(world: World) -> None:
    world.begin()
    world.own(*ORDERS[1:], REFUNDS)


def batch(world: World, source: TopicPartition, at: int, *rows: tuple[int, str | None], **more: Any) -> Batch:
    """Rows by key; an item "-" is a tombstone."""
    values = [None if item == "-" else {"id": key, "item": item, **more} for key, item in rows]
    return world.batch(values, [key for key, _ in rows], at=at, source=source)


def rows(world: World, table: str = "orders") -> list[tuple[Any, ...]]:
    return world.query(f"SELECT id, item FROM {table} ORDER BY id")


def stored(world: World) -> dict[tuple[str, int], int]:
    found = world.query('SELECT topic, "partition", next_offset FROM ferryman_offsets')
    return {(topic, partition): offset for topic, partition, offset in found}


@pytest.mark.parametrize("point", ["sql.before_rows", "sql.after_rows", "sql.before_commit", "sql.after_commit"])
def test_a_kill_keeps_all_of_a_poll_or_nothing(world: World, point: str) -> None:
    assert world.sink is not None
    world.sink.put_batches([batch(world, ORDERS[0], 0, (1, "a")), batch(world, REFUNDS, 0, (1, "b"))])
    world.die_at = point, 1
    with pytest.raises(Killed):
        world.sink.put_batches(
            [
                batch(world, ORDERS[0], 1, (2, "c")),
                batch(world, REFUNDS, 1, (2, "d")),
                batch(world, ORDERS[1], 0, (3, "e")),
            ]
        )
    world.die_at = None
    begin(world)
    kept = point == "sql.after_commit"
    assert rows(world) == ([(1, "a"), (2, "c"), (3, "e")] if kept else [(1, "a")])
    assert rows(world, "refunds") == ([(1, "b"), (2, "d")] if kept else [(1, "b")])
    step = 2 if kept else 1
    assert stored(world) == {
        ("orders", 0): step,
        ("orders", 1): step - 1,
        ("orders", 2): 0,
        ("refunds", 0): step,
    }


def test_all_of_a_poll_is_one_transaction(world: World) -> None:
    assert world.sink is not None
    commits: list[object] = []
    world.meanwhile = ("sql.after_commit", lambda: commits.append(None))
    batches = [batch(world, source, 0, (number, "a")) for number, source in enumerate([*ORDERS, REFUNDS])]
    assert world.sink.put_batches(batches) == 4
    assert len(commits) == 1
    assert rows(world) == [(0, "a"), (1, "a"), (2, "a")]


def test_of_a_poll_with_a_record_that_does_not_fit_nothing_is_written(world: World) -> None:
    assert world.sink is not None
    bad = world.batch([{"id": 9, "item": "b"}], [None], at=0, source=ORDERS[2])
    with pytest.raises(DataError):
        world.sink.put_batches([batch(world, ORDERS[0], 0, (2, "a")), batch(world, ORDERS[1], 0, (3, "a")), bad])
    assert set(stored(world).values()) == {0}
    assert world.sink.put_batches([batch(world, ORDERS[0], 0, (2, "a"))]) == 1
    assert rows(world) == [(2, "a")]


def test_records_handed_over_twice_are_refused_before_anything_is_written(world: World) -> None:
    assert world.sink is not None
    world.sink.put_batches([batch(world, ORDERS[0], 0, (1, "a"))])
    with pytest.raises(TaskError, match="orders-0 is handed over from offset 0, but this task has got to 1"):
        world.sink.put_batches([batch(world, ORDERS[0], 0, (1, "b")), batch(world, ORDERS[0], 1, (1, "c"))])
    assert rows(world) == [(1, "a")]


def test_the_last_of_a_keys_records_wins_when_schemas_alternate(world: World) -> None:
    assert world.sink is not None
    world.sink.put_batches([batch(world, ORDERS[0], 0, (1, "first"))])
    batches = []
    for at, (schema, item) in enumerate([(ORDER, "second"), (RICHER, "third"), (ORDER, "fourth")], start=1):
        world.value_schema = schema
        batches.append(batch(world, ORDERS[0], at, (1, item)))
    assert world.sink.put_batches(batches) == 3
    assert rows(world) == [(1, "fourth")]


def test_a_deletion_counts_though_the_poll_that_has_it_makes_the_table(world: World) -> None:
    records = [(1, None, 0), (2, ORDER, 1), (2, None, 2), (3, ORDER, 3)]
    raw = Polled("orders", 0, range(4), [0] * 4, [None] * 4, [b""] * 4)
    world.config = {**UPSERT, "pk.fields": "word"}
    world.key_schema = STRING
    begin(world)
    made_of = [_record(at, (str(key), schema, number)) for at, (key, schema, number) in enumerate(records)]
    world.running.put_batches(record.batches(made_of, raw, range(4)))
    assert [word for (word,) in world.query("SELECT word FROM orders")] == ["3"]


def test_a_poll_may_hold_more_tables_and_schemas_than_are_remembered(world: World) -> None:
    """Staging tables are kept for the next poll; here one poll needs more than are kept, and the next one others."""
    assert world.sink is not None
    many = 70
    variants = [struct({"id": INT64, "item": OPTIONAL_STRING, f"n{each}": OPTIONAL_STRING}) for each in range(many)]
    for start in (0, 1):
        batches = []
        for each in range(many):
            world.value_schema = variants[each]
            batches.append(batch(world, ORDERS[0], start * many + each, (each, "a"), **{f"n{each}": f"v{start}"}))
        assert world.sink.put_batches(batches) == many
    assert rows(world) == [(each, "a") for each in range(many)]
    assert world.query(f"SELECT n0, n{many - 1} FROM orders WHERE id IN (0, {many - 1}) ORDER BY id") == [
        ("v1", None),
        (None, "v1"),
    ]
    assert stored(world)["orders", 0] == 2 * many


HOSTILE = ["'", "\\", "\\'", "'; DROP TABLE orders; --", "%s %", "a\nb", "$$", "\\N", "NULL", "", "é€🙂", "\t\\x41"]


def test_texts_are_stored_as_they_are(world: World) -> None:
    if "postgresql" in world.url:
        # Where this is off, a backslash begins an escape in an ordinary literal.
        world.query(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I SET standard_conforming_strings = off', "
            "current_database()); END $$"
        )
        begin(world)
    world.running.put_batches([batch(world, ORDERS[0], 0, *enumerate(HOSTILE))])
    assert rows(world) == list(enumerate(HOSTILE))


def test_a_database_in_another_encoding_gets_the_same_texts(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url = sa.make_url(postgres)
    name = f"{url.database}_latin"
    owner = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with owner.connect() as connection:
        options = "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        connection.execute(sa.text(f'CREATE DATABASE "{name}" {options}'))
    latin = World(
        url.set(database=name).render_as_string(hide_password=False),
        UPSERT,
        value_schema=ORDER,
        key_schema=INT64,
        end_offset=1000,
    )
    try:
        for at, most in enumerate((1000, 1)):
            monkeypatch.setattr(direct, "MANY_LOADS", most)
            begin(latin)
            latin.running.put_batches([batch(latin, ORDERS[0], at, (at, "é"))])
        assert latin.query("SELECT id, item, length(item) FROM orders ORDER BY id") == [(0, "é", 1), (1, "é", 1)]
        assert latin.narrowed(batch(latin, ORDERS[0], 2, (2, "€"), (3, "ok"))) == [2]
    finally:
        latin.kill()
        with owner.connect() as connection:
            connection.execute(sa.text(f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The statements that are executed in PostgreSQL."""
    found = list[object]()
    execute = psycopg.Cursor.execute

    def noted(cursor: Any, *arguments: Any, **more: Any) -> Any:
        found.append(arguments[0])
        return execute(cursor, *arguments, **more)

    monkeypatch.setattr(psycopg.Cursor, "execute", noted)
    return found


def of_topics(postgres: str, topics: Sequence[TopicPartition]) -> World:
    """A sink of several topics that has not begun."""
    config = UPSERT | {"topics": ",".join(each.topic for each in topics)}
    return World(postgres, config, value_schema=ORDER, key_schema=INT64)


def test_the_number_of_messages_to_the_database_does_not_grow_with_the_tables(
    postgres: str, sent: list[object]
) -> None:
    topics = [TopicPartition(f"t{number}", 0) for number in range(80)]
    many = of_topics(postgres, topics)
    many.begin()
    many.own(*topics)

    def messages(some: Sequence[TopicPartition], at: int, text: str = "b") -> int:
        sent.clear()
        many.running.put_batches([batch(many, source, at, (1, "a"), (at, text), (1, f"v{at}")) for source in some])
        return len(sent)

    messages(topics, 0)  # they are created
    assert messages(topics[:20], 3) == messages(topics[20:], 3)
    assert rows(many, "t79") == [(0, "b"), (1, "v3"), (3, "b")]
    assert messages(topics[:4], 6) == messages(topics[4:20], 6)
    assert staging(many) == 0
    assert messages(topics[:4], 9, "b" * 200_000) > messages(topics[4:20], 9)
    assert staging(many) == 4
    many.kill()


def staging(world: World) -> int:
    """How many staging tables its session has."""
    ((count,),) = world.query("SELECT count(*) FROM pg_class WHERE starts_with(relname, 'ferryman_stage_')")
    return int(count)


def test_rows_of_few_tables_by_turns_that_are_refused_are_found_with_as_many_messages_however_many_they_are(
    postgres: str, sent: list[object]
) -> None:
    topics = [TopicPartition(f"t{number}", 0) for number in range(4)]
    few = of_topics(postgres, topics)
    for each in topics:
        few.query(f"CREATE TABLE {each.topic} (id bigint PRIMARY KEY, item text CHECK (item <> 'bad'))")
    few.begin()
    few.own(*topics)

    def messages(count: int, at: int) -> int:
        batches = [
            batch(few, source, at + number, (at + number, "bad" if number == 1 else "ok"))
            for number in range(count)
            for source in topics
        ]
        sent.clear()
        few.running.put_batches(batches)
        assert [offset for offset, _ in few.reported[-4:]] == [at + 1] * 4
        return len(sent)

    messages(2, 0)  # from now on it expects refusals
    assert messages(3, 2) == messages(12, 5)
    few.kill()


KEYS = st.integers(0, 4)
ITEMS = st.sampled_from(["a", "b", None, "-"])
PIECES = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from([ORDER, RICHER]), st.lists(st.tuples(KEYS, ITEMS), min_size=1)),
    min_size=1,
    max_size=6,
)


@given(pieces=PIECES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_together_is_as_if_each_had_gone_alone(
    world: World, pieces: Sequence[tuple[int, Schema, list[tuple[int, str | None]]]]
) -> None:
    assert world.sink is not None
    found = []
    for together in (True, False):
        for table in ("ferryman_offsets", "orders", "refunds"):
            world.query(f"DROP TABLE IF EXISTS {table}")
        world.query("CREATE TABLE orders (id BIGINT PRIMARY KEY, item TEXT)")
        begin(world)
        given_pieces = made(world, pieces)
        for group in [given_pieces] if together else [[each] for each in given_pieces]:
            assert world.sink.put_batches(group) == len(group)
        found.append((rows(world), stored(world)))
    assert found[0] == found[1]


OTHER = struct({"note": OPTIONAL_STRING, "id": INT64})
WORDS = ["a", "A", "a ", "b", "1", "1.0", "é", "É", "e", "ß", "ss", "none"]
"""Keys of which some are the same to some databases."""
LATER = replace(ORDER, version=2, doc="the same columns")
SINGLE = st.tuples(st.sampled_from(WORDS), st.sampled_from([ORDER, LATER, RICHER, OTHER, None]), st.integers(0, 99))


@given(poll=st.lists(SINGLE, min_size=2, max_size=25), mode=st.sampled_from(["upsert", "update", "insert"]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_poll_of_many_schemas_and_tombstones_leaves_what_its_records_leave_one_by_one(
    world: World, poll: list[tuple[str, Schema | None, int]], mode: str
) -> None:
    """Keys are texts, which databases compare in their own ways, and the columns of the schemas overlap."""
    if mode == "insert":
        poll = _first_inserts(poll)
    world.key_schema = STRING
    world.config = {**UPSERT, "insert.mode": mode, "pk.fields": "word"}
    records = list(map(_record, range(len(poll)), poll))
    raw = Polled("orders", 0, range(len(records)), [0] * len(records), [None] * len(records), [b""] * len(records))
    found = []
    for together in (True, False):
        for table in ("ferryman_offsets", "orders"):
            world.query(f"DROP TABLE IF EXISTS {table}")
        text = "VARCHAR(20)" if "mariadb" in world.url or "mysql" in world.url else "TEXT"
        world.query(f"CREATE TABLE orders (word {text} PRIMARY KEY, id BIGINT, item TEXT, note TEXT)")
        if mode == "update":
            world.query("INSERT INTO orders (word) VALUES ('a'), ('b'), ('1')")
        begin(world)
        assert world.sink is not None
        polls = [records] if together else [[each] for each in records]
        done = 0
        for each in polls:
            world.sink.put_batches(record.batches(each, raw, range(done, done + len(each))))
            done += len(each)
        found.append(world.query("SELECT word, id, item, note FROM orders ORDER BY word, id"))
    assert found[0] == found[1]


def test_schemas_of_the_same_columns_make_one_frame_and_their_bad_records_are_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.query("CREATE TABLE orders (id BIGINT PRIMARY KEY, item VARCHAR(9) NOT NULL)")
    world.key_schema = INT64
    begin(world)
    one = Record(topic="orders", partition=0, value=None, key_schema=INT64)
    values = [{"id": at, "item": None if at in (7, 41) else "a"} for at in range(60)]
    schemas = [replace(ORDER, version=at % 20) for at in range(60)]
    records = [
        replace(one, key=at, value=value, value_schema=schema, offset=at)
        for at, (value, schema) in enumerate(zip(values, schemas, strict=True))
    ]
    raw = Polled("orders", 0, range(60), [0] * 60, [None] * 60, [b""] * 60)
    frames, make = list[int](), RowMaker._frame

    def made(maker: RowMaker, table: Any, rows: Batch, *more: Any) -> Any:
        frames.append(len(rows))
        return make(maker, table, rows, *more)

    monkeypatch.setattr(RowMaker, "_frame", made)
    polled = record.batches(records, raw, range(60))
    with pytest.raises(BadRecords) as raised:
        world.running.put_batches(polled)
    assert [each.offsets[index] for each, index, _ in raised.value.found] == [7, 41]
    assert frames == [60]
    world.running.put_batches(without_records(polled, [(each, index) for each, index, _ in raised.value.found]))
    assert [key for key, _ in rows(world)] == [at for at in range(60) if at not in (7, 41)]


def _record(offset: int, drawn: tuple[str, Schema | None, int]) -> Record:
    word, schema, number = drawn
    fields = {"id": number, "item": f"i{number}", "note": f"n{number}"}
    value = None if schema is None else {name: fields[name] for name in schema.by_name}
    return Record(
        topic="orders", partition=0, key=word, key_schema=STRING, value=value, value_schema=schema, offset=offset
    )


def _first_inserts(poll: list[tuple[str, Schema | None, int]]) -> list[tuple[str, Schema | None, int]]:
    """Without inserts of a key that might be there."""
    there, kept = False, []
    for _, schema, number in poll:
        if schema is None or not there:
            there = schema is not None
            kept.append(("a", schema, number))
    return kept


def made(world: World, pieces: Sequence[tuple[int, Schema, list[tuple[int, str | None]]]]) -> list[Batch]:
    """Batches, each going on where the last one of its partition ended; keys differ between partitions."""
    ends = dict.fromkeys(ORDERS, 0)
    batches = []
    for partition, schema, content in pieces:
        source = ORDERS[partition]
        world.value_schema = schema
        batches.append(batch(world, source, ends[source], *((10 * partition + key, item) for key, item in content)))
        ends[source] += len(content)
    return batches


BAD = {"the column": "x" * 9, "a constraint": "no", "null": None}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("mode", ["upsert", "update"])
def test_a_bad_last_word_on_a_key_does_not_swallow_the_good_one_before_it(world: World, mode: str, bad: str) -> None:
    world.query("CREATE TABLE orders (id BIGINT PRIMARY KEY, item VARCHAR(3) NOT NULL CHECK (item <> 'no'))")
    world.query("INSERT INTO orders (id, item) VALUES (1, 'old'), (2, 'old'), (3, 'old')")
    world.config = UPSERT | {"insert.mode": mode}
    begin(world)
    if world.url.startswith("jdbc:sqlite") and bad == "the column":
        return  # it keeps texts of any length
    texts = ["a", BAD[bad], "b", "c", BAD[bad], "d", BAD[bad], BAD[bad]]
    values = [{"id": key, "item": text} for key, text in zip([1, 1, 2, 2, 2, 3, 3, 3], texts, strict=True)]
    for as_columns in (False, True):
        begin(world)
        at = world.positions[ORDERS[0]]
        batch = world.batch(values, [value["id"] for value in values], at=at, as_columns=as_columns)
        assert world.narrowed(batch) == [at + 1, at + 4, at + 6, at + 7]
        assert rows(world) == [(1, "a"), (2, "c"), (3, "d")]


@pytest.mark.parametrize("size", ["0", "2", "3000"])
def test_a_poll_is_one_transaction_whatever_the_size_of_a_batch(world: World, size: str) -> None:
    world.config = UPSERT | {"batch.size": size}
    begin(world)
    mixed = batch(world, ORDERS[0], 0, (1, "a"), (2, "b"), (1, "z"), (3, "c"), (2, "-"), (4, "d"), (2, "again"))
    world.die_at = ("sql.before_commit", 1)
    with pytest.raises(Killed):
        world.running.put_batches([mixed])
    world.die_at = None
    begin(world)
    assert rows(world) == []
    world.running.put_batches([mixed])
    assert rows(world) == [(1, "z"), (2, "again"), (3, "c"), (4, "d")]


def test_all_bad_records_of_a_poll_are_named_at_once(world: World) -> None:
    world.query("DROP TABLE IF EXISTS orders")
    text = "VARCHAR(5)" if "sqlite" not in world.url else "TEXT"
    world.query(f"CREATE TABLE orders (id BIGINT PRIMARY KEY, item {text} NOT NULL)")
    begin(world)
    assert world.sink is not None
    rows_ = [(key, None if key % 10 == 3 else "a") for key in range(100)]
    with pytest.raises(BadRecords) as raised:
        world.sink.put_batches([batch(world, ORDERS[0], 0, *rows_)])
    assert [index for _, index, _ in raised.value.found] == [key for key, item in rows_ if item is None]
    assert all("item" in str(error) and f"orders-0@{index} " in str(error) for _, index, error in raised.value.found)
    assert rows(world) == []
