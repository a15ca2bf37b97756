"""What the config topic's records add up to, by the rules of Kafka's reader."""

from collections.abc import Iterable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from ferryman.facts.config_records import (
    ConfigRecord,
    ConnectorConfig,
    Ignored,
    LoggerLevel,
    RestartRequest,
    SessionKey,
    TargetStateRecord,
    TaskConfig,
    TasksCommit,
    TasksFencing,
    encode,
)
from ferryman.facts.fold import Changed, ConnectorFacts, Event, Facts
from ferryman.facts.states import TargetState
from tests.facts.histories import records, written

CONFIG = {"name": "c", "tasks.max": "2"}
ONE, TWO = {"task": "1"}, {"task": "2"}
WHOLE: list[ConfigRecord] = [
    ConnectorConfig("c", CONFIG),
    TaskConfig("c", 0, ONE),
    TaskConfig("c", 1, TWO),
    TasksCommit("c", 2),
]


def folded(log: Iterable[tuple[int, ConfigRecord]]) -> Facts:
    facts = Facts()
    for offset, record in log:
        facts.apply(record, offset)
    return facts


def of(*log: ConfigRecord) -> ConnectorFacts:
    return folded(enumerate(log)).of("c")


def last(*log: ConfigRecord) -> tuple[Event, ...]:
    facts = Facts()
    return [facts.apply(record, offset) for offset, record in enumerate(log)][-1]


def test_task_configs_count_from_their_commit_on() -> None:
    assert of(*WHOLE[:3]).tasks == ()
    assert last(*WHOLE[:3]) == ()
    found = of(*WHOLE)
    assert (found.tasks, found.version, found.tasks_version) == ((ONE, TWO), 0, 3)
    assert (found.applied, found.generation, found.pending_fencing) == (CONFIG, 0, True)
    assert last(*WHOLE) == (Changed("c", "tasks"),)


def test_a_commit_that_lacks_a_task_leaves_the_connector_inconsistent_until_a_whole_one() -> None:
    broken = of(*WHOLE, TaskConfig("c", 1, ONE), TasksCommit("c", 2))
    assert (broken.inconsistent, broken.tasks, broken.tasks_version) == (True, (), 3)
    again = of(*WHOLE, TaskConfig("c", 1, ONE), TasksCommit("c", 2), TaskConfig("c", 0, ONE), TasksCommit("c", 2))
    assert again.inconsistent
    mended = of(*WHOLE, TaskConfig("c", 1, ONE), TasksCommit("c", 2), *WHOLE[1:])
    assert (mended.inconsistent, mended.tasks, mended.generation) == (False, (ONE, TWO), 1)


def test_tasks_that_compaction_left_over_are_not_the_connectors() -> None:
    assert of(WHOLE[0], TaskConfig("c", 1, TWO), TaskConfig("c", 0, ONE), TasksCommit("c", 1)).tasks == (ONE,)


def test_stopping_empties_the_tasks() -> None:
    found = of(*WHOLE, TasksCommit("c", 0))
    assert (found.tasks, found.inconsistent, found.tasks_version) == ((), False, 4)


def test_a_commit_of_a_connector_that_is_not_known_says_nothing_and_uses_up_what_was_before_it() -> None:
    assert last(*WHOLE[1:]) == ()
    found = of(*WHOLE[1:], *WHOLE[:1], TasksCommit("c", 2))
    assert (found.tasks, found.inconsistent) == ((), True)


def test_a_deleted_connector_is_not_listed_and_its_former_producers_are_remembered() -> None:
    log: list[ConfigRecord] = [*WHOLE, TasksFencing("c", 2), ConnectorConfig("c", None), TargetStateRecord("c", None)]
    facts = folded(enumerate(log))
    assert facts.names() == []
    assert facts.of("c") == ConnectorFacts(generation=0, fenced=2)
    assert last(*log[:-1]) == (Changed("c", "removed"),)


