"""Records of the config and status topics against Kafka Connect's own stores: their bytes, and what they add up to."""

import json
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from ferryman.facts import config_records, statuses
from ferryman.facts.config_records import ConfigRecord, ConnectorConfig, TargetStateRecord
from ferryman.facts.fold import Facts
from ferryman.facts.statuses import (
    ConnectorStatusRecord,
    Statuses,
    StatusRecord,
    StoredStatus,
    TopicUse,
    TopicUseRecord,
)
from ferryman.record import Payload
from tests.differential.search import count, search
from tests.differential.stores import ConfigTopic, StatusTopic, our_status, ours
from tests.facts import histories, test_statuses

Raw = tuple[Payload, Payload]
NAMES = st.sampled_from(["a", "b-1", "ü"])
KEYS = [
    *("connector-a", "task-a-0", "task-a-1", "commit-a", "target-state-a", "tasks-fencing-a", "restart-connector-a"),
    *("session-key", "session-keys", "logger-cluster-a", "task-a", "task-a-", "task-a-0-", "task--0", "task-a-x", "x"),
]
VALUES: list[object] = [
    *(None, 7, [], {}, {"properties": {}}, {"properties": {"a": "1"}}, {"properties": 7}, {"properties": None}),
    *({"tasks": count} for count in (0, 1, 2, -1, 1.0, 2**31, 2**32 + 1, True, "1", None)),
    *({"task-count": count} for count in (0, 2, 2.0, 2**32 + 1, None)),
    *({"state": "PAUSED"}, {"state": "x"}, {"state": "x", "state.v2": "STOPPED"}, {"state": "STARTED", "state.v2": 1}),
    *({"state": "PAUSED", "state.v2": "x"}, {"state": "PAUSED", "state.v2": None}, {"state.v2": "STARTED"}),
    *({"include-tasks": True, "only-failed": 1}, {"level": "DEBUG"}, {"level": 1}),
    *({"key": key, "algorithm": "a", "creation-timestamp": 1} for key in ("AQI=", "AQI", "AQI==", "?", "", "A")),
    *({"key": "AQI=", "algorithm": "a", "creation-timestamp": at} for at in (1.0, "1", None, 2**63 - 1)),
]
ODD: st.SearchStrategy[Raw] = st.tuples(
    st.sampled_from(KEYS).map(str.encode),
    st.none()
    | st.sampled_from(VALUES).map(lambda value: json.dumps(value).encode())
    | st.sampled_from([b"{", b"", b" "]),
)


def test_the_config_topic_adds_up_to_what_it_does_to_kafka(long: bool) -> None:
    @search(150, long)
    @given(st.lists(histories.records().map(config_records.encode) | ODD, max_size=25))
    def run(log: Sequence[Raw]) -> None:
        theirs, facts = ConfigTopic(), Facts()
        count("config topic", len(log))
        for offset, (key, value) in enumerate(log):
            theirs.take(key, value, offset)
            record = config_records.decode(key, value)
            if record is not None:
                facts.apply(record, offset)
            assert theirs.known() == ours(facts), (key, value)

    run()


def test_config_records_are_the_bytes_that_kafka_writes(long: bool) -> None:
    theirs = ConfigTopic()

    @search(150, long)
    @given(histories.records(histories.TEXTS, st.integers(0, 1 << 30)))
    def run(record: ConfigRecord) -> None:
        count("config records", 1)
        _, value = config_records.encode(record)
        if not (isinstance(record, ConnectorConfig) and record.properties is None) and not (
            isinstance(record, TargetStateRecord) and record.target is None
        ):
            assert value == theirs.written(record)

    run()


STATUS_VALUES: list[object] = [
    *(None, 7, {}, {"state": "RUNNING"}, {"topic": {}}, {"topic": 7}),
    *({"state": state, "trace": None, "worker_id": "w", "generation": 1} for state in ("RUNNING", "FAILED", "x", 1)),
    *({"state": "RUNNING", "trace": trace, "worker_id": "w", "generation": 1} for trace in ("t", 1)),
    *({"state": "RUNNING", "worker_id": "w", "generation": generation} for generation in (2**32 + 1, 1.0, "1", None)),
    *({"topic": {"name": "t", "connector": "a", "task": task, "discoverTimestamp": 1}} for task in (0, 2**32 + 1, "0")),
]
STATUS_KEYS = [
    *(
        "status-connector-a",
        "status-connector-",
        "status-task-a-0",
        "status-task-a-0-",
        "status-task-a",
        "status-task--0",
    ),
    *("status-topic-t:connector-a", "status-topic-:connector-a", "status-topic-t:connector-", "status-topic-t", "x"),
]
STATUS_ODD: st.SearchStrategy[Raw] = st.tuples(
    st.sampled_from(STATUS_KEYS).map(str.encode),
    st.none() | st.sampled_from(STATUS_VALUES).map(lambda value: json.dumps(value).encode()) | st.just(b"{"),
)


def test_the_status_topic_adds_up_to_what_it_does_to_kafka(long: bool) -> None:
    @search(150, long)
    @given(st.lists(test_statuses.records(NAMES).map(statuses.encode) | STATUS_ODD, max_size=25))
    def run(log: Sequence[Raw]) -> None:
        theirs, known = StatusTopic(), Statuses()
        count("status topic", len(log))
        for key, value in log:
            record = statuses.decode(key, value)
            # Kafka's reader forgets the tasks with their connector. Theirs are keys in other partitions, which a
            # reader may come to later or earlier; their own tombstones are written first.
            if not (isinstance(record, ConnectorStatusRecord) and record.status is None):
                theirs.take(key, value)
                if record is not None:
                    known.apply(record)
        for name in ("a", "b-1", "ü", ""):
            assert our_status(known.connector(name)) == theirs.connector(name)
            assert [our_status(known.tasks(name).get(number)) for number in range(3)] == [
                theirs.task(name, number) for number in range(3)
            ]
            assert {topic: (use.task, use.discovered) for topic, use in known.topics(name).items()} == theirs.topics(
                name
            )

    run()


def test_status_records_are_the_bytes_that_kafka_writes(long: bool) -> None:
    theirs = StatusTopic()

    @search(150, long)
    @given(test_statuses.records())
    def run(record: StatusRecord) -> None:
        count("status records", 1)
        _, value = statuses.encode(record)
        match record:
            case TopicUseRecord(_, _, TopicUse()):
                assert value == theirs.written(record)
            case TopicUseRecord():
                pass
            case _ if isinstance(record.status, StoredStatus) and not (record.status.outage or record.status.restart):
                assert value == theirs.written(record)

    run()
