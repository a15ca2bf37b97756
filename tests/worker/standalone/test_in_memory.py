"""What a standalone worker keeps: facts, statuses and topics, for as long as it lives."""

import asyncio

from ferryman.facts.config_records import ConfigRecord, ConnectorConfig, TargetStateRecord, TaskConfig, TasksCommit
from ferryman.facts.fold import Changed, Event
from ferryman.facts.states import State, TargetState
from ferryman.worker.herder import Status
from ferryman.worker.standalone.in_memory import Alone, Board, Journal

RUNNING = Status(State.RUNNING, "here")


def test_records_that_are_written_together_are_heard_together_and_known_by_then() -> None:
    journal, heard = Journal(), list[list[Event]]()

    def listens(events: object) -> None:
        assert len(journal.facts.of("c").tasks) == 2
        heard.append(list(events))  # type: ignore[call-overload]

    journal.listen(listens)
    records: list[ConfigRecord] = [TaskConfig("c", 0, {"a": "1"}), TaskConfig("c", 1, {"a": "2"}), TasksCommit("c", 2)]
    asyncio.run(journal.write(ConnectorConfig("c", {"name": "c"}), *records))
    assert heard == [[Changed("c", "config"), Changed("c", "tasks")]]


def test_each_record_has_an_offset_of_its_own() -> None:
    journal = Journal()
    for colour in ("red", "red", "green"):
        before = journal.facts.of("c").version
        asyncio.run(journal.write(ConnectorConfig("c", {"colour": colour})))
        assert journal.facts.of("c").version not in (None, before)


def test_a_target_without_a_connector_is_kept_for_it() -> None:
    journal = Journal()
    asyncio.run(journal.write(TargetStateRecord("c", TargetState.PAUSED)))
    assert journal.facts.names() == []
    asyncio.run(journal.write(ConnectorConfig("c", {})))
    assert journal.facts.of("c").target is TargetState.PAUSED


def test_who_is_alone_does_everything_and_decides_everything() -> None:
    alone = Alone()
    assert alone.alone
    assert alone.leads
    assert alone.assigned.has("c")
    assert alone.assigned.has("c", 5)
    asyncio.run(alone.lead())
    asyncio.run(alone.own("c", 5))
    alone.facts_changed(["c"])


def test_a_board_shows_the_last_word_on_each_instance() -> None:
    board = Board()
    assert board.status("c") is None
    assert board.tasks("c") == {}
    failed = Status(State.FAILED, "here", "it broke")
    board.show(("c", None), RUNNING)
    board.show(("c", 1), RUNNING)
    board.show(("c", 0), RUNNING)
    board.show(("c", 1), failed)
    assert board.status("c") == RUNNING
    assert board.tasks("c") == {0: RUNNING, 1: failed}
    board.show(("c", 0), None)
    board.show(("c", 7), None)
    assert board.tasks("c") == {1: failed}


def test_a_connector_takes_its_tasks_with_it_and_leaves_nothing() -> None:
    board = Board()
    for name in ("c", "d"):
        board.show((name, None), RUNNING)
        board.show((name, 0), RUNNING)
    board.show(("c", None), None)
    assert (board.status("c"), board.tasks("c")) == (None, {})
    board.show(("c", 0), RUNNING)  # a task that still ends
    board.show(("c", 0), None)
    assert board._shown.keys() == {"d"}
    assert board.tasks("d") == {0: RUNNING}


def test_topics_are_sorted_named_once_and_forgotten_for_one_connector() -> None:
    board, forgotten = Board(), list[str]()
    board.when_forgotten(forgotten.append)
    for task, topic in ((("c", 0), "b"), (("c", 1), "a"), (("c", 1), "b"), (("d", 0), "x")):
        board.use(task, topic)
    assert board.topics("c") == ["a", "b"]
    board.forget_topics("c")
    assert forgotten == ["c"]
    assert board.topics("c") == []
    assert board.topics("d") == ["x"]


def test_whoever_has_asked_for_tasks_sees_them_as_they_were() -> None:
    board = Board()
    board.show(("c", 0), RUNNING)
    seen = board.tasks("c")
    board.show(("c", 1), RUNNING)
    assert seen.keys() == {0}
