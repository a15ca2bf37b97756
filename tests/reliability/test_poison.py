"""Poison in decode, transform and sink: neighbours arrive once, the poison is in the dead letter queue as it was."""

from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from tests.reliability.flows import Table, committed, keys, row, sql_sink, tolerant
from tests.reliability.scoreboard.plugin import Trials
from tests.reliability.test_crash_points import Forgiving, deaths
from tests.running import Worker, consume, create_topic, produce, settings, until, worker

MASK = {
    "transforms": "mask",
    "transforms.mask.type": "org.apache.kafka.connect.transforms.MaskField$Value",
    "transforms.mask.fields": "id",
    "transforms.mask.replacement": "zz",
    "transforms.mask.predicate": "guilty",
    "predicates": "guilty",
    "predicates.guilty.type": "org.apache.kafka.connect.transforms.predicates.HasHeaderKey",
    "predicates.guilty.name": "guilty",
}


def test_poison_of_every_stage_is_dead_lettered_and_its_neighbours_arrive(
    kafka: str, postgres: str, running: Worker, unique: str
) -> None:
    create_topic(kafka, unique)
    table, queue = Table(postgres, unique), f"{unique}-dlq"
    table.run(f'CREATE TABLE "{unique}" (id bigint NOT NULL, text varchar(12))')
    poison = {3: b"this is no JSON", 5: row(5, "longer than twelve"), 7: row(7, "nul \0 byte")}
    values = [poison.get(number) or row(number, "fine") for number in range(10)]
    running.create(sql_sink(unique, postgres) | tolerant(queue))
    running.running(unique)
    produce(kafka, unique, values, keys(values))
    until(lambda: committed(running, unique) == 10, 60)
    assert running.states(unique) == ["RUNNING", "RUNNING"]
    assert table.ids() == [0, 1, 2, 4, 6, 8, 9]
    letters = consume(kafka, queue)
    assert {letter.value() for letter in letters} == set(poison.values())
    told: dict[Any, dict[str, Any]] = {
        context["__connect.errors.offset"]: context for context in (dict(letter.headers() or []) for letter in letters)
    }
    assert {offset: headers["__connect.errors.stage"] for offset, headers in told.items()} == {
        b"3": b"VALUE_CONVERTER",
        b"5": b"TASK_PUT",
        b"7": b"TASK_PUT",
    }
    assert told[b"3"]["__connect.errors.topic"] == unique.encode()
    assert told[b"3"]["__connect.errors.exception.class.name"] == b"org.apache.kafka.connect.errors.DataException"
    assert {letter.key() for letter in letters} == {b"3", b"5", b"7"}


def send_some_poison(kafka: str, topic: str, numbers: range) -> set[bytes]:
    """Payments, of which each hundredth is poison, of each stage in turn. The poison."""
    poison, start = set[bytes](), numbers[0]
    for number in numbers[50::100]:
        produce(kafka, topic, [row(each, "fine") for each in range(start, number)], keys(range(start, number)))
        bad = [b"this is no JSON, number %d" % number, row(number, f"no place for {number}"), row(number, "guilty")]
        kind = number // 100 % 3
        produce(kafka, topic, [bad[kind]], headers=[("guilty", b"yes")] if kind == 2 else [])
        poison.add(bad[kind])
        start = number + 1
    produce(kafka, topic, [row(each, "fine") for each in range(start, numbers[-1] + 1)])
    return poison


@pytest.mark.timeout(1800)
@pytest.mark.scoreboard("R11")
def test_with_one_percent_poison_and_kills_the_dead_letters_are_the_poison_and_the_rest_arrives_once(
    tmp_path: Path, kafka: str, postgres: str, unique: str, trials: Trials
) -> None:
    create_topic(kafka, unique, 3)
    create_topic(kafka, f"{unique}-dlq")
    table = Table(postgres, unique)
    table.run(f'CREATE TABLE "{unique}" (id bigint NOT NULL, text varchar(12))')
    expected, log = 2 * trials.required // 2000, tmp_path / "deaths"
    points = "sql.before_commit:4,sink.before_commit:2,sql.after_commit:4,sink.after_commit:2"
    crash = {"FERRYMAN_CRASH_AT": points, "FERRYMAN_CRASH_LOG": f"{log}:{expected}"}
    poison = set[bytes]()
    with worker(tmp_path, settings(kafka, unique, consumer_max_poll_records="200"), **crash) as running:
        running.create(sql_sink(unique, postgres) | tolerant(f"{unique}-dlq") | MASK)
        forgiving = Forgiving(running, [unique], log)
        for start in range(0, trials.required, 1000):
            poison |= send_some_poison(kafka, unique, range(start, start + 1000))
            forgiving.until(lambda: committed(running, unique) == start + 1000, f"{start + 1000} to be committed")  # noqa: B023
        assert deaths(log) == expected
        assert len(running.pids(unique)) <= 1 + expected + forgiving.restarts
    assert table.ids() == [number for number in range(trials.required) if number % 100 != 50]
    assert {letter.value() for letter in consume(kafka, f"{unique}-dlq")} == poison
    trials.held(trials.required)


