"""What an operator does after accidents: a backfill into a damaged table, a replay of dead letters when their cause is
mended, an archive put back into topics."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from ferryman.demo.facts import flows
from ferryman.demo.facts.errors import DemoError
from ferryman.demo.facts.flows import Flow
from ferryman.demo.facts.ledger import Identity
from ferryman.demo.facts.targets import Restored
from ferryman.demo.readers.archive import Archive
from ferryman.demo.readers.topics import Coordinates
from ferryman.demo.readers.warehouse import Warehouse
from ferryman.demo.running_demo import RunningDemo

REFUSED = 2
"""Payments at least."""
_STAGE = "TASK_PUT"
_LETTERS = f"/connectors/{flows.PAYMENT_INSERT}/dead-letters?stage={_STAGE}&limit=1000"
_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Repaired:
    """What was out of order, and is no longer."""

    damaged: Sequence[Identity]
    """Rows of upserted events that were deleted or overwritten."""
    refused: Sequence[Coordinates]
    """Where the payments lie that the warehouse refused for a while."""


def repair(demo: RunningDemo) -> Repaired:
    """Two accidents in the warehouse while everything flows, and how they are mended."""
    constrained = Constrained(demo.stack.addresses["postgres"])
    constrained.begin()
    demo.view.happened(f"somebody forbids declined payments in the table {flows.PAYMENT_LOG}")
    damaged = backfill(demo)
    demo.wait("payments that are refused", _Look(lambda: len(_origins(_told(demo, _LETTERS))) >= REFUSED).done)
    constrained.end()
    return Repaired(damaged, replay(demo))


@dataclass(frozen=True, slots=True)
class Constrained:
    """The table of payments, as long as somebody thinks that declined ones do not belong there."""

    postgres: str

    def begin(self) -> None:
        with _warehouse(self.postgres) as warehouse:
            warehouse.forbid(flows.PAYMENT_LOG, "status", "failed")

    def end(self) -> None:
        with _warehouse(self.postgres) as warehouse:
            warehouse.allow(flows.PAYMENT_LOG)


def replay(demo: RunningDemo) -> list[Coordinates]:
    """The dead letters of payments that the warehouse takes by now go their connector's way once more.

    Returns where their records lie, once they are through.
    """
    ends = demo.topics.ends([flows.PAYMENTS])
    demo.wait("the last refused payment", lambda: demo.topics.lag(flows.PAYMENT_INSERT, ends) == 0)
    refused = _origins(demo.worker.ask("GET", _LETTERS))
    path = f"/connectors/{flows.PAYMENT_INSERT}/dead-letters/replay"
    run = demo.worker.ask("POST", path, json.dumps({"stage": _STAGE}))
    demo.view.happened(f"the payments are allowed again; {run['letters']} dead letters are replayed")
    _finished(demo, run["name"], "the replay")
    return refused


def _origins(answer: Mapping[str, Any] | None) -> list[Coordinates]:
    """Where the records of letters lie."""
    origins = [letter["origin"] for letter in (answer or {"letters": []})["letters"]]
    return sorted({(each["topic"], each["partition"], each["offset"]) for each in origins})


def backfill(demo: RunningDemo) -> list[Identity]:
    """Rows of the upserted tables are lost and spoilt, and a backfill beside the live connector makes them whole.

    Returns which rows these were, once it is through.
    """
    tables = [flows.table(topic) for topic in flows.UPSERTED_TOPICS]
    demo.wait("rows to be damaged", lambda: all(demo.glance.rows.get(table) for table in tables))
    damaged = _damage(demo.stack.addresses["postgres"])
    demo.view.happened(f"somebody deletes and overwrites {len(damaged)} rows of the warehouse")
    run = demo.worker.ask("POST", f"/connectors/{flows.EVENT_UPSERT}/backfill", "{}")
    demo.view.happened(f"a backfill of {flows.EVENT_UPSERT} over {run['records']:,} offsets; the connector goes on")
    _finished(demo, run["name"], "the backfill")
    return damaged


def _finished(demo: RunningDemo, run: str, what: str) -> None:
    """Waits until a run is through, and deletes it."""
    began = time.monotonic()

    def is_complete() -> bool:
        status = _told(demo, f"/connectors/{run}/status")
        return bool(status and (status.get("run") or {}).get("complete"))

    def is_deleted() -> bool:
        with suppress(DemoError):
            demo.worker.ask("DELETE", f"/connectors/{run}")
            return True
        return False

    demo.wait(what, _Look(is_complete).done)
    demo.wait(f"{what} to be deleted", _Look(is_deleted).done)
    demo.view.happened(f"{what} was through after {time.monotonic() - began:.1f} s")


@contextmanager
def _warehouse(postgres: str) -> Iterator[Warehouse]:
    warehouse = Warehouse(postgres)
    try:
        yield warehouse
    finally:
        warehouse.close()


def _damage(postgres: str) -> list[Identity]:
    found: list[Identity] = []
    with _warehouse(postgres) as warehouse:
        for topic in flows.UPSERTED_TOPICS:
            table = flows.table(topic)
            if topic == flows.SPOILT_TOPIC:
                keys = warehouse.spoil(table, flows.SPOILT_COLUMN, flows.DAMAGED)
            else:
                keys = warehouse.lose(table, flows.DAMAGED)
            found += [(topic, key) for key in keys]
    return found


def restore(demo: RunningDemo, flow: Flow) -> Restored:
    """The whole archive is put back into topics beside the original ones."""
    archive = Archive(demo.stack.addresses["s3"])
    records, lasts = sum(archive.counts().values()), archive.lasts()
    began = time.monotonic()
    demo.worker.post(flow)
    demo.view.happened(f"{flow.name} puts {records:,} records of the archive into topics {flows.RESTORED}*")
    look = _Look(lambda: _read_to_their_ends(_told(demo, f"/connectors/{flow.name}/offsets")) >= lasts)
    demo.wait("the archive's records", look.done)
    seconds = time.monotonic() - began
    demo.view.happened(f"the archive was put back after {seconds:.1f} s")
    return Restored(records, seconds)


def _told(demo: RunningDemo, path: str) -> Mapping[str, Any] | None:
    """What the worker answers; None while it cannot, as one of a group that has not heard of a connector yet."""
    with suppress(DemoError):
        told: Mapping[str, Any] = demo.worker.ask("GET", path)
        return told
    return None


def _read_to_their_ends(answer: Mapping[str, Any] | None) -> set[str]:
    """The objects that an S3 source has committed all records of, of those that it read last."""
    offsets = [each["offset"] for each in (answer or {"offsets": []})["offsets"]]
    return {each["object"] for each in offsets if each["end"]}


class _Look:
    """Asks the worker now and then, not each time that it is called."""

    def __init__(self, ask: Callable[[], bool]) -> None:
        self._ask, self._next = ask, 0.0

    def done(self) -> bool:
        if time.monotonic() < self._next:
            return False
        answer = self._ask()
        self._next = time.monotonic() + _LOOK_SECONDS
        return answer
