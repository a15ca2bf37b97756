"""A run by version beside its live connector, in one table: a row changes only to what is newer.

Each key comes from several partitions. The column ``v`` is the version; ``w`` says which record a row is of.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DatabaseError

from ferryman.errors import UnsafeRun
from ferryman.record import TopicPartition
from ferryman.runs.ranges import Range
from tests.connectors.sql.latest_only.beside_live import TOPIC, Change, Log, RunBesideLive
from tests.connectors.sql.sql_task import query

A, B = TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)
NEWER = {"ferryman.run.version.field": "v"}
KEEPING = {"delete.enabled": "false"}
Rows = dict[str, tuple[int, int]]
"""The version and the number of each key's row."""


def word(key: str, version: int, number: int) -> Change:
    return key, {"v": version, "w": number}


def beside(url: str, log: Log, range_: Range, config: dict[str, str]) -> RunBesideLive:
    both = RunBesideLive(url, log, range_, how=NEWER)
    for member in (both.live, both.run):
        member.config = config
    return both


def table(both: RunBesideLive) -> Rows:
    return {key: (version, number) for key, version, number in query(both.url, f"SELECT id, v, w FROM {TOPIC}")}


def newest(changes: Sequence[Change], before: Rows) -> Rows:
    """The fold by version: of each key the greatest, of two that are the same the one that was there."""
    found = dict(before)
    for key, value in changes:
        if isinstance(value, dict) and (key not in found or value["v"] > found[key][0]):
            found[key] = value["v"], value["w"]
    return found


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'w.db'}"
    return str(request.getfixturevalue("postgres" if request.param == "postgresql" else "mariadb"))


@pytest.fixture
def both(url: str) -> Iterator[list[RunBesideLive]]:
    """What is to be closed."""
    query(url, f"DROP TABLE IF EXISTS {TOPIC}")
    query(url, "DROP TABLE IF EXISTS ferryman_offsets")
    made: list[RunBesideLive] = []
    yield made
    for each in made:
        each.close()


@st.composite
def histories(draw: st.DrawFn) -> tuple[Log, list[tuple[str, int]]]:
    """Records of few keys in both partitions, with versions in any order, and steps of both connectors."""
    versions = draw(st.permutations(range(30)))
    log: Log = {A: [], B: []}
    for number, version in enumerate(versions[: draw(st.integers(2, 30))]):
        log[draw(st.sampled_from([A, B]))].append(word(draw(st.sampled_from("abcd")), version, number))
    steps = st.tuples(st.sampled_from(["live", "run", "run", "kill run", "die", "more"]), st.integers(1, 6))
    return log, draw(st.lists(steps, max_size=16))


