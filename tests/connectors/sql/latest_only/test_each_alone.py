"""A run leaves the table as a live connector would that is given each record alone, in order, and skips bad ones.

Records fill some columns or others, or delete; some are refused by what the types of columns say, some by a constraint
of which only the database knows.
"""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ferryman.record import TopicPartition
from ferryman.runs.ranges import Range
from tests.connectors.sql.latest_only.beside_live import TOPIC, Change, Fields, Log, Member, RunBesideLive
from tests.connectors.sql.sql_task import query

SOURCE = TopicPartition(TOPIC, 0)
WHOLE = Range(0, 99)
FORBIDDEN = 13
"""A number that a constraint forbids."""
TABLE = f"""CREATE TABLE {TOPIC} (id VARCHAR(20) {{collation}} PRIMARY KEY, n INTEGER NOT NULL DEFAULT 7, m INTEGER,
CHECK (n <> {FORBIDDEN}), CHECK (m <> {FORBIDDEN}))"""
Row = tuple[Any, ...]


def made(url: str) -> str:
    """The table, in a database."""
    collation = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin" if "mysql" in url or "mariadb" in url else ""
    query(url, TABLE.format(collation=collation))
    return url


def rows(url: str) -> list[Row]:
    return sorted(query(url, f"SELECT id, n, m FROM {TOPIC}"))


def each_alone(url: str, changes: Sequence[Change]) -> list[Row]:
    """What the table holds when all of these were put one by one, in a database of their own."""
    alone = Member("alone", url, {SOURCE: list(changes)})
    for _ in changes:
        alone.put(SOURCE, 1, len(changes))
    alone.kill()
    return rows(url)


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Two databases of a kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'w.db'}", f"sqlite:///{tmp_path / 'alone.db'}"
        return
    whole = sa.make_url(str(request.getfixturevalue("postgres" if request.param == "postgresql" else "mariadb")))
    other = f"{whole.database}_alone"
    create_database(whole, other)
    texts = [each.render_as_string(hide_password=False) for each in (whole, whole.set(database=other))]
    yield texts[0], texts[1]


def create_database(url: sa.URL, name: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))


