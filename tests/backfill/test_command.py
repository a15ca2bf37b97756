"""``ferryman backfill`` as people call it, on a real cluster: what it writes, refuses, and does when called again."""

import json
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from confluent_kafka import Producer

from ferryman.commands import main
from ferryman.errors import TaskError
from tests.backfill.calls import Command
from tests.running import create_topic, produce, settings, until

FILE_SINK = "org.apache.kafka.connect.file.FileStreamSinkConnector"
STRING = "org.apache.kafka.connect.storage.StringConverter"


ENDS = ((signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 143))
"""Signals, and the exit codes that they lead to."""
Made = Callable[..., Command]


@pytest.fixture
def made(kafka: str, unique: str, tmp_path: Path) -> Made:
    def make(**config: str) -> Command:
        worker, connector = tmp_path / "worker.properties", tmp_path / "live.json"
        lines = settings(kafka, unique, value_converter=STRING)
        worker.write_text("".join(f"{key}={value}\n" for key, value in lines.items()))
        given = {"name": unique, "connector.class": FILE_SINK, "topics": unique, "file": str(tmp_path / "live.txt")}
        given |= {key.replace("_", "."): value for key, value in config.items()}
        connector.write_text(json.dumps({"name": unique, "config": given}))
        return Command(tmp_path, worker, connector)

    return make


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def numbers(first: int, behind: int) -> list[bytes]:
    return [str(number).encode() for number in range(first, behind)]


def at_times(kafka: str, topic: str, times: Mapping[str, int]) -> None:
    """Records with these values and timestamps, in this order."""
    producer = Producer({"bootstrap.servers": kafka})
    for value, when in times.items():
        producer.produce(topic, value.encode(), timestamp=when, partition=0)
    producer.flush(60)


def test_a_range_of_offsets_is_written_elsewhere_and_nothing_else_is(kafka: str, unique: str, made: Made) -> None:
    create_topic(kafka, unique, partitions=2)
    for partition in (0, 1):
        produce(kafka, unique, numbers(0, 50), partition=partition)
    command = made(tasks_max="2")
    again = command.folder / "again.txt"
    bounds = ["--offsets", f"{unique}:0:10-30", "--offsets", f"{unique}:1:45-99"]
    command.call(*bounds, "--set", f"file={again}").well()
    wanted = sorted([*numbers(10, 30), *numbers(45, 50)])
    assert sorted(line.encode() for line in lines(again)) == wanted
    assert not (command.folder / "live.txt").exists()
    # The same call again finds all done; what has come since is none of its business.
    produce(kafka, unique, numbers(50, 60), partition=1)
    command.call(*bounds, "--set", f"file={again}").well()
    assert sorted(line.encode() for line in lines(again)) == wanted


def test_a_call_with_other_keys_or_bounds_is_another_run(kafka: str, unique: str, made: Made) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, numbers(0, 20))
    command = made()
    first, second = command.folder / "first.txt", command.folder / "second.txt"
    bounds = ["--from", "1970-01-01T00:00:00Z", "--offsets", f"{unique}:0:0-10"]
    command.call(*bounds, "--set", f"file={first}").well()
    again = command.call(*bounds, "--set", f"file={first}")
    again.well()
    assert "it was begun before and goes on where it stopped" in again.said
    command.call(*bounds, "--set", f"file={second}").well()
    assert lines(second) == lines(first) == [str(number) for number in range(10)]
    command.call("--from", "1970-01-01T00:00:00Z", "--set", f"file={first}").well()
    assert lines(first) == [str(number) for number in [*range(10), *range(20)]]
    command.call(*bounds, "--name", f"{unique}-a", "--set", f"file={second}").well()
    refused = command.call(*bounds, "--name", f"{unique}-a", "--set", f"file={first}")
    assert refused.code == 2
    assert f"{unique}-a was begun with other bounds or other keys" in refused.errors


