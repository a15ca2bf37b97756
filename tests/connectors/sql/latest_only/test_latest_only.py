"""A run beside its live connector, in one table: at every moment the table is the fold of what live has read.

The log is in memory; the databases are real. Steps of live and of the run come in any order, kills among them, and
before each transaction of the run live may go on once more.
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ferryman.api import Committed, TaskContext
from ferryman.connectors.sql.sink import SqlSinkConnector
from ferryman.errors import TaskError
from ferryman.record import Rows, TopicPartition
from ferryman.runs.ranges import Range
from ferryman.schema import INT32, STRING, struct
from tests.connectors.sink_world import batch_at
from tests.connectors.sql.latest_only.beside_live import TOPIC, Change, Log, RunBesideLive, beside
from tests.connectors.sql.sql_task import CONFLUENT, query


def fold(changes: Sequence[Change]) -> dict[str, int]:
    """What a table holds of these."""
    found: dict[str, int] = {}
    for key, value in changes:
        found.pop(key, None) if not isinstance(value, int) else found.update({key: value})
    return found


def folded(both: RunBesideLive) -> dict[str, int]:
    """What the table is to be: each partition folded up to where live is."""
    return {key: value for changes in both.reached().values() for key, value in fold(changes).items()}


A, B = TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)
LOGS = st.tuples(
    st.lists(st.tuples(st.sampled_from("abcd"), st.none() | st.integers(0, 99)), min_size=1, max_size=24),
    st.lists(st.tuples(st.sampled_from("wxyz"), st.none() | st.integers(0, 99)), max_size=12),
).map(lambda pair: {A: pair[0], B: pair[1]})
STEPS = st.lists(
    st.tuples(st.sampled_from(["live", "run", "run", "kill live", "kill run", "die", "more"]), st.integers(1, 6)),
    max_size=16,
)


@settings(max_examples=60, phases=[Phase.generate])
@given(log=LOGS, bounds=st.tuples(st.integers(0, 24), st.integers(0, 24)), steps=STEPS, stutter=st.integers(1, 9))
def test_whatever_comes_between_the_table_is_the_fold_of_what_live_has_read(
    log: Log, bounds: tuple[int, int], steps: list[tuple[str, int]], stutter: int
) -> None:
    with beside(log, Range(min(bounds), max(bounds)), stutter) as both:
        _stays_folded(both, log, steps)


@settings(max_examples=6, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(log=LOGS, bounds=st.tuples(st.integers(0, 24), st.integers(0, 24)), steps=STEPS, stutter=st.integers(1, 9))
def test_so_it_is_where_rows_go_to_the_database_before_the_live_connector_is_held_up(
    postgres: str, log: Log, bounds: tuple[int, int], steps: list[tuple[str, int]], stutter: int
) -> None:
    query(postgres, f"DROP TABLE IF EXISTS {TOPIC}, ferryman_offsets")
    both = RunBesideLive(postgres, log, Range(min(bounds), max(bounds)), stutter)
    try:
        both.live.begin()
        _stays_folded(both, log, steps)
    finally:
        both.close()


def _stays_folded(both: RunBesideLive, log: Log, steps: list[tuple[str, int]]) -> None:
    for what, count in steps:
        _step(both, what, count)
        assert both.table() == folded(both)
    both.run.meanwhile = None
    for source in log:
        both.live.put(source, 99, len(log[source]))
        both.run.put(source, 99, min(both.range.behind, len(log[source])))
    assert both.table() == folded(both) == {**fold(log[A]), **fold(log[B])}


def _step(both: RunBesideLive, what: str, count: int) -> None:
    source = A if count % 3 else B
    match what:
        case "live":
            both.live.put(source, count, len(both.log[source]))
        case "run":
            both.run.put(source, count, min(both.range.behind, len(both.log[source])))
        case "kill live":
            both.live.kill()
        case "kill run":
            both.run.kill()
        case "die":
            both.run.die_at = ["sql.before_rows", "sql.folded", "sql.after_rows", "sql.after_commit"][count % 4]
        case "more":
            # Live goes on just before the run's transaction, after the run has looked where it is.
            both.run.meanwhile = lambda: both.live.put(source, count, len(both.log[source]))


@settings(max_examples=8, phases=[Phase.generate])
@given(log=LOGS, bounds=st.tuples(st.integers(0, 24), st.integers(0, 24)), live=st.integers(0, 24))
def test_what_was_damaged_and_has_its_last_word_in_the_range_is_whole_again(
    log: Log, bounds: tuple[int, int], live: int
) -> None:
    with beside(log, Range(min(bounds), max(bounds))) as both:
        for source in log:
            both.live.put(source, live, len(log[source]))
        if not both.table():
            return
        query(both.url, f"DELETE FROM \"{TOPIC}\" WHERE id IN ('a', 'x')")
        before = both.table()
        for source in log:
            both.run.put(source, 99, min(both.range.behind, len(log[source])))
        healed = {
            change[0]: change[1]
            for source, changes in log.items()
            for at, change in enumerate(changes[:live])
            if both.range.first <= at < both.range.behind and change[1] is not None
            if all(later[0] != change[0] for later in changes[at + 1 : live])
        }
        assert both.table() == {**before, **healed}


def test_a_live_connector_that_never_wrote_there_is_named(tmp_path: Path) -> None:
    made = RunBesideLive(f"sqlite:///{tmp_path / 'w.db'}", {A: [("a", 1)]}, Range(0, 1))
    with pytest.raises(TaskError, match="The live connector live has no offset of orders-0"):
        made.run.begin()
    made.close()


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'w.db'}"
    return str(request.getfixturevalue("postgres" if request.param == "postgresql" else "mariadb"))


def test_live_may_go_on_just_before_the_run_has_its_lock(url: str) -> None:
    log: Log = {A: [("a", 1), ("b", 2), ("a", 3), ("b", None), ("c", 4), ("a", 5)]}
    both = RunBesideLive(url, log, Range(0, 5))
    try:
        both.live.put(A, 5, 5)
        query(url, f"DELETE FROM {TOPIC}")
        both.run.meanwhile = lambda: both.live.put(A, 1, 6)
        both.run.put(A, 3, 5)
        assert both.table() == {"a": 5}
        both.run.put(A, 9, 5)
        assert both.table() == folded(both) == {"a": 5, "c": 4}
    finally:
        both.close()


@pytest.mark.parametrize(
    ("column", "complaint"),
    [("TEXT COLLATE NOCASE", "compares values of the type"), ("TEXT COLLATE RTRIM", "passes over")],
)
def test_a_key_that_is_not_compared_byte_by_byte_is_refused(tmp_path: Path, column: str, complaint: str) -> None:
    made = RunBesideLive(f"sqlite:///{tmp_path / 'w.db'}", {A: [("a ", 1)]}, Range(0, 1))
    query(made.url, f'CREATE TABLE "{TOPIC}" (id {column} PRIMARY KEY, n INTEGER)')
    made.live.put(A, 1, 1)
    with pytest.raises(TaskError, match=complaint):
        made.run.put(A, 1, 1)
    made.close()


def test_how_far_live_is_can_be_read_beside_its_data_though_the_run_holds_its_lock(url: str) -> None:
    both = RunBesideLive(url, {A: [("a", 1), ("b", 2), ("c", 3)]}, Range(0, 3))
    raw = {"name": "run", "connector.class": CONFLUENT, "topics": TOPIC, "connection.url": url}
    config = SqlSinkConnector.config_class.parse(raw)
    reached = SqlSinkConnector.reached(config, TaskContext(connector="run", task=0, cluster="k", raw=raw), "live")
    assert reached is not None
    seen = []
    try:
        assert reached.offsets() == {}
        both.live.put(A, 2, 2)
        assert reached.offsets() == {A: 2}
        both.run.at = {"sql.folded": lambda: seen.append(reached.offsets())}
        both.run.put(A, 2, 2)
        assert seen == [{A: 2}]
    finally:
        reached.close()
        both.close()


TEXT = "VARCHAR(50) CHARACTER SET utf8mb4 COLLATE"


@pytest.mark.parametrize(
    ("column", "key", "complaint"),
    [
        (f"{TEXT} utf8mb4_general_ci", "a", "its key column id compares values of the type"),
        (f"{TEXT} utf8mb4_unicode_nopad_ci", "a", "its key column id compares values of the type"),
        (f"{TEXT} utf8mb4_bin", "a ", "a key in the column id ends in what the database passes over"),
        (f"{TEXT} utf8mb4_bin", "a", None),
        (f"{TEXT} utf8mb4_nopad_bin", "a ", None),
        ("ENUM('a', 'b') CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "a", None),
        ("ENUM('a', 'b') CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", "a", "compares values of the type"),
    ],
)
def test_in_mariadb_a_key_is_compared_as_its_collation_does_or_refused(
    mariadb: str, column: str, key: str, complaint: str | None
) -> None:
    made = RunBesideLive(mariadb, {A: [(key, 1), (key, 2), (key.upper(), 3), (key, 4)]}, Range(0, 2))
    query(mariadb, f"CREATE TABLE {TOPIC} (id {column} PRIMARY KEY, n INTEGER NOT NULL) ENGINE=InnoDB")
    try:
        made.live.put(A, 2, 2)
        query(mariadb, f"DELETE FROM {TOPIC}")
        with contextlib.nullcontext() if complaint is None else pytest.raises(TaskError, match=complaint):
            made.run.put(A, 2, 2)
            assert made.table() == {key: 2}
    finally:
        made.close()


def test_a_part_of_the_records_key_is_no_key(tmp_path: Path) -> None:
    made = RunBesideLive(f"sqlite:///{tmp_path / 'w.db'}", {A: [("a", 1)]}, Range(0, 1))
    wide = struct({"id": STRING, "region": STRING})
    made.live.config = made.run.config = {"pk.fields": "id"}
    made.live.put(A, 1, 1)
    made.run.begin()
    assert made.run.sink is not None
    records = batch_at(A, 0, Rows(struct({"n": INT32}), [{"n": 1}]), key=Rows(wide, [{"id": "a", "region": "eu"}]))
    with pytest.raises(TaskError, match="is a part of the keys of orders"):
        made.run.sink.put_batches([records])
    made.close()


def test_offsets_that_were_passed_over_move_the_runs_own_row(tmp_path: Path) -> None:
    made = RunBesideLive(f"sqlite:///{tmp_path / 'w.db'}", {A: [("a", 1), ("a", 2)]}, Range(0, 2))
    made.live.put(A, 2, 2)
    made.run.begin()
    made.run.positions[A] = 2
    made.run.commit()
    assert query(made.url, "SELECT next_offset FROM ferryman_offsets WHERE connector = 'run'") == [(2,)]
    assert Committed(2) is not None
    made.close()
