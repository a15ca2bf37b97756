"""Dead letters of a SQL sink replayed into its table: each once, whatever happens meanwhile."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ferryman.stack.runtime.ports import free_port
from tests.connectors.sql.sql_task import CONFLUENT, query
from tests.running import Worker, borrowed, consume, create_topic, produce, settings, until

JSON = "org.apache.kafka.connect.json.JsonConverter"
FIELDS = [{"field": "id", "type": "int64"}, {"field": "n", "type": "int64", "optional": True}]


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Worker]:
    made = Worker(tmp_path_factory.mktemp("replays"), settings(kafka, f"replays-{free_port()}"))
    yield made
    made.stop()


@pytest.fixture
def running(lasting: Worker, unique: str) -> Iterator[Worker]:
    with borrowed(lasting, unique) as one:
        yield one


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


def replay(worker: Worker, name: str, expect: int = 202, **body: Any) -> Any:
    return worker.call("POST", f"/connectors/{name}/dead-letters/replay", body, expect=expect)


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
