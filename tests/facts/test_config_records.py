"""The config topic's records are bytes as Kafka Connect writes them, and any bytes are read or passed over."""

from typing import Any

import pytest
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
    decode,
    encode,
)
from ferryman.facts.states import TargetState
from tests.facts.histories import TEXTS, records

BYTES: list[tuple[ConfigRecord, str, str | None]] = [
    (
        ConnectorConfig("c1", {"name": "c1", "tasks.max": "1"}),
        "connector-c1",
        '{"properties":{"name":"c1","tasks.max":"1"}}',
    ),
    (ConnectorConfig("c1", None), "connector-c1", None),
    (TaskConfig("a-b", 10, {"k": 'é"\x01'}), "task-a-b-10", '{"properties":{"k":"é\\"\\u0001"}}'),
    (TasksCommit("c1", 2), "commit-c1", '{"tasks":2}'),
    (TargetStateRecord("c1", TargetState.STOPPED), "target-state-c1", '{"state":"PAUSED","state.v2":"STOPPED"}'),
    (TargetStateRecord("c1", TargetState.RUNNING), "target-state-c1", '{"state":"STARTED","state.v2":"STARTED"}'),
    (TargetStateRecord("c1", None), "target-state-c1", None),
    (TasksFencing("c1", 2), "tasks-fencing-c1", '{"task-count":2}'),
    (RestartRequest("c1", True, False), "restart-connector-c1", '{"include-tasks":true,"only-failed":false}'),
    (
        SessionKey(b"\x01\x02", "HmacSHA256", 1700000000123),
        "session-key",
        '{"key":"AQI=","algorithm":"HmacSHA256","creation-timestamp":1700000000123}',
    ),
    (LoggerLevel("org.apache", "DEBUG"), "logger-cluster-org.apache", '{"level":"DEBUG"}'),
]


@pytest.mark.parametrize(("record", "key", "value"), BYTES)
def test_a_record_has_the_bytes_that_kafka_connect_writes(record: ConfigRecord, key: str, value: str | None) -> None:
    assert encode(record) == (key.encode(), None if value is None else value.encode())


@given(records(names=TEXTS, tasks=st.integers(0, 2**31 - 1)))
def test_what_is_written_is_read_again(record: ConfigRecord) -> None:
    assert decode(*encode(record)) == record


def read(key: str, value: str | None) -> Any:
    return decode(key.encode(), None if value is None else value.encode())


@pytest.mark.parametrize(
    ("content", "target"),
    [
        ('{"state":"PAUSED"}', TargetState.PAUSED),
        ('{"state":"PAUSED","state.v2":7}', TargetState.PAUSED),
        ('{"state":"PAUSED","state.v2":null}', TargetState.PAUSED),
        ('{"state":"nonsense","state.v2":"STARTED"}', TargetState.RUNNING),
    ],
)
def test_the_target_that_older_workers_wrote_counts_where_there_is_no_newer(content: str, target: TargetState) -> None:
    assert read("target-state-c", content) == TargetStateRecord("c", target)


@pytest.mark.parametrize("content", ["[]", "{}", '{"include-tasks":1,"only-failed":"true"}'])
def test_a_restart_without_valid_flags_is_one_of_the_connector_alone(content: str) -> None:
    expected = RestartRequest("c", include_tasks=False, only_failed=False)
    assert read("restart-connector-c", content) == (
        expected if content.startswith("{") else read("restart-connector-c", "1")
    )
    assert isinstance(read("restart-connector-c", None), Ignored)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("somebody-else", '{"properties":{}}'),
        ("session-key-2", '{"key":"AQI=","algorithm":"a","creation-timestamp":1}'),
        ("session-key", '{"key":"?","algorithm":"a","creation-timestamp":1}'),
        ("session-key", '{"key":"","algorithm":"a","creation-timestamp":1}'),
        ("session-key", '{"key":"AQI=","algorithm":"a","creation-timestamp":1.5}'),
        ("session-key", None),
        ("connector-c", '{"properties":[]}'),
        ("connector-c", '{"properties":{"a":{}}}'),
        ("connector-c", "7"),
        ("task-c", '{"properties":{}}'),
        ("task-c-x", '{"properties":{}}'),
        ("task-c-0", None),
        ("commit-c", '{"tasks":"2"}'),
        ("commit-c", '{"tasks":true}'),
        ("commit-c", None),
        ("target-state-c", '{"state":"nonsense"}'),
        ("target-state-c", '{"state":"PAUSED","state.v2":"nonsense"}'),
        ("tasks-fencing-c", "{}"),
        ("logger-cluster-l", '{"level":null}'),
        ("logger-cluster-l", None),
    ],
)
def test_what_no_worker_can_have_meant_is_ignored_and_counts_as_read(key: str, value: str | None) -> None:
    found = read(key, value)
    assert isinstance(found, Ignored)
    assert found.key == key


@pytest.mark.parametrize("value", ["{", "nonsense", '{"tasks":}'])
def test_what_is_no_json_is_passed_over(value: str) -> None:
    assert read("commit-c", value) is None
    assert decode(None, b"{}") is None


def test_properties_that_are_no_texts_become_texts_and_nulls_are_left_out() -> None:
    found = read("connector-c", '{"properties":{"a":1,"b":true,"c":null,"d":1.0E10}}')
    assert found == ConnectorConfig("c", {"a": "1", "b": "true", "d": "1.0E10"})


@given(
    st.sampled_from(
        [
            "connector-",
            "task-",
            "task-a-",
            "commit-",
            "session-key",
            "target-state-",
            "restart-connector-",
            "tasks-fencing-",
            "logger-cluster-",
            "",
        ]
    ),
    st.none() | st.binary(max_size=8),
    st.none() | st.binary(max_size=30) | st.sampled_from([b"[" * 100_000, b"1" * 20_000, b'{"tasks":1e999999999}']),
)
def test_no_bytes_are_too_odd_to_be_read(prefix: str, rest: bytes | None, value: bytes | None) -> None:
    decode(None if rest is None else prefix.encode() + rest, value)


def test_nothing_secret_is_in_what_a_record_is_printed_as() -> None:
    for record in (ConnectorConfig("c", {"k": "hush"}), TaskConfig("c", 0, {"k": "hush"}), SessionKey(b"hush", "a", 1)):
        assert "hush" not in repr(record)
