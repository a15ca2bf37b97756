"""The status topic's records are bytes as Kafka Connect writes them, and add up by key."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.facts.states import Outage, Restart, State
from ferryman.facts.statuses import (
    ConnectorStatusRecord,
    Statuses,
    StatusRecord,
    StoredStatus,
    TaskStatusRecord,
    TopicUse,
    TopicUseRecord,
    decode,
    encode,
)
from tests.facts.histories import TEXTS

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=":"), min_size=1, max_size=5)
STATUSES = st.builds(
    StoredStatus,
    st.sampled_from(State),
    st.sampled_from(["h1:8083", "h2:8083"]),
    st.integers(0, 5),
    st.none() | TEXTS,
    st.none() | TEXTS,
    st.none() | st.builds(Outage, TEXTS, TEXTS, TEXTS),
    st.none() | st.builds(Restart, st.integers(0, 2**31 - 1), TEXTS),
)


def records(names: st.SearchStrategy[str] = NAMES) -> st.SearchStrategy[StatusRecord]:
    uses = st.builds(TopicUse, st.integers(0, 2**31 - 1), st.integers(0, 2**63 - 1))
    return st.one_of(
        st.builds(ConnectorStatusRecord, names, st.none() | STATUSES),
        st.builds(TaskStatusRecord, names, st.integers(0, 2), st.none() | STATUSES),
        st.builds(TopicUseRecord, names, names, st.none() | uses),
    )


def status(state: State, worker: str = "h:8083", generation: int = 3) -> StoredStatus:
    return StoredStatus(state, worker, generation)


@pytest.mark.parametrize(
    ("record", "key", "value"),
    [
        (
            ConnectorStatusRecord("c1", StoredStatus(State.RUNNING, "h:8083", 3, version="1.0")),
            "status-connector-c1",
            '{"state":"RUNNING","trace":null,"worker_id":"h:8083","generation":3,"version":"1.0"}',
        ),
        (
            TaskStatusRecord("c-1", 0, StoredStatus(State.FAILED, "h:8083", 3, "Traceback\n")),
            "status-task-c-1-0",
            '{"state":"FAILED","trace":"Traceback\\n","worker_id":"h:8083","generation":3,"version":null}',
        ),
        (TaskStatusRecord("c", 0, None), "status-task-c-0", None),
        (
            TopicUseRecord("c", "t", TopicUse(0, 1700000000123)),
            "status-topic-t:connector-c",
            '{"topic":{"name":"t","connector":"c","task":0,"discoverTimestamp":1700000000123}}',
        ),
        (TopicUseRecord("c", "t", None), "status-topic-t:connector-c", None),
    ],
)
def test_a_record_has_the_bytes_that_kafka_connect_writes(record: StatusRecord, key: str, value: str | None) -> None:
    assert encode(record) == (key.encode(), None if value is None else value.encode())


def test_an_outage_is_one_field_more_that_kafkas_reader_does_not_look_at() -> None:
    away = StoredStatus(State.RUNNING, "h:8083", 3, outage=Outage("a", "b", "c"))
    _, value = encode(TaskStatusRecord("c", 0, away))
    assert value is not None
    assert value.endswith(b',"version":null,"outage":{"since":"a","reason":"b","next_try":"c"}}')


def test_so_is_a_restart_to_come() -> None:
    failed = StoredStatus(State.FAILED, "h:8083", 3, "it broke", restart=Restart(2, "soon"))
    _, value = encode(TaskStatusRecord("c", 0, failed))
    assert value is not None
    assert value.endswith(b',"version":null,"restart":{"failures":2,"next_try":"soon"}}')


@given(records())
def test_what_is_written_is_read_again(record: StatusRecord) -> None:
    assert decode(*encode(record)) == record


RUNS = b'{"state":"RUNNING","trace":null,"worker_id":"h:8083","generation":3}'


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("status-connector-", RUNS),
        ("status-task-c", RUNS),
        ("status-task-c-x", RUNS),
        ("status-other-c", RUNS),
        ("status-connector-c", b"{"),
        ("status-connector-c", b"null"),
        ("status-connector-c", RUNS.replace(b"RUNNING", b"nonsense")),
        ("status-connector-c", RUNS.replace(b"3", b'"3"')),
        ("status-connector-c", RUNS.replace(b"3", b"3.0")),
        ("status-connector-c", RUNS.replace(b"null", b"7")),
        ("status-topic-t:other-c", b"{}"),
        ("status-topic-t:connector-", None),
        ("status-topic-:connector-c", None),
        ("status-topic-t", None),
        ("status-topic-t:connector-c", b'{"topic":{"name":"t","connector":"c","task":0}}'),
    ],
)
def test_what_no_worker_can_have_meant_is_passed_over(key: str, value: bytes | None) -> None:
    assert decode(key.encode(), value) is None


def test_a_status_of_a_worker_that_knew_no_versions_is_read() -> None:
    assert decode(b"status-connector-c", RUNS) == ConnectorStatusRecord("c", status(State.RUNNING))


def test_destroyed_is_gone() -> None:
    gone = RUNS.replace(b"RUNNING", b"DESTROYED")
    assert decode(b"status-connector-c", gone) == ConnectorStatusRecord("c", None)
    assert decode(b"status-task-c-0", gone) == TaskStatusRecord("c", 0, None)


@given(
    st.sampled_from(["status-connector-", "status-task-a-", "status-topic-", ""]),
    st.none() | st.binary(max_size=8),
    st.none() | st.binary(max_size=30),
)
def test_no_bytes_are_too_odd_to_be_read(prefix: str, rest: bytes | None, value: bytes | None) -> None:
    decode(None if rest is None else prefix.encode() + rest, value)


# What they add up to.


def folded(*log: StatusRecord) -> Statuses:
    found = Statuses()
    for record in log:
        found.apply(record)
    return found


def task(state: State, generation: int = 3) -> TaskStatusRecord:
    return TaskStatusRecord("c", 0, status(state, "h:8083", generation))


def test_the_last_record_holds() -> None:
    log: list[StatusRecord] = [
        task(State.RUNNING),
        task(State.FAILED),
        TopicUseRecord("c", "t", TopicUse(0, 1)),
        ConnectorStatusRecord("c", status(State.PAUSED)),
    ]
    found = folded(*log)
    assert found.tasks("c") == {0: status(State.FAILED)}
    assert found.connector("c") == status(State.PAUSED)
    assert found.topics("c") == {"t": TopicUse(0, 1)}
    assert found.connectors() == ["c"]
    assert (
        folded(*log, TaskStatusRecord("c", 0, None), TopicUseRecord("c", "t", None), ConnectorStatusRecord("c", None))
        == Statuses()
    )


@pytest.mark.parametrize(("generation", "holds"), [(2, State.RUNNING), (3, State.RUNNING), (4, State.UNASSIGNED)])
def test_a_former_owner_that_is_late_does_not_unassign_a_running_task(generation: int, holds: State) -> None:
    found = folded(task(State.RUNNING, 3), task(State.UNASSIGNED, generation))
    assert found.tasks("c")[0].state is holds


def test_only_a_running_task_is_guarded_against_late_records() -> None:
    assert folded(task(State.PAUSED), task(State.UNASSIGNED, 2)).tasks("c")[0].state is State.UNASSIGNED
    assert folded(task(State.RUNNING), task(State.FAILED, 2)).tasks("c")[0].state is State.FAILED
    connector: list[StatusRecord] = [
        ConnectorStatusRecord("c", status(state, generation=at))
        for state, at in [(State.RUNNING, 3), (State.UNASSIGNED, 2)]
    ]
    assert folded(*connector).connector("c") == status(State.UNASSIGNED, generation=2)


Spoken = ConnectorStatusRecord | TaskStatusRecord


@pytest.mark.parametrize(
    ("worker", "generation", "may"), [("me", 1, True), ("other", 2, False), ("other", 3, True), ("other", 4, True)]
)
def test_a_worker_speaks_safely_of_its_own_or_in_a_generation_that_is_not_older(
    worker: str, generation: int, may: bool
) -> None:
    pairs: list[tuple[Spoken, Spoken]] = [
        (
            TaskStatusRecord("c", 0, status(State.RUNNING, "me", 3)),
            TaskStatusRecord("c", 0, status(State.FAILED, worker, generation)),
        ),
        (
            ConnectorStatusRecord("c", status(State.RUNNING, "me", 3)),
            ConnectorStatusRecord("c", status(State.FAILED, worker, generation)),
        ),
    ]
    for known, new in pairs:
        assert folded(known).may_put(new) is may
        assert Statuses().may_put(new)


def test_what_is_known_of_what_there_is_not_is_found() -> None:
    found, status = Statuses(), StoredStatus(State.RUNNING, "w", 1)
    for name in ("gone", "fewer", "same"):
        found.apply(ConnectorStatusRecord(name, status))
        for number in (3, 1, 0):
            found.apply(TaskStatusRecord(name, number, status))
    found.apply(TopicUseRecord("topics alone", "t", TopicUse(0, 1)))
    known = {"fewer": 1, "same": 4, "new": 2}
    assert found.besides(known) == [("fewer", [1, 3]), ("gone", [0, 1, 3]), ("topics alone", [])]


@given(st.lists(records(st.sampled_from(["a", "b"])), max_size=30), st.randoms())
def test_partitions_may_be_read_in_any_order(log: Sequence[StatusRecord], chance: object) -> None:
    by_key: dict[bytes, list[StatusRecord]] = {}
    for record in log:
        by_key.setdefault(encode(record)[0], []).append(record)
    keys = sorted(by_key)
    chance.shuffle(keys)  # type: ignore[attr-defined]
    assert folded(*(record for key in keys for record in by_key[key])) == folded(*log)
