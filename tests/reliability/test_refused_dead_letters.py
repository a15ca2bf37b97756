"""Dead letters that Kafka refuses, too large or not allowed: no offset passes their records, nothing is lost."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from tests.reliability.flows import Table, committed, row, sql_sink, tolerant
from tests.reliability.links.broker import Broker
from tests.reliability.scoreboard.plugin import Trials
from tests.running import Worker, consume, create_topic, produce, settings, until, worker

POISON = b"this is no JSON"


@contextmanager
def too_small(broker: Broker, topic: str) -> Iterator[None]:
    """The topic takes nothing that has headers, be it without a value."""
    _limit(broker, topic, "100")
    try:
        yield
    finally:
        _limit(broker, topic, "1000000")


def _limit(broker: Broker, topic: str, size: str) -> None:
    admin = AdminClient({"bootstrap.servers": broker.address})
    entries: Any = [ConfigEntry("max.message.bytes", size, incremental_operation=AlterConfigOpType.SET)]
    for changed in admin.incremental_alter_configs(
        [ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)]
    ).values():
        changed.result()


REFUSALS = {"too large": too_small, "not allowed": Broker.no_writing}


@pytest.mark.timeout(1800)
@pytest.mark.scoreboard("R12")
@pytest.mark.parametrize("reason", REFUSALS)
def test_no_offset_passes_a_record_whose_dead_letter_is_refused_and_it_is_not_lost(
    tmp_path: Path, broken_broker: Broker, postgres: str, unique: str, reason: str, trials: Trials
) -> None:
    kafka = broken_broker.address
    names = [f"{unique}-{number}" for number in range(trials.share(len(REFUSALS)))]
    with worker(tmp_path, settings(kafka, unique)) as running:
        with ExitStack() as refusing:
            for name in names:
                create_topic(kafka, name)
                create_topic(kafka, f"{name}-dlq")
                refusing.enter_context(REFUSALS[reason](broken_broker, f"{name}-dlq"))
                running.create(sql_sink(name, postgres) | tolerant(f"{name}-dlq"))
                produce(kafka, name, [row(0), POISON, row(2)])
            for name in names:
                until(lambda name=name: is_stuck(running, name), 120, f"{name} to say that its dead letter is refused")  # type: ignore[misc]
                assert committed(running, name) <= 1
                assert Table(postgres, name).ids() in ([], [0])
        for name in names:
            running.call("POST", f"/connectors/{name}/restart?includeTasks=true")
        for name in names:
            until(lambda name=name: committed(running, name) == 3, 120, f"{name} to go on")  # type: ignore[misc]
            assert Table(postgres, name).ids() == [0, 2]
            assert [letter.value() for letter in consume(kafka, f"{name}-dlq")] == [POISON]
    trials.held(len(names))


def is_stuck(running: Worker, name: str) -> bool:
    """Whether the task is FAILED with a trace that names the record and the queue."""
    (task,) = running.call("GET", f"/connectors/{name}/status")["tasks"] or [{"state": "", "trace": ""}]
    return task["state"] == "FAILED" and f"{name}-0@1" in task["trace"] and f"{name}-dlq" in task["trace"]
