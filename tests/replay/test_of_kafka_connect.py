"""Dead letters that Kafka Connect's own class has written: shown, chosen, and replayed by sinks of ours, each once."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from ferryman.stack import Stack
from ferryman.stack.servers.mailbox import Mailbox
from tests.connectors.s3.s3_task import World
from tests.reliability.flows import tolerant
from tests.reliability.test_email import copies, email_sink
from tests.replay.jvm_letters import Refused, write
from tests.replay.test_into_a_table import done, replay, row, shown
from tests.replay.test_into_s3 import LOST, sink, written
from tests.running import Worker, consume, create_topic, until

NULLS = "report.null.values.to.dlq"
FORMATS = ("parquet", "avro", "json")
JSON = "org.apache.kafka.connect.json.JsonConverter"


@pytest.fixture
def systems(unique: str) -> Iterator[tuple[World, Stack]]:
    """A bucket and a mail server of the test's own."""
    with Stack(("s3", "mail")) as stack:
        yield World(stack.addresses["s3"], unique), stack


def refused(name: str, gone: str) -> list[Refused]:
    """With and without a key, a tombstone, of a topic that is gone, and one that failed at another stage."""
    own = [("trace-id", b"\xfe"), ("none", None)]
    return [
        Refused(name, row(0), b'"k"', offset=7, headers=own),
        Refused(name, row(1), None, partition=2, offset=7),
        Refused(name, None, b'"k"', offset=9),
        Refused(name, row(2), b"2", topic=gone, offset=7),
        Refused(name, row(3), b"3", offset=2**53 + 1, stage="TRANSFORMATION", message='Invalid value for field: "id"'),
    ]


def letter(worker: Worker, name: str, id: str) -> Any:
    return worker.call("GET", f"/connectors/{name}/dead-letters/{id}", expect=200)


def test_they_are_shown_and_go_into_objects_and_mails_once_though_topics_are_gone_and_connectors_share_a_topic(
    running: Worker, kafka: str, systems: tuple[World, Stack], unique: str
) -> None:
    bucket, stack = systems
    dead, names = f"{unique}-dlq", {form: f"{unique}-{form}" for form in FORMATS}
    for name in names.values():
        create_topic(kafka, name)
    mails = f"{unique}-mail"
    create_topic(kafka, mails)
    bodies = [b'{"id": %d, "to": "backer%d@example.org"}' % (number, number) for number in range(2)]
    write(kafka, dead, [each for name in names.values() for each in refused(name, f"{unique}-gone")])
    write(kafka, dead, [Refused(mails, body, offset=at) for at, body in enumerate(bodies)])
    for form, name in names.items():
        config = sink(name, dead, bucket, form) | {"behavior.on.null.values": "ignore", NULLS: "false"}
        running.create({key: value for key, value in config.items() if key not in LOST})
    running.create(email_sink(mails, stack) | tolerant(dead) | {"value.converter.schemas.enable": "false"})

    name = names["json"]
    ids = sorted(shown(running, name), key=lambda each: int(each.partition("-")[2]))
    first, keyless, tombstone, gone, late = [letter(running, name, each) for each in ids]
    assert (first["origin"], first["connector"], first["task"]) == (
        {"topic": name, "partition": 0, "offset": 7},
        name,
        0,
    )
    assert (first["stage"], first["class"]) == ("VALUE_CONVERTER", JSON)
    assert first["exception"] == "org.apache.kafka.connect.errors.DataException"
    assert first["message"] == "it does not like this"
    assert first["trace"].startswith("org.apache.kafka.connect.errors.DataException: it does not like this\n")
    assert (first["timestamp"], first["attempts"], first["replayed"]) == (1_700_000_000_000, 0, None)
    assert first["headers"] == [{"key": "trace-id", "base64": "/g=="}, {"key": "none", "text": None}]
    assert (first["value"]["decoded"], first["key"]["text"]) == ({"id": 0, "n": 0}, '"k"')
    assert (keyless["key"], tombstone["value"], gone["origin"]["topic"]) == (None, None, f"{unique}-gone")
    assert (late["origin"]["offset"], late["field"]) == (2**53 + 1, "id")
    chosen = running.call("GET", f"/connectors/{name}/dead-letters?stage=TRANSFORMATION", expect=200)
    assert [each["id"] for each in chosen["letters"]] == [ids[-1]]

    runs = {}
    for form, each in names.items():
        told = replay(running, each, all=True, config={"topics.dir": f"aside/{form}"})
        assert (told["letters"], told["passed_over"], told["complete"]) == (5, {}, True)
        runs[form] = told["name"]
    run = replay(running, mails, all=True)
    assert run["letters"] == 2
    done(running, run["name"])
    until(lambda: sorted(copies(Mailbox(stack["mail"].directory), mails)) == [0, 1], what="the mails")
    assert all(len(each) == 1 for each in copies(Mailbox(stack["mail"].directory), mails).values())
    once = Counter(dict.fromkeys(range(4), 1))
    for form, each in runs.items():
        done(running, each)
        until(lambda: written(bucket, "aside", form) == once, what=f"the {form}")  # noqa: B023
        again = replay(running, names[form], 409, all=True, config={"topics.dir": f"again/{form}"})
        assert "There is no dead letter to replay" in again["message"]
    assert len(consume(kafka, dead)) == 17


def test_without_headers_they_are_of_whoever_reads_one_topic(
    running: Worker, kafka: str, unique: str, systems: tuple[World, Stack]
) -> None:
    _, stack = systems
    create_topic(kafka, unique)
    bare = [Refused(unique, b'{"id": 1, "to": "backer1@example.org"}', b"k"), Refused(unique, None, b"gone")]
    write(kafka, f"{unique}-dlq", bare, says_why=False)
    running.create(email_sink(unique, stack) | tolerant(f"{unique}-dlq"))
    one = letter(running, unique, "0-0")
    assert (one["origin"], one["connector"], one["stage"], one["headers"]) == (None, None, None, [])
    assert one["value"]["decoded"]["id"] == 1
    run = replay(running, unique, letters=["0-0"])
    done(running, run["name"])
    until(lambda: copies(Mailbox(stack["mail"].directory), unique).keys() == {1}, what="the mail")
    assert "already; again=true" in replay(running, unique, 409, letters=["0-0"])["message"]


def test_to_a_topic_that_is_gone_they_go_where_the_broker_makes_topics_as_anybodys_records(
    running: Worker, kafka: str, unique: str
) -> None:
    create_topic(kafka, unique)
    gone = f"{unique}-gone"
    write(
        kafka, f"{unique}-dlq", [Refused(unique, b"1", topic=gone), Refused(unique, b"2", None), Refused(unique, None)]
    )
    config = {"name": unique, "connector.class": "FileStreamSink", "topics": f"{unique},{unique}-too"}
    running.create(config | tolerant(f"{unique}-dlq"))
    told = replay(running, unique, 200, all=True, to_topic=True)
    assert (told["letters"], told["passed_over"]) == (3, {})
    assert [each.value() for each in consume(kafka, gone)] == [b"1"]
    assert [(each.key(), each.value()) for each in consume(kafka, unique)] == [(None, b"2"), (None, None)]