def test_a_record_that_a_transform_cannot_take_is_dead_lettered(
    kafka: str, postgres: str, running: Worker, unique: str
) -> None:
    create_topic(kafka, unique)
    running.create(sql_sink(unique, postgres) | tolerant(f"{unique}-dlq") | MASK)
    running.running(unique)
    produce(kafka, unique, [row(0), row(1)])
    produce(kafka, unique, [row(2)], headers=[("guilty", b"yes")])
    produce(kafka, unique, [row(3)])
    until(lambda: committed(running, unique) == 4, 60)
    assert Table(postgres, unique).ids() == [0, 1, 3]
    (letter,) = consume(kafka, f"{unique}-dlq")
    headers = dict(letter.headers() or [])
    assert headers["__connect.errors.stage"] == b"TRANSFORMATION"
    assert headers["guilty"] == b"yes"


def test_without_tolerance_poison_fails_the_task_and_names_the_record(
    kafka: str, postgres: str, running: Worker, unique: str
) -> None:
    create_topic(kafka, unique)
    running.create(sql_sink(unique, postgres))
    running.running(unique)
    produce(kafka, unique, [row(0), b"{", row(2)])
    trace = running.trace(unique)
    assert f"record {unique}-0@1 failed in stage VALUE_CONVERTER" in trace
    assert committed(running, unique) <= 1
    assert running.states(unique) == ["RUNNING", "FAILED"]


def test_no_offset_passes_a_record_whose_dead_letter_is_refused(
    kafka: str, admin: AdminClient, postgres: str, running: Worker, unique: str
) -> None:
    create_topic(kafka, unique)
    create_topic(kafka, f"{unique}-dlq", max_message_bytes="100")
    running.create(sql_sink(unique, postgres) | tolerant(f"{unique}-dlq"))
    running.running(unique)
    produce(kafka, unique, [row(0), b"x" * 1000, row(2)])
    trace = running.trace(unique)
    assert f"the dead letter of {unique}-0@1 was not written" in trace
    assert f"max.message.bytes of {unique}-dlq" in trace
    assert committed(running, unique) <= 1


def test_a_record_that_is_too_large_for_the_queue_is_dead_lettered_without_its_value(
    kafka: str, postgres: str, running: Worker, unique: str
) -> None:
    """One exceeds the queue's limit, one what a producer sends by default; small ones arrive whole beside them."""
    create_topic(kafka, unique, max_message_bytes="3000000")
    create_topic(kafka, f"{unique}-dlq", max_message_bytes="9000")
    poison = [b"small", b"x" * 10_000, b"small, too", b"y" * 2_000_000]
    running.create(sql_sink(unique, postgres) | tolerant(f"{unique}-dlq"))
    running.running(unique)
    produce(kafka, unique, [row(0), *poison, row(1)], largest=3_000_000)
    until(lambda: committed(running, unique) == 6, 60)
    assert running.states(unique) == ["RUNNING", "RUNNING"]
    assert Table(postgres, unique).ids() == [0, 1]
    letters = {
        dict(letter.headers() or [])["__connect.errors.offset"]: letter for letter in consume(kafka, f"{unique}-dlq")
    }
    assert {offset: letter.value() for offset, letter in letters.items()} == {
        b"1": b"small",
        b"2": None,
        b"3": b"small, too",
        b"4": None,
    }
    left_out = "__ferryman.errors.left.out"
    cut = {offset: dict(letter.headers() or []) for offset, letter in letters.items() if letter.value() is None}
    assert {offset: headers[f"{left_out}.because.of"] for offset, headers in cut.items()} == {
        b"2": f"max.message.bytes of {unique}-dlq".encode(),
        b"4": b"producer.override.max.request.size",
    }
    assert {offset: headers["__ferryman.errors.value.bytes"] for offset, headers in cut.items()} == {
        b"2": b"10000",
        b"4": b"2000000",
    }


def test_thousands_of_dead_letters_are_each_written_once(
    kafka: str, postgres: str, running: Worker, unique: str
) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, [b"{"] * 2500)
    running.create(sql_sink(unique, postgres) | tolerant(f"{unique}-dlq"))
    until(lambda: committed(running, unique) == 2500, 60)
    assert len(consume(kafka, f"{unique}-dlq")) == 2500


def test_a_queue_without_tolerance_is_warned_about(kafka: str, postgres: str, running: Worker, unique: str) -> None:
    create_topic(kafka, unique)
    running.create(sql_sink(unique, postgres) | tolerant(f"{unique}-dlq") | {"errors.tolerance": "none"})
    assert "errors.deadletterqueue.topic.name has little effect with errors.tolerance=none" in running.said
