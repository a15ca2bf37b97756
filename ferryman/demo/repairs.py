"""What an operator does after an accident: a backfill into a damaged table, and an archive put back into topics."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ferryman.demo.facts import flows
from ferryman.demo.facts.flows import Flow
from ferryman.demo.facts.ledger import Identity
from ferryman.demo.facts.targets import Restored
from ferryman.demo.readers.archive import Archive
from ferryman.demo.readers.warehouse import Warehouse
from ferryman.demo.running_demo import RunningDemo

DAMAGED = 50
"""Rows of each table."""
_LOOK_SECONDS = 0.5


def backfill(demo: RunningDemo) -> list[Identity]:
    """Rows of the upserted tables are lost and spoilt, and a backfill beside the live connector makes them whole.

    Returns which rows these were, once it is through.
    """
    tables = [flows.table(topic) for topic in flows.UPSERTED_TOPICS]
    demo.wait("rows to be damaged", lambda: all(demo.glance.rows.get(table) for table in tables))
    damaged = _damage(demo.stack.addresses["postgres"])
    demo.view.happened(f"{len(damaged)} rows of the warehouse are deleted or overwritten by somebody")
    answer = demo.worker.ask("POST", f"/connectors/{flows.EVENT_UPSERT}/backfill", "{}")
    name, records = answer["name"], answer["records"]
    demo.view.happened(f"a backfill of {flows.EVENT_UPSERT} began, {records:,} offsets; the connector itself goes on")
    began = time.monotonic()
    look = _Look(lambda: _is_complete(demo, name))
    demo.wait("the backfill", look.done)
    demo.worker.ask("DELETE", f"/connectors/{name}")
    demo.view.happened(f"the backfill was through after {time.monotonic() - began:.1f} s")
    return damaged


def _damage(postgres: str) -> list[Identity]:
    warehouse = Warehouse(postgres)
    try:
        found: list[Identity] = []
        for topic in flows.UPSERTED_TOPICS:
            table = flows.table(topic)
            keys = (
                warehouse.spoil(table, flows.SPOILT_COLUMN, DAMAGED)
                if topic == flows.SPOILT_TOPIC
                else warehouse.lose(table, DAMAGED)
            )
            found += [(topic, key) for key in keys]
        return found
    finally:
        warehouse.close()


def _is_complete(demo: RunningDemo, name: str) -> bool:
    status: Mapping[str, Any] = demo.worker.ask("GET", f"/connectors/{name}/status")
    return bool((status.get("run") or {}).get("complete"))


def restore(demo: RunningDemo, flow: Flow) -> Restored:
    """The whole archive is put back into topics beside the original ones."""
    archive = Archive(demo.stack.addresses["s3"])
    records, lasts = sum(archive.counts().values()), archive.lasts()
    began = time.monotonic()
    demo.worker.post(flow)
    demo.view.happened(f"{flow.name} puts {records:,} records of the archive into topics {flows.RESTORED}*")
    look = _Look(lambda: _read_to_their_ends(demo.worker.ask("GET", f"/connectors/{flow.name}/offsets")) >= lasts)
    demo.wait("the archive's records", look.done)
    seconds = time.monotonic() - began
    demo.view.happened(f"the archive was put back after {seconds:.1f} s")
    return Restored(records, seconds)


def _read_to_their_ends(answer: Mapping[str, Sequence[Mapping[str, Any]]]) -> set[str]:
    """The objects that an S3 source has committed all records of, of those that it read last."""
    offsets = [each["offset"] for each in answer["offsets"]]
    return {each["object"] for each in offsets if each["end"]}


class _Look:
    """Asks the worker now and then, not each time that somebody wants to know."""

    def __init__(self, ask: Callable[[], bool]) -> None:
        self._ask, self._next = ask, 0.0

    def done(self) -> bool:
        if time.monotonic() < self._next:
            return False
        answer = self._ask()
        self._next = time.monotonic() + _LOOK_SECONDS
        return answer
