"""Replays by command, of sinks that suffer nobody beside them, and by any worker of a group."""

import json
import os
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from ferryman.commands import main
from tests.reliability.flows import JSON, file_sink
from tests.running import Worker, consume, create_topic, distributed, group, produce, until


def sink(name: str, file: Path) -> dict[str, str]:
    """A sink of JSON that was taken for text."""
    return file_sink(name, file) | {
        "value.converter": JSON,
        "value.converter.schemas.enable": "false",
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": f"{name}-dlq",
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.deadletterqueue.context.headers.enable": "true",
    }


def dlq(worker: Worker, *words: str) -> Result:
    return CliRunner().invoke(main, ["dlq", *words, "--url", worker.url])


def done(result: Result) -> str:
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return result.stdout


def count(worker: Worker, name: str) -> Any:
    return json.loads(done(dlq(worker, "list", name, "--json")))[name]["count"]


def test_letters_that_come_back_by_their_topic_are_counted_and_refused_at_the_limit_by_command_too(
    running: Worker, kafka: str, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique)
    running.create(sink(unique, tmp_path / "live.txt"))
    produce(kafka, unique, [b"plain"])
    for tried in range(2):
        until(lambda: count(running, unique) == tried + 1, what="the letter")  # noqa: B023
        found = json.loads(done(dlq(running, "show", unique, f"0-{tried}", "--json")))
        assert (found["attempts"], found["origin"]["offset"]) == (tried, 0 if tried == 0 else 2 * tried - 1)
        assert "1 dead letter" in done(dlq(running, "replay", unique, f"0-{tried}", "--to-topic"))
    until(lambda: count(running, unique) == 3, what="the letter that was tried twice")
    for more in (["--to-topic"], ["--run", f"{unique}-late", "--set", f"file={tmp_path / 'aside'}"]):
        tired = dlq(running, "replay", unique, "0-2", "--attempts", "2", *more)
        assert (tired.exit_code, "0-2 was replayed 2 times already" in tired.stderr) == (1, True), tired.output
    tired = dlq(running, "replay", unique, "--all", "--attempts", "2", "--to-topic")
    assert "1 that were replayed too often (attempts)" in tired.stderr


def test_any_worker_of_a_group_replays_into_another_file_what_its_converter_refused(
    kafka: str, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, [b"1", b"plain", b"text", b"2"])
    with group(tmp_path, distributed(kafka, unique), 2) as workers:
        workers[0].create(sink(unique, tmp_path / "live.txt"))
        until(lambda: count(workers[0], unique) == 2, what="two letters")
        refused = dlq(workers[1], "replay", unique, "--all")
        assert (refused.exit_code, "setting file in config" in refused.stderr) == (1, True), refused.output
        for number, (worker, letter) in enumerate(zip(workers, ("0-0", "0-1"), strict=True)):
            text = ("--set", "value.converter=org.apache.kafka.connect.storage.StringConverter")
            aside = (*text, "--set", "value.converter.schemas.enable=", "--set", f"file={tmp_path / str(number)}")
            said = done(dlq(worker, "replay", unique, letter, *aside, "--run", f"{unique}-{number}", "--wait"))
            assert f"{unique}-{number} replays 1 dead letter; it writes elsewhere" in said
        assert [(tmp_path / str(number)).read_bytes() for number in range(2)] == [b"plain\n", b"text\n"]
        none = dlq(workers[0], "replay", unique, "--stage", "VALUE_CONVERTER")
        assert f"1 replayed by {unique}-0, 1 replayed by {unique}-1" in none.stderr
        unchosen = dlq(workers[0], "replay", unique)
        assert (unchosen.exit_code, "Say which letters are meant" in unchosen.stderr) == (1, True)
        dry = done(dlq(workers[1], "replay", unique, "--all", "--again", "--to-topic", "--dry-run"))
        assert dry.splitlines()[0].startswith("2 dead letters would go; they are sent to the topics")
        shown = done(dlq(workers[0], "show", unique, "0-0"))
        assert f"by {unique}-0" in shown


def test_topics_and_records_that_the_broker_does_not_take_are_named_with_what_to_do_and_hold_no_others_up(
    running: Worker, kafka: str, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique, max_message_bytes="2000")
    create_topic(kafka, f"{unique}-dlq")
    config = sink(unique, tmp_path / "live.txt")
    running.call("POST", "/connectors", {"name": unique, "config": config, "initial_state": "STOPPED"}, expect=201)
    for number, (topic, value) in enumerate(
        [(unique, b"one"), ("no/such", b"two"), (unique, os.urandom(5000)), (unique, b"three")]
    ):
        where = {"topic": topic, "partition": "0", "offset": str(number)}
        headers = [(f"__connect.errors.{name}", text) for name, text in where.items()]
        produce(kafka, f"{unique}-dlq", [value], headers=headers)
    found = json.loads(done(dlq(running, "replay", unique, "--all", "--to-topic", "--json")))
    assert (found["letters"], found["passed_over"], found["complete"]) == (2, {"refused": 2}, True)
    absent, large = found["refusals"]
    assert absent.startswith("no/such: ")
    assert "a topic's name is up to 249 letters" in absent
    assert large.startswith(f"{unique}: ")
    assert f"{unique}'s max.message.bytes is the limit; raise it" in large
    assert [message.value() for message in consume(kafka, unique)] == [b"one", b"three"]
    alone = dlq(running, "replay", unique, "0-1", "--to-topic")
    assert (alone.exit_code, "No dead letter was sent. no/such: " in alone.stderr) == (1, True), alone.output