@settings(
    max_examples=15,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(history=histories())
def test_after_live_and_a_run_over_all_the_table_is_the_fold_by_version(
    url: str, history: tuple[Log, list[tuple[str, int]]]
) -> None:
    log, steps = history
    query(url, f"DROP TABLE IF EXISTS {TOPIC}")
    query(url, "DROP TABLE IF EXISTS ferryman_offsets")
    made = beside(url, log, Range(0, 99), KEEPING)
    try:
        made.live.begin()
        # Live writes by arrival, so that rows may go back; a run that comes behind it puts that right.
        for what, count in steps:
            _step(made, what, count)
        for source in log:
            made.live.put(source, 99, len(log[source]))
        again = RunBesideLive(url, log, Range(0, 99), how=NEWER).run
        again.name, again.config = "again", KEEPING
        try:
            again.begin()
            for source in log:
                again.put(source, 99, len(log[source]))
        finally:
            again.kill()
        assert table(made) == newest([*log[A], *log[B]], {})
    finally:
        made.close()


def _step(both: RunBesideLive, what: str, count: int) -> None:
    source = A if count % 2 else B
    log = both.log[source]
    match what:
        case "live":
            both.live.put(source, count, len(log))
        case "run":
            before, is_alone = _rows(both), both.run.meanwhile is None
            both.run.put(source, count, len(log))
            after = _rows(both)
            assert not is_alone or all(after[key] >= row for key, row in before.items())
        case "kill run":
            both.run.kill()
        case "die":
            both.run.die_at = ["sql.before_rows", "sql.after_rows", "sql.after_commit"][count % 3]
        case "more":
            # Live goes on within the run's put, after the run has looked where it is.
            both.run.meanwhile = lambda: both.live.put(source, count, len(log))


def _rows(both: RunBesideLive) -> Rows:
    try:
        return table(both)
    except DatabaseError:
        return {}  # it is not there yet


def test_a_row_that_was_lost_is_added_and_a_row_from_out_of_order_arrival_is_mended(
    url: str, both: list[RunBesideLive]
) -> None:
    log: Log = {A: [word("a", 5, 1), word("b", 1, 2), word("c", 7, 3)], B: [word("a", 3, 4), word("b", 2, 5)]}
    made = beside(url, log, Range(0, 9), KEEPING)
    both.append(made)
    made.live.put(A, 9, 3)
    made.live.put(B, 9, 2)
    assert table(made)["a"] == (3, 4), "live writes by arrival"
    query(url, f"DELETE FROM {TOPIC} WHERE id = 'c'")
    made.run.put(B, 9, 2)
    made.run.put(A, 9, 3)
    assert table(made) == {"a": (5, 1), "b": (2, 5), "c": (7, 3)}


def test_a_deleted_row_stays_deleted_and_none_is_added_where_rows_are_deleted(
    url: str, both: list[RunBesideLive]
) -> None:
    log: Log = {A: [word("a", 5, 1), word("b", 6, 2), ("a", None)], B: [("b", None), word("b", 1, 3), word("a", 9, 4)]}
    made = beside(url, log, Range(0, 9), {})
    both.append(made)
    made.live.put(B, 3, 3)
    made.live.put(A, 3, 3)
    assert table(made) == {"b": (6, 2)}
    query(url, f"UPDATE {TOPIC} SET v = 0, w = 0")
    made.run.put(A, 9, 3)
    made.run.put(B, 9, 3)
    assert table(made) == {"b": (6, 2)}, "b is whole again, a stays deleted, and the run's tombstones delete nothing"


def test_of_records_with_one_version_the_row_that_stands_stays(url: str, both: list[RunBesideLive]) -> None:
    log: Log = {A: [word("a", 5, 1)], B: [word("a", 5, 2)]}
    made = beside(url, log, Range(0, 9), KEEPING)
    both.append(made)
    made.live.put(A, 9, 1)
    made.live.put(B, 9, 1)
    made.run.put(A, 9, 1)
    assert table(made) == {"a": (5, 2)}


def test_a_row_without_a_version_is_left_alone(url: str, both: list[RunBesideLive]) -> None:
    made = beside(url, {A: [word("a", 5, 1)], B: []}, Range(0, 9), KEEPING)
    both.append(made)
    made.live.put(A, 9, 1)
    query(url, f"UPDATE {TOPIC} SET v = NULL, w = 7")
    made.run.put(A, 9, 1)
    assert query(url, f"SELECT v, w FROM {TOPIC}") == [(None, 7)]


def test_records_without_a_version_are_refused_one_by_one(url: str, both: list[RunBesideLive]) -> None:
    log: Log = {A: [("a", {"v": None, "w": 1}), ("b", {"w": 2}), word("c", 3, 3)], B: []}
    made = beside(url, log, Range(0, 9), KEEPING)
    both.append(made)
    made.live.put(A, 9, 3)
    query(url, f"DELETE FROM {TOPIC}")
    made.run.put(A, 9, 3)
    assert table(made) == {"c": (3, 3)}
    assert made.run.letters == {(A, 0), (A, 1)}


def test_what_live_has_not_read_is_left_to_it(url: str, both: list[RunBesideLive]) -> None:
    log: Log = {A: [word("a", 1, 1), word("a", 2, 2), word("b", 3, 3)], B: []}
    made = beside(url, log, Range(0, 9), KEEPING)
    both.append(made)
    made.live.put(A, 1, 3)
    made.run.put(A, 9, 3)
    assert table(made) == {"a": (1, 1)}


def test_of_records_of_several_shapes_the_newest_stands_whatever_their_order(
    url: str, both: list[RunBesideLive]
) -> None:
    log: Log = {A: [word("a", 9, 1), ("a", {"v": 8, "w": 2, "m": 3}), word("a", 7, 4), ("a", {"v": 2, "m": 5})], B: []}
    made = beside(url, log, Range(0, 9), {**KEEPING, "auto.evolve": "true"})
    both.append(made)
    made.live.put(A, 9, 4)
    query(url, f"UPDATE {TOPIC} SET v = 0, w = 0, m = 0")
    made.run.put(A, 9, 4)
    assert table(made) == {"a": (9, 1)}


def test_a_bad_newest_record_does_not_take_the_good_one_before_it_with_it(url: str, both: list[RunBesideLive]) -> None:
    log: Log = {A: [word("a", 9, -1), word("a", 8, 2), word("b", 1, 1), word("a", 3, 3)], B: []}
    made = beside(url, log, Range(0, 9), {**KEEPING, "auto.create": "false"})
    both.append(made)
    query(url, f"CREATE TABLE {TOPIC} (id VARCHAR(9) PRIMARY KEY, v INTEGER, w INTEGER CHECK (w >= 0))")
    made.live.put(A, 9, 4)
    query(url, f"DELETE FROM {TOPIC}")
    made.run.put(A, 9, 4)
    assert table(made) == {"a": (8, 2), "b": (1, 1)}
    assert made.run.letters == {(A, 0)}


@pytest.mark.parametrize("kind", ["TEXT", "DOUBLE PRECISION"])
def test_a_column_that_does_not_tell_which_is_newer_ends_the_run(
    kind: str, url: str, both: list[RunBesideLive]
) -> None:
    made = beside(url, {A: [word("a", 5, 1)], B: []}, Range(0, 9), {**KEEPING, "auto.create": "false"})
    both.append(made)
    query(url, f"CREATE TABLE {TOPIC} (id VARCHAR(9) PRIMARY KEY, v INTEGER, w INTEGER)")
    made.live.put(A, 9, 1)
    query(url, f"DROP TABLE {TOPIC}")
    query(url, f"CREATE TABLE {TOPIC} (id VARCHAR(9) PRIMARY KEY, v {kind}, w INTEGER)")
    with pytest.raises(UnsafeRun, match="The field v cannot be the version of rows of orders"):
        made.run.put(A, 9, 1)


def test_live_must_have_written_there(url: str, both: list[RunBesideLive]) -> None:
    made = beside(url, {A: [word("a", 5, 1)], B: []}, Range(0, 9), KEEPING)
    both.append(made)
    with pytest.raises(UnsafeRun, match="The live connector live has no offset of orders-0"):
        made.run.begin()


@pytest.mark.parametrize(
    "versions",
    [
        [datetime(2026, 11, 1, hour, tzinfo=UTC) for hour in (2, 10, 9)],
        [Decimal("2.00"), Decimal("10.00"), Decimal("9.50")],
    ],
    ids=["timestamps", "decimals"],
)
def test_timestamps_and_decimals_are_compared_as_such_and_not_as_texts(
    versions: list[datetime | Decimal], url: str, both: list[RunBesideLive]
) -> None:
    words: list[Change] = [("a", {"v": version, "w": number}) for number, version in enumerate(versions)]
    made = beside(url, {A: words[:2], B: words[2:]}, Range(0, 9), KEEPING)
    both.append(made)
    made.live.put(A, 9, 2)
    made.live.put(B, 9, 1)
    assert query(url, f"SELECT w FROM {TOPIC}") == [(2,)]
    made.run.put(B, 9, 1)
    assert query(url, f"SELECT w FROM {TOPIC}") == [(2,)]
    made.run.put(A, 9, 2)
    assert query(url, f"SELECT w FROM {TOPIC}") == [(1,)]
