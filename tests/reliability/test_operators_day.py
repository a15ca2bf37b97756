"""An operator's day: rows are missing, for two reasons at once, and nothing has failed.

The operator knows what `connectors show`, `/metrics` and `dlq` say, and acts by `connectors edit`, `dlq replay` and a
backfill. Then the ledger compares every record that was sent with what is there.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ferryman.commands import main
from ferryman.demo.facts.ledger import Verdict, by_identity, compare, latest
from tests.connectors.sql.sql_task import CONFLUENT, query
from tests.running import WEB, Worker, create_topic, produce, settings, until, worker

JSON = "org.apache.kafka.connect.json.JsonConverter"
KAFKAS = "org.apache.kafka.connect.transforms"
KEYS = 25
Order = tuple[int, int, str]
"""An event's number, the order that it is about, and its amount, as text."""


def orders(numbers: range) -> list[Order]:
    """Events that are each about one of a few orders; every seventh amount has cents."""
    return [(number, number % KEYS, f"{number}.50" if number % 7 == 0 else str(number)) for number in numbers]


def send(kafka: str, topic: str, events: Sequence[Order]) -> None:
    values = [enveloped(number=("int64", number), amount=("string", amount)) for number, _, amount in events]
    keys = [enveloped(id=("int64", order)) for _, order, _ in events]
    produce(kafka, topic, values, keys, headers=[("shop", b"north")])


def enveloped(**fields: tuple[str, object]) -> bytes:
    """A struct with its schema."""
    schema = {"type": "struct", "fields": [{"field": name, "type": kind} for name, (kind, _) in fields.items()]}
    return json.dumps({"schema": schema, "payload": {name: value for name, (_, value) in fields.items()}}).encode()


def sink(name: str, topic: str, postgres: str, **more: str) -> dict[str, str]:
    """A sink that takes all amounts for whole numbers."""
    return {
        "name": name,
        "connector.class": CONFLUENT,
        "topics": topic,
        "connection.url": postgres,
        "table.name.format": name,
        "pk.mode": "record_key",
        "pk.fields": "id",
        "key.converter": JSON,
        "value.converter": JSON,
        "key.converter.schemas.enable": "true",
        "value.converter.schemas.enable": "true",
        "transforms": "amount",
        "transforms.amount.type": f"{KAFKAS}.Cast$Value",
        "transforms.amount.spec": "amount:int32",
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": f"{name}-letters",
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.deadletterqueue.context.headers.enable": "true",
        **more,
    }


class Operator:
    """Has a terminal and a browser, and nothing else."""

    def __init__(self, running: Worker) -> None:
        self._worker = running

    def types(self, *words: str) -> str:
        """A command, and what it prints."""
        result = CliRunner().invoke(main, [*words, "--url", self._worker.url])
        assert result.exit_code == 0, result.output
        return result.stdout

    def reads(self, *words: str) -> Any:
        """A command that prints JSON."""
        return json.loads(self.types(*words, "--json"))

    def counts(self, connector: str, metric: str, labels: str = "") -> int:
        """A metric of a connector, all its tasks together."""
        text = WEB.get(f"{self._worker.url}/metrics").text
        lines = [line for line in text.splitlines() if line.startswith(f"{metric}{{") and labels in line]
        return sum(int(float(line.rpartition(" ")[2])) for line in lines if f'connector="{connector}"' in line)

    def backfills(self, connector: str) -> None:
        """Has all of a connector's history run again, and waits for its end."""
        run = self._worker.call("POST", f"/connectors/{connector}/backfill", {}, expect=202)["name"]
        until(lambda: self.reads("connectors", "show", run)["connector"]["state"] == "STOPPED", what=f"{run}'s end")


@pytest.fixture
def running(kafka: str, unique: str, tmp_path: Path) -> Iterator[Worker]:
    with worker(tmp_path, settings(kafka, unique)) as made:
        yield made