BAD: dict[str, Fields] = {
    "a constraint": {"n": FORBIDDEN, "m": 1},
    "a type": {"n": None, "m": 1},
    "another column": {"m": FORBIDDEN},
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("within", [True, False], ids=["in the range", "behind it"])
def test_a_last_word_that_the_table_does_not_take_leaves_the_good_one_before_it(
    urls: tuple[str, str], bad: str, within: bool
) -> None:
    log: Log = {SOURCE: [("a", {"n": 1, "m": 1}), ("b", 5), ("b", None), ("a", BAD[bad]), ("b", BAD[bad])]}
    both = RunBesideLive(made(urls[0]), log, WHOLE if within else Range(0, 3))
    try:
        both.live.put(SOURCE, 9, 9)
        wanted = each_alone(made(urls[1]), log[SOURCE])
        assert rows(both.url) == wanted == [("a", 1, 1)]
        query(both.url, f"UPDATE {TOPIC} SET n = 0")
        both.run.put(SOURCE, 9, 5 if within else 3)
        assert rows(both.url) == wanted
        assert both.run.letters == ({(SOURCE, 3), (SOURCE, 4)} if within else set())
    finally:
        both.close()


def test_a_last_word_that_a_deferred_constraint_refuses_leaves_the_good_one_before_it(postgres: str) -> None:
    other = sa.make_url(postgres).set(database=f"{sa.make_url(postgres).database}_alone")
    create_database(sa.make_url(postgres), str(other.database))
    urls = postgres, other.render_as_string(hide_password=False)
    for url in urls:
        query(made(url), "CREATE TABLE allowed (m INTEGER PRIMARY KEY)")
        query(url, "INSERT INTO allowed VALUES (1)")
        later = "FOREIGN KEY (m) REFERENCES allowed DEFERRABLE INITIALLY DEFERRED"
        query(url, f"ALTER TABLE {TOPIC} ADD {later}, ADD UNIQUE (n) DEFERRABLE INITIALLY DEFERRED")
    changes: list[Change] = [("a", {"n": 1, "m": 1}), ("b", 5), ("a", {"n": 2, "m": 2}), ("b", {"n": 1})]
    both = RunBesideLive(urls[0], {SOURCE: changes}, WHOLE)
    try:
        both.live.put(SOURCE, 9, 9)
        wanted = each_alone(urls[1], changes)
        assert rows(both.url) == wanted == [("a", 1, 1), ("b", 5, None)]
        query(both.url, f"DELETE FROM {TOPIC} WHERE id = 'b'")
        both.run.put(SOURCE, 9, 9)
        assert rows(both.url) == wanted
        assert both.run.letters == both.live.letters == {(SOURCE, 2), (SOURCE, 3)}
    finally:
        both.close()


def test_a_column_that_later_records_lack_keeps_what_the_last_that_has_it_says(urls: tuple[str, str]) -> None:
    changes: list[Change] = [
        ("a", {"n": 1, "m": 1}),
        ("b", {"n": 3, "m": 4}),
        ("a", {"n": 2}),
        ("b", {"m": 5}),
        ("b", {}),
    ]
    both = RunBesideLive(made(urls[0]), {SOURCE: changes}, WHOLE)
    try:
        both.live.put(SOURCE, 9, 9)
        wanted = each_alone(made(urls[1]), changes)
        assert rows(both.url) == wanted == [("a", 2, 1), ("b", 3, 5)]
        query(both.url, f"DELETE FROM {TOPIC} WHERE id = 'a'")
        query(both.url, f"UPDATE {TOPIC} SET n = 0")
        for _ in changes:
            both.run.put(SOURCE, 1, 5)
            assert ("b", 3, 4) not in rows(both.url), "it has gone back in time"
        assert rows(both.url) == wanted
    finally:
        both.close()


NUMBER = st.sampled_from([1, 2, 3, FORBIDDEN, None])
VALUES = st.none() | st.fixed_dictionaries({}, optional={"n": NUMBER, "m": NUMBER})
CHANGES = st.lists(st.tuples(st.sampled_from("abc"), VALUES), min_size=1, max_size=14)
STEPS = st.lists(st.tuples(st.sampled_from(["live", "run", "run", "kill run", "more"]), st.integers(1, 5)), max_size=9)


@settings(max_examples=40, phases=[Phase.generate])
@given(
    changes=CHANGES, steps=STEPS, stutter=st.integers(1, 5), bounds=st.tuples(st.integers(0, 14), st.integers(0, 14))
)
def test_whatever_comes_between_the_table_is_what_each_record_alone_leaves(
    changes: list[Change], steps: list[tuple[str, int]], stutter: int, bounds: tuple[int, int]
) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        range_ = Range(min(bounds), max(bounds))
        both = RunBesideLive(made(f"sqlite:///{folder}/w.db"), {SOURCE: changes}, range_, stutter)
        alone = Member("alone", made(f"sqlite:///{folder}/alone.db"), {SOURCE: changes})
        try:
            _beside(both, alone, changes, steps, min(range_.behind, len(changes)))
        finally:
            both.close()
            alone.kill()


def _beside(
    both: RunBesideLive, alone: Member, changes: list[Change], steps: list[tuple[str, int]], behind: int
) -> None:
    def agree() -> None:
        done = alone.positions.get(SOURCE, 0)
        for _ in range(len(both.reached().get(SOURCE, [])) - done):
            alone.put(SOURCE, 1, len(changes))
        assert rows(both.url) == rows(alone.url)

    both.live.put(SOURCE, len(changes) // 2, len(changes))
    agree()
    for what, count in steps:
        match what:
            case "live":
                both.live.put(SOURCE, count, len(changes))
            case "run":
                both.run.put(SOURCE, count, behind)
            case "kill run":
                both.run.kill()
            case "more":
                both.run.meanwhile = lambda: both.live.put(SOURCE, count, len(changes))  # noqa: B023
        both.live.commit()
        agree()
    both.run.meanwhile = None
    both.live.put(SOURCE, 99, len(changes))
    both.live.commit()
    both.run.put(SOURCE, 99, behind)
    agree()


@settings(max_examples=40, phases=[Phase.generate])
@given(changes=CHANGES, sizes=st.lists(st.integers(1, 5), max_size=5), kills=st.sets(st.integers(0, 5)))
def test_a_table_that_was_emptied_is_made_anew_by_a_run_of_all(
    changes: list[Change], sizes: list[int], kills: set[int]
) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        both = RunBesideLive(made(f"sqlite:///{folder}/w.db"), {SOURCE: changes}, WHOLE)
        try:
            both.live.put(SOURCE, 99, len(changes))
            query(both.url, f"DELETE FROM {TOPIC}")
            for number, size in enumerate([*sizes, 99]):
                both.run.put(SOURCE, size, len(changes))
                if number in kills:
                    both.run.kill()
            assert rows(both.url) == each_alone(made(f"sqlite:///{folder}/alone.db"), changes)
        finally:
            both.close()