def test_times_choose_each_record_by_its_own_timestamp(kafka: str, unique: str, made: Made) -> None:
    create_topic(kafka, unique)
    at_times(kafka, unique, {"early": 1_000, "first": 5_000, "late": 9_000, "straggler": 6_000, "very late": 9_999})
    command = made()
    again = command.folder / "again.txt"
    command.call("--from", "1970-01-01T00:00:05Z", "--to", "1970-01-01T00:00:09Z", "--set", f"file={again}").well()
    assert lines(again) == ["first", "straggler"]


def test_what_would_be_there_twice_is_refused_unless_it_is_allowed_by_name(kafka: str, unique: str, made: Made) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, numbers(0, 3))
    command = made()
    refused = command.call()
    assert refused.code == 2
    assert "have it write elsewhere by setting file" in refused.errors
    assert not (command.folder / "live.txt").exists()
    command.call("--allow-duplicates").well()
    assert lines(command.folder / "live.txt") == ["0", "1", "2"]


def test_a_dry_run_says_what_would_be_read_and_starts_nothing(kafka: str, unique: str, made: Made) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, numbers(0, 40))
    command = made()
    said = command.call("--dry-run", "--set", "file=again.txt", "--rate", "10", "--offsets", f"{unique}:0:10-30")
    said.well()
    assert f"{unique}-0: 20 records, 10 up to 30" in said.said
    assert "at this rate: 2 s" in said.said
    assert "it writes elsewhere than the live connector" in said.said
    told = command.call(
        "--dry-run", "--json", "--set", "file=again.txt", "--rate", "10", "--offsets", f"{unique}:0:10-30"
    )
    assert json.loads(told.well().said.splitlines()[-1]) == {"bytes": 40, "records_in_period": None, "seconds": 2.0}
    assert not (command.folder / "again.txt").exists()


def test_a_dry_run_says_how_many_records_are_in_the_period_beside_how_many_are_read(
    kafka: str, unique: str, made: Made
) -> None:
    create_topic(kafka, unique)
    at_times(kafka, unique, {str(second): second * 1_000 for second in range(1, 41)})
    bounds = ("--from", "1970-01-01T00:00:10Z", "--to", "1970-01-01T00:00:30Z")
    said = made().call("--dry-run", "--set", "file=again.txt", *bounds).well().said
    assert "31 records, 9 up to 40" in said
    assert "about 20 records in the period" in said


def test_a_transaction_at_the_end_of_the_range_does_not_keep_it_from_ending(
    kafka: str, unique: str, made: Made
) -> None:
    create_topic(kafka, unique)
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": unique})
    producer.init_transactions()
    for commit, values in ((True, ["a", "b"]), (False, ["lost"])):
        producer.begin_transaction()
        for value in values:
            producer.produce(unique, value.encode(), partition=0)
        producer.flush()
        producer.commit_transaction() if commit else producer.abort_transaction()
    command = made()
    again = command.folder / "again.txt"
    command.call("--set", f"file={again}").well()
    assert lines(again) == ["a", "b"]


def test_ended_again_and_again_it_goes_on_where_it_stood(kafka: str, unique: str, made: Made, long: bool) -> None:
    create_topic(kafka, unique, partitions=3)
    for partition in range(3):
        produce(kafka, unique, [f"{partition}-{number}".encode() for number in range(2_000)], partition=partition)
    command = made()
    again = command.folder / "again.txt"
    options = ["--set", f"file={again}", "--rate", "1500", "--set", "consumer.override.max.poll.records=100"]
    for kill in range(20 if long else 3):
        calling, before = command.begin(*options), len(lines(again))
        until(lambda: not calling.goes_on or len(lines(again)) > before + 50, 120)  # noqa: B023
        runs, (number, code) = calling.goes_on, ENDS[kill % len(ENDS)]
        calling.process.send_signal(number)
        called = calling.ended()
        if runs and called.code != 0:  # it may have come to its end just before
            told = "call it again, and it goes on" in called.said + called.errors
            assert (called.code, told) == (code, code > 0)
        time.sleep(0.1 * (kill % 3))
    command.call("--set", f"file={again}", "--set", "consumer.override.max.poll.records=100").well()
    assert sorted(lines(again)) == sorted(f"{partition}-{number}" for partition in range(3) for number in range(2_000))


