"""Dead letters of a SQL sink replayed into its table: each once, whatever happens meanwhile."""

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from confluent_kafka import Producer

from tests.connectors.sql.sql_task import CONFLUENT, query
from tests.dead_letters.test_letter import JVM
from tests.running import WEB, Worker, consume, create_topic, produce, until

JSON = "org.apache.kafka.connect.json.JsonConverter"
FIELDS = [{"field": "id", "type": "int64"}, {"field": "n", "type": "int64", "optional": True}]


def row(number: int, n: int | None = 0, **more: str) -> bytes:
    """A struct with its schema."""
    fields = [*FIELDS, *({"field": name, "type": "string"} for name in more)]
    schema = {"type": "struct", "fields": fields}
    return json.dumps({"schema": schema, "payload": {"id": number, "n": n, **more}}).encode()


def sink(name: str, url: str, **more: str) -> dict[str, str]:
    """A sink of one topic with a queue of dead letters."""
    return {
        "name": name,
        "connector.class": CONFLUENT,
        "topics": name,
        "connection.url": url,
        "table.name.format": name,
        "auto.create": "true",
        "value.converter": JSON,
        "value.converter.schemas.enable": "true",
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": f"{name}-dlq",
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.deadletterqueue.context.headers.enable": "true",
        **more,
    }


def narrow_table(postgres: str, name: str) -> None:
    """A table that takes small numbers only."""
    query(postgres, f'CREATE TABLE "{name}" (id bigint, n bigint, CONSTRAINT small CHECK (n < 100))')


def widen(postgres: str, name: str) -> None:
    query(postgres, f'ALTER TABLE "{name}" DROP CONSTRAINT small')


def ids(postgres: str, name: str) -> list[int]:
    return sorted(found for (found,) in query(postgres, f'SELECT id FROM "{name}"'))


def letters(kafka: str, name: str, count: int) -> None:
    until(lambda: len(consume(kafka, f"{name}-dlq")) == count, what=f"{count} letters")


def replay(worker: Worker, connector: str, /, expect: int = 202, **body: Any) -> Any:
    return worker.call("POST", f"/connectors/{connector}/dead-letters/replay", body, expect=expect)


def done(worker: Worker, run: str) -> Any:
    """The run's status, when it is complete and stopped."""

    def probe() -> Any:
        status = worker.call("GET", f"/connectors/{run}/status")
        is_over = status.get("run", {}).get("complete") and status["connector"]["state"] == "STOPPED"
        return status if is_over else None

    return until(probe, what=f"{run} to be complete")


def shown(worker: Worker, name: str) -> dict[str, Any]:
    found = worker.call("GET", f"/connectors/{name}/dead-letters?limit=100")
    return {each["id"]: each for each in found["letters"]}


def letter_of(worker: Worker, name: str, stage: str) -> str:
    """The id of the first letter of a stage."""
    return next(each for each, found in sorted(shown(worker, name).items()) if found["stage"] == stage)


def refused(worker: Worker, kafka: str, postgres: str, unique: str, **more: str) -> None:
    """A connector that has written rows 1 and 3, and refused 2 for the table's sake, and 4 for a transform's."""
    create_topic(kafka, unique)
    narrow_table(postgres, unique)
    lost = {"transforms": "key", "transforms.key.type": "org.apache.kafka.connect.transforms.ValueToKey"}
    lost |= {"transforms.key.fields": "n", "predicates": "odd", "transforms.key.predicate": "odd"}
    lost |= {"predicates.odd.type": "org.apache.kafka.connect.transforms.predicates.HasHeaderKey"}
    lost |= {"predicates.odd.name": "odd", "transforms.key.fields": "missing"}
    worker.create(sink(unique, postgres, **lost, **more))
    produce(kafka, unique, [row(1), row(2, 500), row(3)])
    produce(kafka, unique, [row(4)], headers=[("odd", b"1"), ("own", b"\xff")])
    letters(kafka, unique, 2)
    until(lambda: ids(postgres, unique) == [1, 3], what="the good rows")


