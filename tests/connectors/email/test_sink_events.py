"""EmailSent: an event for each message, as JSON or Avro, and none that speaks of a message that did not leave."""

import json
from collections.abc import Iterator

import httpx
import pytest
from confluent_kafka import Message

from ferryman.chain import builder
from ferryman.errors import RetriableError
from ferryman.stack import Stack
from ferryman.stack.servers.mailbox import Answer
from tests.connectors.email.email_task import batch, pledge, world
from tests.connectors.sink_world import Killed
from tests.running import consume, create_topic

PLEDGES = [pledge(number) for number in range(6)]


@pytest.fixture(scope="module")
def mail() -> Iterator[Stack]:
    with Stack(("mail",)) as stack:
        yield stack


def events(kafka: str, topic: str) -> list[dict[str, object]]:
    """The events of a topic, by offset."""
    found = [json.loads(message.value() or b"") for message in consume(kafka, topic)]
    return sorted(found, key=lambda event: int(event["offset"]))


def told(kafka: str, topic: str, **more: str) -> dict[str, str]:
    """The config that asks for events."""
    return {
        "event.topic": topic,
        "event.bootstrap.servers": kafka,
        "event.value.converter.schemas.enable": "false",
        **more,
    }


def test_each_message_has_an_event_that_tells_what_became_of_it(mail: Stack, kafka: str, unique: str) -> None:
    create_topic(kafka, unique)
    with world(mail) as around:
        around.config = told(kafka, unique)
        around.put(*PLEDGES)
        around.end()
        found = events(kafka, unique)
        assert [event["message_id"] for event in found] == sorted(kept.id for kept in around.mails())
    first = found[0]
    assert first["outcome"] == "sent"
    assert first["recipients"] == ["ada@example.org"]
    assert first["sender"] == "crowd@example.org"
    assert first["subject"] == "Pledge 0"
    assert (first["connector"], first["topic"], first["partition"], first["offset"]) == ("receipts", "pledges", 0, 0)
    assert "250" in str(first["answer"])


def test_events_are_keyed_by_message_id(mail: Stack, kafka: str, unique: str) -> None:
    create_topic(kafka, unique)
    with world(mail) as around:
        around.config = told(kafka, unique)
        around.put(PLEDGES[0])
        around.end()
        (event,) = consume(kafka, unique)
        assert (event.key() or b"").decode() == around.mails()[0].id


def test_events_are_avro_of_a_registered_schema_if_wanted(mail: Stack, kafka: str, registry: str, unique: str) -> None:
    create_topic(kafka, unique)
    avro = {"event.value.converter": "io.confluent.connect.avro.AvroConverter"}
    own = {"event.value.converter.schema.registry.url": registry}
    with world(mail) as around:
        around.config = {"event.topic": unique, "event.bootstrap.servers": kafka, **avro, **own}
        around.put(*PLEDGES)
        around.end()
    raw = {name.removeprefix("event."): value for name, value in {**avro, **own}.items()}
    converter = builder.converter("value", raw, {})
    payloads = [_payload(message) for message in consume(kafka, unique)]
    rows = [row for data in converter.to_data(unique, payloads) for row in data.rows().values]
    assert sorted(row["offset"] for row in rows) == list(range(6))
    latest = httpx.get(f"{registry}/subjects/{unique}-value/versions/latest").json()
    assert json.loads(latest["schema"])["name"] == "EmailSent"


def _payload(message: Message) -> bytes:
    return message.value() or b""


def test_a_message_that_is_refused_has_no_event(mail: Stack, kafka: str, unique: str) -> None:
    create_topic(kafka, unique)
    with world(mail) as around:
        around.config = told(kafka, unique)
        around.mailbox.answer(Answer("rcpt", "550 5.1.1 nobody", address="bad@example.org"))
        around.put(PLEDGES[0], pledge(1, "bad@example.org"), pledge(2, "no address"), PLEDGES[3])
        around.end()
        assert [event["offset"] for event in events(kafka, unique)] == [0, 3]


@pytest.mark.parametrize(("behavior", "outcome"), [("resend", "resent"), ("skip", "skipped")])
def test_what_became_of_a_message_in_doubt_is_told(
    mail: Stack, kafka: str, unique: str, behavior: str, outcome: str
) -> None:
    create_topic(kafka, unique)
    with world(mail) as around:
        around.config = told(kafka, unique, **{"behavior.on.in.doubt": behavior, "max.in.flight": "3"})
        around.begin()
        around.die_at = "email.after_commit", 2
        with pytest.raises(Killed):
            around.put(*PLEDGES)
        around.kill()
        around.again(PLEDGES)
    outcomes = {int(str(event["offset"])): event["outcome"] for event in events(kafka, unique)}
    assert sorted(outcomes) == list(range(6))
    assert set(outcomes.values()) == {"sent", outcome}


def test_a_registry_that_is_away_holds_the_commit_back_and_repeats_no_message(
    mail: Stack, kafka: str, unique: str
) -> None:
    create_topic(kafka, unique)
    with Stack(("registry",)) as stack, world(mail) as around:
        around.config = {
            "event.topic": unique,
            "event.bootstrap.servers": kafka,
            "event.value.converter": "io.confluent.connect.avro.AvroConverter",
            "event.value.converter.schema.registry.url": stack.addresses["registry"],
        }
        stack["registry"].stop()
        around.try_put(batch(PLEDGES[:3]))
        with pytest.raises(RetriableError):
            around.commit()
        assert around.committed is not None
        assert around.committed.offset == 0
        stack["registry"].start()
        around.commit()
        assert around.committed.offset == 3
        around.end()
        assert len(around.mails()) == 3
    assert len(consume(kafka, unique)) == 3
