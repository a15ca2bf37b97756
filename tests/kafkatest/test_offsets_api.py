"""What OffsetsApiIntegrationTest asks of a worker: offsets shown, altered and forgotten over REST."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from tests.kafkatest.configs import sink, source
from tests.kafkatest.connect import Config, Connect
from tests.running import create_topic, produce, until

RECORDS = 10
ALTERED = "The offsets for this connector have been altered successfully"
ALTERED_HERE = (
    "The Connect framework-managed offsets for this connector have been altered successfully. However, if this "
    "connector manages offsets externally, they will need to be manually altered in the system that the connector "
    "uses."
)
RESET_HERE = ALTERED_HERE.replace("altered", "reset")
Offset = Mapping[str, Any]


def entry(partition: Offset, offset: Offset | None) -> dict[str, Any]:
    return {"partition": partition, "offset": offset}


def of_sink(topic: str, partition: int, offset: int | None) -> dict[str, Any]:
    at = {"kafka_topic": topic, "kafka_partition": partition}
    return entry(at, None if offset is None else {"kafka_offset": offset})


def of_source(name: str, task: int, saved: int) -> dict[str, Any]:
    return entry({"task.id": f"{name}-{task}"}, {"saved": saved})


def counting(name: str, up_to: int = RECORDS, **more: str) -> Config:
    """A source that stops counting, as fast as it can."""
    return source(name, throughput="-1", max_messages=str(up_to), **more)


def moved(connect: Connect, name: str, offsets: list[dict[str, Any]]) -> str:
    """The message of an alteration that succeeds, once the tasks' consumers have left their group."""
    return settled(connect, name, "PATCH", {"offsets": offsets})


def settled(connect: Connect, name: str, method: str, body: Any = None) -> str:
    """The message of a request on offsets, once it is no longer refused since tasks are not gone yet."""

    def tried() -> bool:
        answer = connect.ask(method, f"/connectors/{name}/offsets", body)
        answers.append(str(answer.json()["message"]))
        if answer.status_code == 500:
            assert "operation can be safely retried" in answers[-1]
        else:
            assert answer.status_code == 200, answers[-1]
        return answer.status_code == 200

    answers: list[str] = []
    until(tried)
    return answers[-1]


def stand_at(connect: Connect, name: str, expected: list[dict[str, Any]]) -> None:
    """Waits until the offsets of a connector are these."""
    found: list[Any] = []

    def there() -> bool:
        found[:] = sorted(connect.offsets(name), key=lambda each: json.dumps(each["partition"], sort_keys=True))
        return found == expected

    try:
        until(there)
    except AssertionError:
        raise AssertionError(f"{found} instead of {expected}") from None


def sink_stands_at(connect: Connect, name: str, offset: int, partitions: range) -> None:
    stand_at(connect, name, [of_sink(name, number, offset) for number in partitions])


def source_stands_at(connect: Connect, name: str, saved: int) -> None:
    stand_at(connect, name, [of_source(name, number, saved) for number in range(2)])


def fill(kafka: str, topic: str, partitions: int) -> None:
    """As many records into each partition."""
    for number in range(partitions):
        produce(kafka, topic, [b"value"] * RECORDS, [b"key"] * RECORDS, number)


def groups(kafka: str) -> set[str]:
    admin = AdminClient({"bootstrap.servers": kafka})
    return {each.group_id for each in admin.list_consumer_groups().result().valid}


@pytest.fixture
def sinks(request: pytest.FixtureRequest, where: str, kafka: str, unique: str) -> tuple[str, Config]:
    """A sink's cluster and config; by another name is with a group of its own."""
    if where == "by another name":
        return kafka, sink(unique, consumer_override_group_id=f"{unique}-group")
    if where == "another cluster":
        other = request.getfixturevalue("other_kafka")
        return other, sink(unique, consumer_override_bootstrap_servers=other, admin_override_bootstrap_servers=other)
    return kafka, sink(unique)


@pytest.fixture
def counts(request: pytest.FixtureRequest, where: str, unique: str) -> Config:
    """A source's config; by another name is with an offsets topic of its own."""
    if where == "by another name":
        return counting(unique, offsets_storage_topic=f"{unique}-offsets")
    if where == "another cluster":
        other = request.getfixturevalue("other_kafka")
        return counting(unique, producer_override_bootstrap_servers=other, admin_override_bootstrap_servers=other)
    return counting(unique)