def mended(worker: Worker, postgres: str, unique: str) -> None:
    """What was in the way of both letters is no longer there."""
    widen(postgres, unique)
    transforms_nothing(worker, unique)


def transforms_nothing(worker: Worker, unique: str) -> None:
    config = worker.call("GET", f"/connectors/{unique}/config")
    plain = {key: value for key, value in config.items() if not key.startswith(("transforms", "predicates"))}
    worker.call("PUT", f"/connectors/{unique}/config", plain, expect=200)


def test_letters_are_replayed_when_the_cause_is_mended_and_only_once(
    running: Worker, kafka: str, postgres: str, unique: str
) -> None:
    refused(running, kafka, postgres, unique)
    mended(running, postgres, unique)
    told = replay(running, unique, 200, all=True, dry_run=True)
    assert (told["name"], told["letters"], told["complete"]) == (None, 2, True)
    assert {each["replayed"] for each in shown(running, unique).values()} == {None}
    run = replay(running, unique, all=True)
    assert run["letters"] == 2
    done(running, run["name"])
    assert ids(postgres, unique) == [1, 2, 3, 4]
    assert {each["replayed"]["run"] for each in shown(running, unique).values()} == {run["name"]}
    again = replay(running, unique, 409, all=True)["message"]
    assert again == f"There is no dead letter to replay: 2 replayed by {run['name']}"
    named = replay(running, unique, 409, letters=["0-1"])["message"]
    assert f"0-1 was replayed by {run['name']} already" in named
    assert ids(postgres, unique) == [1, 2, 3, 4]
    done(running, replay(running, unique, letters=["0-0"], again=True)["name"])
    assert len(ids(postgres, unique)) == 5


def test_a_replay_that_is_gone_is_gone_on_with_by_its_name_and_delivers_nothing_again(
    running: Worker, kafka: str, postgres: str, unique: str
) -> None:
    run = f"{unique}-run"
    create_topic(kafka, unique)
    narrow_table(postgres, unique)
    running.create(sink(unique, postgres))
    produce(kafka, unique, [row(number, 500) for number in range(3)])
    letters(kafka, unique, 3)
    widen(postgres, unique)
    replay(running, unique, letters=["0-0"], name=run)
    done(running, run)
    running.delete(run)
    refused = replay(running, unique, 409, letters=["0-0"], again=True, name=run)["message"]
    assert f"A run named {run} has already completed" in refused
    told = replay(running, unique, all=True, again=True, name=run)
    assert (told["letters"], told["records_done"]) == (3, 1)
    done(running, run)
    assert ids(postgres, unique) == [0, 1, 2], "each once, as plain inserts show"


def test_of_two_replays_at_once_one_has_the_letter_and_the_other_hears_of_it(
    running: Worker, kafka: str, postgres: str, unique: str
) -> None:
    refused(running, kafka, postgres, unique)
    mended(running, postgres, unique)
    path, letter = f"{running.url}/connectors/{unique}/dead-letters/replay", letter_of(running, unique, "TASK_PUT")
    with ThreadPoolExecutor(3) as threads:
        asked = [threads.submit(WEB.post, path, json={"letters": [letter], "name": f"{unique}-{n}"}) for n in range(3)]
        answers = [each.result() for each in asked]
    (made,) = (each.json()["name"] for each in answers if each.status_code == 202)
    assert sorted(each.status_code for each in answers) == [202, 409, 409]
    done(running, made)
    assert ids(postgres, unique) == [1, 2, 3]
    assert [each for each in running.call("GET", "/connectors") if each.startswith(f"{unique}-")] == [made]


