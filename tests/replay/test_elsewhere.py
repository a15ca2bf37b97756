"""Replays by command, of sinks that suffer nobody beside them, and by any worker of a group."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from ferryman.commands import main
from tests.reliability.flows import JSON, file_sink
from tests.running import Worker, create_topic, distributed, group, produce, until


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
        assert dry.splitlines()[0].startswith("2 dead letters would go; they go to the topics")
        shown = done(dlq(workers[0], "show", unique, "0-0"))
        assert f"by {unique}-0" in shown