def right_group(kafka: str, config: Config, name: str) -> None:
    """The group that the config names is in use, and no other one."""
    chosen = config.get("consumer.override.group.id", f"connect-{name}")
    assert groups(kafka) & {chosen, f"connect-{name}"} == {chosen}


def test_offsets_of_a_connector_that_is_not_there_are_neither_shown_nor_altered(connect: Connect) -> None:
    connect.refused(404, "GET", "/connectors/nobody/offsets")
    connect.refused(404, "PATCH", "/connectors/nobody/offsets", {"offsets": [entry({}, {})]})
    connect.refused(404, "DELETE", "/connectors/nobody/offsets")


def test_a_sinks_offsets_are_shown_as_it_catches_up(connect: Connect, sinks: tuple[str, Config], unique: str) -> None:
    kafka, config = sinks
    create_topic(kafka, unique, 5)
    fill(kafka, unique, 5)
    connect.configure(unique, config)
    connect.runs(unique, 2)
    sink_stands_at(connect, unique, RECORDS, range(5))
    fill(kafka, unique, 5)
    sink_stands_at(connect, unique, 2 * RECORDS, range(5))
    right_group(kafka, config, unique)


def test_a_sources_offsets_are_shown_as_it_goes_on(connect: Connect, counts: Config, unique: str) -> None:
    connect.configure(unique, counts)
    connect.runs(unique, 2)
    source_stands_at(connect, unique, RECORDS)
    connect.configure(unique, {**counts, "max.messages": str(2 * RECORDS)})
    source_stands_at(connect, unique, 2 * RECORDS)


def test_offsets_are_altered_only_while_the_connector_is_stopped(connect: Connect, unique: str) -> None:
    connect.configure(unique, counting(unique))
    connect.runs(unique, 2)
    wanted = {"offsets": [of_source(unique, number, 5) for number in range(2)]}
    for method, body in (("PATCH", wanted), ("DELETE", None)):
        running = connect.refused(400, method, f"/connectors/{unique}/offsets", body)
        assert running.startswith("Connectors must be in the STOPPED state before their offsets can be modified.")
    connect.pause(unique)
    connect.is_paused(unique, 2)
    assert connect.refused(400, "PATCH", f"/connectors/{unique}/offsets", wanted) == running


def test_a_stopped_sinks_offsets_are_altered_and_it_goes_on_from_there(
    connect: Connect, sinks: tuple[str, Config], unique: str
) -> None:
    kafka, config = sinks
    create_topic(kafka, unique, 3)
    fill(kafka, unique, 3)
    connect.configure(unique, config)
    connect.runs(unique, 2)
    sink_stands_at(connect, unique, RECORDS, range(3))
    connect.stop(unique)
    connect.is_stopped(unique)

    wanted = [of_sink(unique, 0, None), of_sink(unique, 1, 5), of_sink(unique, 2, 5)]
    assert moved(connect, unique, wanted) == ALTERED_HERE
    sink_stands_at(connect, unique, 5, range(1, 3))

    connect.configure(unique, {**config, "alter.offsets.result": "true"})
    assert moved(connect, unique, [of_sink(unique, 1, 3), of_sink(unique, 2, 3)]) == ALTERED
    sink_stands_at(connect, unique, 3, range(1, 3))

    connect.resume(unique)
    connect.runs(unique, 2)
    sink_stands_at(connect, unique, RECORDS, range(3))
    until(lambda: len(connect.obtained(unique)) == 3 * RECORDS + RECORDS + 2 * (RECORDS - 3), what="the records again")
    right_group(kafka, config, unique)


def test_a_stopped_sinks_offsets_are_forgotten_twice_and_it_begins_anew(
    connect: Connect, sinks: tuple[str, Config], unique: str
) -> None:
    kafka, config = sinks
    create_topic(kafka, unique, 3)
    fill(kafka, unique, 3)
    connect.configure(unique, config)
    connect.runs(unique, 2)
    sink_stands_at(connect, unique, RECORDS, range(3))
    connect.stop(unique)
    connect.is_stopped(unique)
    for _ in range(2):
        assert settled(connect, unique, "DELETE") == RESET_HERE
        stand_at(connect, unique, [])
    connect.resume(unique)
    connect.runs(unique, 2)
    sink_stands_at(connect, unique, RECORDS, range(3))
    until(lambda: len(connect.obtained(unique)) == 6 * RECORDS, what="the records again")
    right_group(kafka, config, unique)