def test_nothing_is_left_of_a_connector_that_never_had_tasks() -> None:
    assert folded(enumerate([WHOLE[0], ConnectorConfig("c", None)])).connectors == {}


def test_a_target_may_come_before_its_connector_and_says_nothing_yet() -> None:
    paused = TargetStateRecord("c", TargetState.PAUSED)
    assert last(paused) == ()
    facts = folded([(0, paused)])
    assert facts.names() == []
    assert last(paused, WHOLE[0]) == (Changed("c", "config"),)
    assert of(paused, WHOLE[0]).target is TargetState.PAUSED


def test_a_target_that_is_forgotten_while_the_connector_is_there_is_running() -> None:
    log: list[ConfigRecord] = [WHOLE[0], TargetStateRecord("c", TargetState.STOPPED), TargetStateRecord("c", None)]
    assert of(*log).target is TargetState.RUNNING
    assert last(*log) == last(*log[:2]) == (Changed("c", "target"),)


def test_the_same_target_again_is_no_change() -> None:
    assert last(WHOLE[0], TargetStateRecord("c", TargetState.RUNNING)) == ()


def test_a_fencing_record_counts_until_the_next_commit() -> None:
    fenced = of(*WHOLE, TasksFencing("c", 2))
    assert (fenced.pending_fencing, fenced.fenced) == (False, 2)
    assert of(*WHOLE, TasksFencing("c", 2), *WHOLE[1:]).pending_fencing


def test_wishes_for_once_are_handed_on_and_not_kept() -> None:
    for wish in (RestartRequest("c", True, True), LoggerLevel("l", "DEBUG")):
        assert last(wish) == (wish,)
        assert folded([(0, wish)]) == Facts(offset=1)


def test_the_last_session_key_holds() -> None:
    keys = [SessionKey(bytes([number]), "HmacSHA256", number) for number in range(3)]
    assert folded(enumerate(keys)).session_key == keys[-1]
    assert last(*keys) == (keys[-1],)


def test_the_offset_is_the_next_one_and_ignored_records_count() -> None:
    facts = Facts()
    assert facts.offset == -1
    facts.apply(Ignored("k", ""), 41)
    assert facts.offset == 42


def test_a_snapshot_stays_as_it_is() -> None:
    facts = folded(enumerate(WHOLE[:3]))
    before, again = facts.snapshot(), facts.snapshot()
    facts.apply(WHOLE[3], 3)
    assert before == again != facts
    before.apply(WHOLE[3], 3)
    assert before == facts


@given(st.lists(records(), max_size=30))
def test_the_same_records_make_the_same_facts(log: Sequence[ConfigRecord]) -> None:
    halves = folded(enumerate(log[: len(log) // 2])).snapshot()
    for offset, record in list(enumerate(log))[len(log) // 2 :]:
        halves.apply(record, offset)
    assert halves == folded(enumerate(log))


def seen(facts: Facts) -> object:
    """All that is known of connectors that there are, but for how often their tasks were committed, which compaction
    forgets."""
    there = {name: facts.of(name) for name in facts.names()}
    return facts.session_key, {
        name: (
            each.properties,
            each.target,
            each.tasks,
            each.inconsistent,
            each.applied,
            each.pending_fencing,
            each.fenced,
            each.version,
            each.tasks_version,
        )
        for name, each in there.items()
    }


@given(written(), st.data())
def test_a_log_that_was_compacted_makes_the_same_facts(log: Sequence[ConfigRecord], data: st.DataObject) -> None:
    upto = data.draw(st.integers(0, len(log)))
    newest = {encode(record)[0]: offset for offset, record in enumerate(log[:upto])}
    compacted = [
        (offset, record) for offset, record in enumerate(log) if offset >= upto or newest[encode(record)[0]] == offset
    ]
    assert seen(folded(compacted)) == seen(folded(enumerate(log)))
    without_tombstones = [
        (offset, record) for offset, record in compacted if offset >= upto or encode(record)[1] is not None
    ]
    assert seen(folded(without_tombstones)) == seen(folded(enumerate(log)))
