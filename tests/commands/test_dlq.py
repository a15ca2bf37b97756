"""`ferryman dlq` against a worker whose connectors refuse records, and letters of other workers beside theirs."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from ferryman.commands import main
from ferryman.commands.verbs.dlq.list import rendered
from ferryman.dead_letters import shown
from ferryman.dead_letters.groups import Groups
from ferryman.dead_letters.replay_state import ReplayStates
from tests.dead_letters.test_letter import JVM
from tests.dead_letters.test_letter import letter as read
from tests.reliability.flows import JSON, file_sink
from tests.running import Worker, consume, create_topic, produce, until


def dlq(worker: Worker, *words: str) -> Result:
    return CliRunner().invoke(main, ["dlq", *words, "--url", worker.url])


def done(result: Result) -> str:
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return result.stdout


def found(worker: Worker, *words: str) -> Any:
    return json.loads(done(dlq(worker, "list", *words, "--json")))


def refusing(name: str, letters: str, directory: Path) -> dict[str, str]:
    """A sink of JSON whose transform wants a number."""
    return file_sink(name, directory / f"{name}.txt") | {
        "topics": f"{name}-in",
        "value.converter": JSON,
        "value.converter.schemas.enable": "false",
        "transforms": "cast",
        "transforms.cast.type": "org.apache.kafka.connect.transforms.Cast$Value",
        "transforms.cast.spec": "amount:int32",
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": letters,
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.deadletterqueue.context.headers.enable": "true",
        "some.password": "canary-dlq-1",
    }


@pytest.fixture
def refused(running: Worker, tmp_path: Path, kafka: str, unique: str) -> str:
    """A connector that has refused six of its records, and its name."""
    create_topic(kafka, f"{unique}-in")
    values = [b'{"amount": "7"}', b'{"amount": "canary-dlq-1"}', b"{", b'{"amount": "x"}', b"\xff\x00", b"[", b"{{"]
    produce(kafka, f"{unique}-in", values, [b'"k"'] * len(values), headers=[("trace-id", b"\xfe"), ("who", "me")])
    running.create(refusing(unique, f"{unique}-dlq", tmp_path))
    until(lambda: len(consume(kafka, f"{unique}-dlq")) == 6, what="six letters")
    return unique


def test_letters_are_grouped_by_what_was_wrong_and_shown_one_by_one(running: Worker, refused: str) -> None:
    (groups,) = (found(running, refused)[refused]["groups"],)
    assert [(each["stage"], each["field"], each["letters"]) for each in groups] == [
        ("VALUE_CONVERTER", None, 4),
        ("TRANSFORMATION", "amount", 2),
    ]
    assert {each["connector"] for each in groups} == {refused}
    listed = done(dlq(running, "list", refused, "--letters", "10"))
    assert f"{refused}: 6 dead letters in {refused}-dlq" in listed
    assert listed.count(f"{refused}-in-0@") == 6
    shown = [done(dlq(running, "show", refused, f"0-{offset}")) for offset in range(6)]
    for text in shown:
        assert "trace-id: base64 /g==" in text
        assert "who: me" in text
        assert "\nkey\n" in text or "key: " in text or "\nkey, " in text
    by_record = {
        offset: text for text in shown for offset in range(7) if f"{refused}-in-0@{offset}\n" in _stripped(text)
    }
    assert sorted(by_record) == [1, 2, 3, 4, 5, 6]
    assert '"amount": "x"' in by_record[3]
    assert "error         java.lang" in by_record[3] or "org.apache.kafka" in by_record[3]
    assert "value, which cannot be decoded" in by_record[4]
    assert "base64 /wA=" in by_record[4]
    assert "canary" not in " ".join(line for text in shown for line in text.splitlines() if "message" in line)


def _stripped(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def test_what_cannot_be_known_of_letters_is_said_and_not_counted() -> None:
    groups = Groups()
    groups.add(read(JVM), ReplayStates({}, unread="no right to read").of(read(JVM)))
    found = shown.found(groups, 0, ReplayStates({}, unread="no right to read"))
    assert (found["count"], found["open"], found["groups"][0]["open"]) == (1, None, None)
    told = io.StringIO()
    answer = {"warehouse": {"topic": "dlq", "scanned": 1, "complete": True, **found}}
    Console(file=told, width=300).print(rendered(answer))
    assert "warehouse: 1 dead letters in dlq\n" in _stripped(told.getvalue())
    assert "Which of them were replayed is not known: no right to read" in told.getvalue()


def test_a_choice_lists_only_what_it_takes(running: Worker, refused: str) -> None:
    def count(*words: str) -> int:
        return int(found(running, refused, *words)[refused]["count"])

    assert count("--stage", "transformation") == 2
    assert count("--field", "amount") == 2
    assert count("--field", "nobody") == 0
    assert count("--exception", "DataException") <= 6
    assert count("--since", "2020-01-01T00:00:00Z") == 6
    assert count("--until", "2020-01-01T00:00:00Z") == 0
    newest = found(running, refused, "--scan", "2", "--letters", "1")[refused]
    assert (newest["scanned"], newest["complete"], len(newest["letters"])) == (2, False, 1)
    assert newest["letters"][0]["id"] == "0-5"
    assert "among the newest 2 of the topic" in done(dlq(running, "list", refused, "--scan", "2"))
    for words, text in (
        (("--since", "yesterday"), "since must be a time such as"),
        (("--scan", "99999999"), "scan must be a number from 0 to"),
    ):
        wrong = dlq(running, "list", refused, *words)
        assert (wrong.exit_code, text in wrong.stderr) == (1, True), wrong.output


def test_letters_of_kafka_connect_and_of_other_connectors_share_a_topic(
    running: Worker, refused: str, kafka: str
) -> None:
    letters = f"{refused}-dlq"
    theirs = [(f"__connect.errors.{key}", value.encode()) for key, value in JVM.items()]
    mine = [(key, refused.encode() if key.endswith("connector.name") else value) for key, value in theirs]
    produce(kafka, letters, [b'{"id": null}'], headers=theirs)
    produce(kafka, letters, [b'{"id": null}', None], [None, b"k"], headers=mine)
    produce(kafka, letters, [b"bare"])
    groups = found(running, refused)[refused]["groups"]
    assert sum(each["letters"] for each in groups) == 9
    assert {(each["connector"], each["field"]) for each in groups} >= {(refused, "id"), (None, None)}
    bare = json.loads(done(dlq(running, "show", refused, "0-9", "--json")))
    assert (bare["origin"], bare["message"], bare["value"]["text"]) == (None, None, "bare")
    told = json.loads(done(dlq(running, "show", refused, "0-8", "--json")))
    assert (told["value"], told["origin"]["offset"], told["field"]) == (None, 9007199254740993, "id")
    strange = dlq(running, "show", refused, "0-6")
    assert (strange.exit_code, "has no dead letter 0-6" in strange.stderr) == (1, True)


def test_letters_that_do_not_say_why_are_told_with_the_key_that_lets_them(
    running: Worker, kafka: str, tmp_path: Path, unique: str
) -> None:
    config = refusing(unique, f"{unique}-letters", tmp_path)
    running.create(config | {"errors.deadletterqueue.context.headers.enable": "false"})
    produce(kafka, f"{unique}-in", [b'{"amount":"much"}', b'{"amount":1}', b"{"])
    until(lambda: found(running, unique)[unique]["count"] == 2, 60, "the letters")
    told = dlq(running, "list", unique).stdout
    assert "2 of them do not say what was wrong" in told
    assert "errors.deadletterqueue.context.headers.enable=true" in told


def test_what_there_is_not_is_said(running: Worker, tmp_path: Path, unique: str) -> None:
    running.create(file_sink(f"{unique}-plain", tmp_path / "out.txt") | {"topics": unique})
    running.create(refusing(f"{unique}-new", f"{unique}-none-yet", tmp_path))
    everything = found(running)
    assert f"{unique}-plain" not in everything
    assert everything[f"{unique}-new"]["count"] == 0
    plain = dlq(running, "list", f"{unique}-plain")
    assert (plain.exit_code, "errors.deadletterqueue.topic.name is not set" in plain.stderr) == (1, True)
    for letter, text in (
        ("0-5", "has no dead letter 0-5"),
        ("7-0", "has no dead letter"),
        ("x", "write <partition>-<offset>"),
    ):
        missing = dlq(running, "show", f"{unique}-new", letter)
        assert (missing.exit_code, text in missing.stderr) == (1, True), missing.output
    unknown = dlq(running, "list", f"{unique}-nobody")
    assert (unknown.exit_code, "not found" in unknown.stderr) == (1, True)