def test_a_stopped_sources_offsets_are_altered_and_it_goes_on_from_there(
    connect: Connect, counts: Config, unique: str
) -> None:
    connect.configure(unique, counts)
    connect.runs(unique, 2)
    source_stands_at(connect, unique, RECORDS)
    connect.stop(unique)
    connect.is_stopped(unique)
    assert moved(connect, unique, [of_source(unique, number, 5) for number in range(2)]) == ALTERED_HERE
    source_stands_at(connect, unique, 5)
    connect.configure(unique, {**counts, "alter.offsets.result": "true"})
    assert moved(connect, unique, [of_source(unique, number, 7) for number in range(2)]) == ALTERED
    source_stands_at(connect, unique, 7)
    connect.resume(unique)
    connect.runs(unique, 2)
    source_stands_at(connect, unique, RECORDS)


def test_a_stopped_sources_offsets_are_forgotten_twice_and_it_begins_anew(
    connect: Connect, counts: Config, unique: str
) -> None:
    connect.configure(unique, counts)
    connect.runs(unique, 2)
    source_stands_at(connect, unique, RECORDS)
    connect.stop(unique)
    connect.is_stopped(unique)
    for _ in range(2):
        assert settled(connect, unique, "DELETE") == RESET_HERE
        stand_at(connect, unique, [])
    connect.resume(unique)
    connect.runs(unique, 2)
    source_stands_at(connect, unique, RECORDS)


LACKING = "Partitions / offsets need to be provided for an alter offsets request"
NO_PARTITION = "The partition for a sink connector offset cannot be null or missing"
AT = '{"kafka_topic": "test", "kafka_partition": 1}'
BAD_FOR_SINKS = {
    "{}": LACKING,
    '{"offsets": []}': LACKING,
    '{"offsets": [{}]}': NO_PARTITION,
    '{"offsets": [{"partition": null, "offset": null}]}': NO_PARTITION,
    '{"offsets": [{"partition": {}, "offset": null}]}': (
        "The partition for a sink connector offset must contain the keys 'kafka_topic' and 'kafka_partition'"
    ),
    '{"offsets": [{"partition": {"kafka_topic": "test", "kafka_partition": "not a number"}, "offset": null}]}': (
        "Partition values for sink connectors need to be integers"
    ),
    f'{{"offsets": [{{"partition": {AT}, "offset": {{}}}}]}}': (
        "The offset for a sink connector should either be null or contain the key 'kafka_offset'"
    ),
    f'{{"offsets": [{{"partition": {AT}, "offset": {{"kafka_offset": "not a number"}}}}]}}': (
        "Offset values for sink connectors need to be integers"
    ),
}
BAD_FOR_SOURCES = {
    "[]": (500, "Cannot deserialize value"),
    "{}": (400, LACKING),
    '{"key": []}': (500, "Unrecognized field"),
    '{"offsets": []}': (400, LACKING),
    '{"offsets": {}}': (500, "Cannot deserialize value"),
    '{"offsets": [123]}': (500, "Cannot construct instance"),
    '{"offsets": [{"key": "val"}]}': (500, "Unrecognized field"),
    '{"offsets": [{"partition": []]}]}': (500, "Cannot deserialize value"),
}


def test_a_sinks_offsets_are_refused_with_what_is_wrong_with_them(connect: Connect, unique: str) -> None:
    connect.create(unique, sink(unique), "STOPPED")
    connect.is_stopped(unique)
    for body, reason in BAD_FOR_SINKS.items():
        answer = connect.ask("PATCH", f"/connectors/{unique}/offsets", text=body)
        assert (answer.status_code, reason in answer.json()["message"]) == (400, True), f"{body}: {answer.text}"


def test_a_sources_offsets_are_refused_with_what_is_wrong_with_them(connect: Connect, unique: str) -> None:
    connect.create(unique, counting(unique), "STOPPED")
    connect.is_stopped(unique)
    for body, (status, reason) in BAD_FOR_SOURCES.items():
        answer = connect.ask("PATCH", f"/connectors/{unique}/offsets", text=body)
        assert (answer.status_code, reason in answer.json()["message"]) == (status, True), f"{body}: {answer.text}"
