"""Topics of letters that are unusual: made anew, stamped by the broker, with gaps, of several, without headers."""

from pathlib import Path
from typing import Any

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from tests.replay.test_elsewhere import sink
from tests.replay.test_into_a_table import done, letters, replay, shown
from tests.running import Worker, consume, create_topic, produce, until

TEXT: dict[str, str | None] = {
    "value.converter": "org.apache.kafka.connect.storage.StringConverter",
    "value.converter.schemas.enable": None,
}


def into(file: Path) -> dict[str, str | None]:
    """What a run has otherwise than the live connector, so that it writes text to another file."""
    return {**TEXT, "file": str(file)}


def test_marks_are_of_the_topic_that_was_there_and_not_of_its_namesake(
    running: Worker, kafka: str, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique)
    running.create(sink(unique, tmp_path / "live"))
    produce(kafka, unique, [b"one", b"two"])
    letters(kafka, unique, 2)
    done(running, replay(running, unique, all=True, config=into(tmp_path / "first"))["name"])
    running.call("PUT", f"/connectors/{unique}/stop", expect=204)
    until(lambda: running.states(unique) == ["STOPPED"], what="the connector to stop")
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.delete_topics([f"{unique}-dlq"])[f"{unique}-dlq"].result()
    until(lambda: f"{unique}-dlq" not in admin.list_topics(timeout=60).topics, what="the topic to go")
    assert "has written no dead letters" in replay(running, unique, 404, all=True)["message"]
    create_topic(kafka, f"{unique}-dlq")
    produce(kafka, unique, [b"three", b"four"])
    running.call("PUT", f"/connectors/{unique}/resume", expect=202)
    until(lambda: list(shown(running, unique)) == ["0-1", "0-0"], what="letters of the same ids")
    assert {each["replayed"] for each in shown(running, unique).values()} == {None}
    done(running, replay(running, unique, all=True, config=into(tmp_path / "second"))["name"])
    assert (tmp_path / "first").read_bytes() == b"one\ntwo\n"
    assert (tmp_path / "second").read_bytes() == b"three\nfour\n"


def test_of_letters_that_the_broker_stamps_with_gaps_between_them_each_record_goes_once(
    running: Worker, kafka: str, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique)
    create_topic(kafka, f"{unique}-dlq", message_timestamp_type="LogAppendTime")
    running.create(sink(unique, tmp_path / "live"))
    running.create(sink(f"{unique}-other", tmp_path / "other") | {"topics": unique, DEAD: f"{unique}-dlq"})
    produce(kafka, unique, [b"one", b"two"])
    letters(kafka, unique, 4)
    again(kafka, f"{unique}-dlq", [found for found in consume(kafka, f"{unique}-dlq") if of(found) == unique])
    assert {each["connector"] for each in shown(running, unique).values()} == {unique}
    run = replay(running, unique, all=True, config=into(tmp_path / "first"))
    assert (run["letters"], run["passed_over"]) == (2, {"doubles": 2})
    done(running, run["name"])
    assert (tmp_path / "first").read_bytes() == b"one\ntwo\n"
    of_another = next(iter(shown(running, f"{unique}-other")))
    assert f"has no dead letter {of_another}" in replay(running, unique, 404, letters=[of_another])["message"]
    running.call("GET", f"/connectors/{unique}/dead-letters/{of_another}", expect=404)
    assert replay(running, f"{unique}-other", 200, all=True, to_topic=True, dry_run=True)["letters"] == 2


def of(letter: Any) -> str:
    return str(dict(letter.headers())["__connect.errors.connector.name"].decode())


def again(kafka: str, topic: str, found: list[Any]) -> None:
    """The same letters once more, each in a transaction, whose end takes an offset."""
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": topic})
    producer.init_transactions(60)
    for each in found:
        producer.begin_transaction()
        producer.produce(topic, each.value(), each.key(), headers=each.headers())
        producer.commit_transaction(60)


DEAD = "errors.deadletterqueue.topic.name"
HEADERS = "errors.deadletterqueue.context.headers.enable"


def test_letters_without_headers_are_shown_and_go_where_their_record_was_unless_that_cannot_be_known(
    running: Worker, kafka: str, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique)
    create_topic(kafka, f"{unique}-too")
    running.create(sink(unique, tmp_path / "live") | {"topics": f"{unique},{unique}-too", HEADERS: "false"})
    produce(kafka, unique, [b"one"])
    letters(kafka, unique, 1)
    found = running.call("GET", f"/connectors/{unique}/dead-letters/0-0")
    assert (found["value"]["text"], found["origin"], found["stage"]) == ("one", None, None)
    refused = replay(running, unique, 409, all=True, to_topic=True)["message"]
    assert "1 that do not say which topic their record was in" in refused
    assert f"{HEADERS}=true" in refused
    assert f"{HEADERS}=true" in replay(running, unique, 400, letters=["0-0"], to_topic=True)["message"]
    config = running.call("GET", f"/connectors/{unique}/config") | {"topics": unique}
    running.call("PUT", f"/connectors/{unique}/config", config, expect=200)
    done(running, replay(running, unique, all=True, config=into(tmp_path / "first"))["name"])
    assert (tmp_path / "first").read_bytes() == b"one\n"