def test_the_bounds_of_other_topics_than_live_reads_are_found_again(kafka: str, unique: str, made: Made) -> None:
    other, command = f"{unique}-other", made()
    create_topic(kafka, unique)
    create_topic(kafka, other)
    produce(kafka, other, numbers(0, 5))
    again = command.folder / "again.txt"
    options = ["--set", f"file={again}", "--set", f"topics={other}"]
    command.call(*options).well()
    produce(kafka, other, numbers(5, 9))
    command.call(*options).well()
    assert [line.encode() for line in lines(again)] == numbers(0, 5)


def test_whatever_stands_in_the_way_is_said_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object) -> None:
        raise TaskError("topics.regex takes too long")

    monkeypatch.setattr("ferryman.commands.backfill.ForkServer", lambda: None)
    monkeypatch.setattr("ferryman.commands.backfill.starting.load", lambda *_: None)
    monkeypatch.setattr("ferryman.backfill.by_file.ByFile.run", run)
    file = tmp_path / "live.json"
    file.write_text('{"name": "live"}')
    said = CliRunner().invoke(main, ["backfill", "worker.properties", str(file)])
    assert (said.exit_code, said.stderr) == (2, "topics.regex takes too long\n")


def test_one_that_fails_says_why(kafka: str, unique: str, made: Made) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, [b"{"])
    command = made(value_converter="org.apache.kafka.connect.json.JsonConverter")
    failed = command.call("--set", "file=again.txt", "--json")
    assert failed.code == 1
    assert "Converting byte[] to Kafka Connect data failed" in failed.said or "JSON" in failed.said


@pytest.mark.parametrize("letters", ["", "-dlq"])
def test_one_that_has_refused_records_says_how_many_and_where_they_are(
    kafka: str, unique: str, made: Made, letters: str
) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, [b"1", b"{", b"2", b"["])
    converter = {"value_converter": "org.apache.kafka.connect.json.JsonConverter"}
    converter["value_converter_schemas_enable"] = "false"
    command = made(
        **converter,
        errors_tolerance="all",
        errors_deadletterqueue_topic_name=f"{unique}{letters}" if letters else "",
        errors_deadletterqueue_topic_replication_factor="1",
    )
    where = "none is kept, since errors.deadletterqueue.topic.name is not set"
    if letters:
        where = f"they are in {unique}-dlq, as dead letters of {unique}-backfill"
    for _ in range(2):  # the second finds all done
        called = command.call("--set", "file=again.txt")
        assert (called.code, f"2 records refused: {where}" in called.said) == (3, True), called
    assert lines(command.folder / "again.txt") == ["1", "2"]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--from", "yesterday"], "from=yesterday must be a time"),
        (["--from", "2026-11-03T00:00:00Z", "--to", "2026-11-01T00:00:00Z"], "is not later than"),
        (["--offsets", "nowhere:0:1-2"], "nowhere-0 is not a partition that the connector reads"),
        (["--offsets", "what"], "is not TOPIC:PARTITION:FIRST-BEHIND"),
        (["--offsets", "orders:0:0-10", "--offsets", "orders:00:20-30"], "orders:0 is there twice"),
        (["--set", "name=other"], "name cannot be set for a run"),
        (["--rate", "-1"], "rate must be a number"),
    ],
)
def test_what_cannot_be_is_refused_with_a_word_on_it(
    kafka: str, unique: str, made: Made, options: Sequence[str], complaint: str
) -> None:
    create_topic(kafka, unique)
    refused = made().call(*options)
    assert refused.code == 2
    assert complaint in refused.errors