def test_an_operator_finds_out_why_rows_are_missing_and_gets_them_back_none_lost_none_doubled(
    running: Worker, kafka: str, postgres: str, unique: str
) -> None:
    state, log = f"{unique}-orders", f"{unique}-log"
    create_topic(kafka, unique, partitions=2)
    query(postgres, f'CREATE TABLE "{state}" (id bigint PRIMARY KEY, number bigint, amount double precision)')
    query(postgres, f'CREATE TABLE "{log}" (id bigint, number bigint, amount double precision)')
    running.create(sink(state, unique, postgres, **{"insert.mode": "upsert"}))
    running.create(sink(log, unique, postgres, **{"insert.mode": "insert"}))
    operator = Operator(running)

    # A working day begins: some amounts have cents, which the sinks cannot take.
    sent = orders(range(1, 101))
    send(kafka, unique, sent)
    bad = sum("." in amount for _, _, amount in sent)
    until(lambda: len(query(postgres, f'SELECT id FROM "{log}"')) == len(sent) - bad, what="the good rows")
    until(lambda: read(operator, state) == len(sent), what="all to be read")

    # Somebody wants the orders of a test shop left out, and leaves out all of them.
    mistake = {
        "transforms": "amount,shop",
        "transforms.shop.type": f"{KAFKAS}.Filter",
        "transforms.shop.predicate": "of-shop",
        "predicates": "of-shop",
        "predicates.of-shop.type": f"{KAFKAS}.predicates.HasHeaderKey",
        "predicates.of-shop.name": "shop",
    }
    operator.types("connectors", "edit", state, *(f"{key}={value}" for key, value in mistake.items()))
    until(lambda: read(operator, state) == 0, what="the tasks with the new config")
    stretch = orders(range(101, 151))
    send(kafka, unique, stretch)
    sent += stretch

    # Nothing has failed, and nothing lags. What is read, and neither sent on nor skipped, goes at a filter.
    until(lambda: read(operator, state) == len(stretch), what="the stretch to be read")
    until(lambda: operator.counts(state, "ferryman_sink_lag_records") == 0, what="no lag")
    shown = operator.reads("connectors", "show", state)
    assert [shown["connector"]["state"], *(task["state"] for task in shown["tasks"])] == ["RUNNING", "RUNNING"]
    passed_on = operator.counts(state, "kafka_connect_sink_task_sink_record_send_total")
    skipped = operator.counts(state, "ferryman_skipped_records_total", 'stage="TRANSFORMATION"')
    assert (passed_on, skipped) == (0, sum("." in amount for _, _, amount in stretch))
    filters = [key for key, value in shown["config"].items() if str(value).endswith("Filter")]
    assert filters == ["transforms.shop.type"]
    assert operator.counts(log, "kafka_connect_sink_task_sink_record_send_total") > 0

    # The letters say the other reason.
    letters = sum("." in amount for _, _, amount in sent)
    until(lambda: listed(operator, state, log) == [letters, letters], what="the letters of both")
    groups = [each for found in operator.reads("dlq", "list", state, log).values() for each in found["groups"]]
    assert {(each["stage"], each["field"]) for each in groups} == {("TRANSFORMATION", "amount")}
    letter = operator.reads("dlq", "list", state, "--letters", "1")[state]["letters"][0]["id"]
    assert re.search(r'"amount": "\d+\.50"', operator.types("dlq", "show", state, letter))

    # Both causes are mended, while business goes on.
    operator.types("connectors", "edit", log, "transforms.amount.spec=amount:float64")
    undone = ("transforms=amount", *(f"{key}-" for key in mistake if key != "transforms"))
    operator.types("connectors", "edit", state, "transforms.amount.spec=amount:float64", *undone)
    later = orders(range(151, 171))
    send(kafka, unique, later)
    sent += later

    # What was refused goes its way once more, and what was passed over is run again: it has the last word.
    operator.types("dlq", "replay", log, "--all", "--wait")
    operator.types("dlq", "replay", state, "--all", "--allow-older", "--wait")
    operator.backfills(state)

    until(lambda: not unclean(postgres, state, log, sent), what="all to be there")
    assert unclean(postgres, state, log, sent) == []


def unclean(postgres: str, state: str, log: str, sent: Sequence[Order]) -> list[Verdict]:
    """What the ledger says of both tables, if it is not that all is there as it was sent."""
    rows, lines = (query(postgres, f'SELECT id, number, amount FROM "{table}"') for table in (state, log))
    orders_there = ((order, (number, amount)) for order, number, amount in rows)
    events_there = ((number, (order, amount)) for order, number, amount in lines)
    last = latest((order, (number, float(amount))) for number, order, amount in sent)
    each = by_identity((number, (order, float(amount))) for number, order, amount in sent)
    verdicts = (compare("the orders", last, orders_there), compare("their log", each, events_there))
    return [verdict for verdict in verdicts if not verdict.clean]


def read(operator: Operator, connector: str) -> int:
    return operator.counts(connector, "kafka_connect_sink_task_sink_record_read_total")


def listed(operator: Operator, *connectors: str) -> list[int]:
    """How many letters each has."""
    found = operator.reads("dlq", "list", *connectors)
    return [found[name]["count"] for name in connectors]