def test_killed_again_and_again_it_writes_each_letter_once(
    running: Worker, kafka: str, postgres: str, unique: str, long: bool
) -> None:
    create_topic(kafka, unique)
    narrow_table(postgres, unique)
    running.create(sink(unique, postgres))
    produce(kafka, unique, [row(number, 500) for number in range(400)])
    letters(kafka, unique, 400)
    widen(postgres, unique)
    few = {"consumer.override.max.poll.records": "20", "batch.size": "20"}
    run = replay(running, unique, all=True, config=few)["name"]
    killed = set[int]()
    for _ in range(8 if long else 2):
        (pid,) = until(lambda: set(running.pids(run)[-1:]) - killed, what="a task's process")
        before = len(ids(postgres, unique))
        until(lambda: len(ids(postgres, unique)) > before or is_complete(running, run), what="a row")  # noqa: B023
        killed.add(pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        if is_complete(running, run):
            break
    done(running, run)
    assert ids(postgres, unique) == list(range(400))


def is_complete(worker: Worker, run: str) -> bool:
    return bool(worker.call("GET", f"/connectors/{run}/status").get("run", {}).get("complete"))


def test_a_letter_that_fails_again_says_how_often_and_is_refused_at_the_limit(
    running: Worker, kafka: str, postgres: str, unique: str
) -> None:
    refused(running, kafka, postgres, unique)
    for attempt in (1, 2):
        latest = max(int(each.partition("-")[2]) for each in shown(running, unique))
        names = [each for each, found in shown(running, unique).items() if found["attempts"] == attempt - 1]
        assert len(names) == 2
        done(running, replay(running, unique, letters=names, attempts=2)["name"])
        letters(kafka, unique, latest + 3)
    known = shown(running, unique)
    newest = [each for each in known.values() if each["attempts"] == 2]
    assert sorted((each["origin"]["topic"], each["origin"]["offset"]) for each in newest) == [(unique, 1), (unique, 3)]
    assert {each["connector"] for each in known.values()} == {unique}
    tired = replay(running, unique, 409, letters=[newest[0]["id"]], attempts=2)["message"]
    assert f"Dead letter {newest[0]['id']} was replayed 2 times already" in tired
    assert "2 that were replayed too often" in replay(running, unique, 409, all=True, attempts=2)["message"]
    own = next(
        each
        for each in consume(kafka, f"{unique}-dlq")
        if each.offset() == int(str(newest[1]["id"]).removeprefix("0-"))
    )
    names = [each[0] for each in own.headers() or []]
    assert names.count("__connect.errors.topic") == names.count("__ferryman.errors.attempts") == 1
    mended(running, postgres, unique)
    done(running, replay(running, unique, stage="transformation", attempts=3)["name"])
    done(running, replay(running, unique, stage="task_put", field=None, attempts=3)["name"])
    assert ids(postgres, unique) == [1, 2, 3, 4]


def test_letters_of_kafka_connect_go_the_same_way_with_or_without_its_headers(
    running: Worker, kafka: str, postgres: str, unique: str
) -> None:
    create_topic(kafka, unique)
    kept = {"insert.mode": "upsert", "pk.mode": "kafka", "pk.fields": "t,p,o", "errors.tolerance": "all"}
    running.create(sink(unique, postgres, **kept))
    theirs = JVM | {"topic": unique, "connector.name": unique, "partition": "0", "offset": "7000"}
    headers = [(f"__connect.errors.{key}", value.encode()) for key, value in theirs.items()]
    other = [*headers, ("__connect.errors.connector.name", b"somebody")]
    letters(kafka, unique, 0)
    produce(kafka, f"{unique}-dlq", [row(1)], headers=[*headers, ("own", "x")])
    produce(kafka, f"{unique}-dlq", [row(2)])
    produce(kafka, f"{unique}-dlq", [row(3)], headers=other)
    cut = [*headers, ("__ferryman.errors.left.out", b"value")]
    produce(kafka, f"{unique}-dlq", [None], headers=cut)
    run = replay(running, unique, all=True)
    assert (run["letters"], run["passed_over"]) == (2, {"incomplete": 1})
    done(running, run["name"])
    found = query(postgres, f'SELECT t, p, o, id FROM "{unique}" ORDER BY id')
    assert [tuple(each) for each in found] == [(unique, 0, 7000, 1), (f"{unique}-dlq", 0, 1, 2)]
    assert "has no dead letter 0-2" in replay(running, unique, 404, letters=["0-2"])["message"]
    assert "lacks a part of its record: value" in replay(running, unique, 400, letters=["0-3"])["message"]


def test_of_two_letters_of_one_record_one_is_inserted(running: Worker, kafka: str, postgres: str, unique: str) -> None:
    refused(running, kafka, postgres, unique)
    mended(running, postgres, unique)
    (_, one) = consume(kafka, f"{unique}-dlq")
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce(f"{unique}-dlq", one.value(), one.key(), headers=one.headers(), timestamp=one.timestamp()[1])
    assert producer.flush(60) == 0
    run = replay(running, unique, all=True)
    assert (run["letters"], run["passed_over"]) == (2, {"doubles": 1})
    done(running, run["name"])
    assert ids(postgres, unique) == [1, 2, 3, 4]
    found = {each: letter["replayed"] for each, letter in shown(running, unique).items()}
    assert {each["run"] for each in found.values()} == {run["name"]}
    assert [each["instead"] for _, each in sorted(found.items())].count(None) == 2
    assert "There is no dead letter to replay: 3 replayed" in replay(running, unique, 409, all=True)["message"]


def test_rows_that_could_go_back_in_time_are_allowed_by_name_only(
    running: Worker, kafka: str, postgres: str, unique: str
) -> None:
    keyed = {"insert.mode": "upsert", "pk.mode": "record_value", "pk.fields": "id"}
    create_topic(kafka, unique)
    query(postgres, f'CREATE TABLE "{unique}" (id bigint PRIMARY KEY, n bigint, CONSTRAINT small CHECK (n < 100))')
    running.create(sink(unique, postgres, **keyed))
    produce(kafka, unique, [row(1, 500)])
    letters(kafka, unique, 1)
    widen(postgres, unique)
    assert "allow_older" in replay(running, unique, 400, all=True)["message"]
    assert shown(running, unique)["0-0"]["replayed"] is None
    aside = {"table.name.format": f"{unique}-aside"}
    assert "elsewhere" in replay(running, unique, 200, all=True, config=aside, dry_run=True)["target"]
    done(running, replay(running, unique, all=True, allow_older=True)["name"])
    assert ids(postgres, unique) == [1]


def test_letters_go_back_to_their_topic_when_that_is_asked_for(
    running: Worker, kafka: str, postgres: str, unique: str
) -> None:
    refused(running, kafka, postgres, unique)
    mended(running, postgres, unique)
    assert replay(running, unique, 200, all=True, to_topic=True, dry_run=True)["letters"] == 2
    letter = letter_of(running, unique, "TRANSFORMATION")
    sent = replay(running, unique, 200, letters=[letter], to_topic=True)
    assert (sent["name"], sent["letters"], sent["complete"]) == (None, 1, True)
    until(lambda: ids(postgres, unique) == [1, 3, 4], what="the row of the letter")
    (record,) = consume(kafka, unique)[4:]
    assert record.value() == row(4)
    assert record.headers() == [("odd", b"1"), ("own", b"\xff"), ("__ferryman.errors.attempts", b"1")]
    mark = shown(running, unique)[letter]["replayed"]
    assert (mark["run"], mark["topic"]) == (None, unique)
    assert f"sent to {unique} already" in replay(running, unique, 409, letters=[letter])["message"]
    assert replay(running, unique, 200, all=True, to_topic=True)["letters"] == 1
    until(lambda: ids(postgres, unique) == [1, 2, 3, 4], what="the row of the other")
    assert "There is no dead letter" in replay(running, unique, 409, all=True, to_topic=True)["message"]
