"""The offsets of connectors, read and moved for REST: in threads, with the clients that a connector's config says."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ferryman.connector import own_offsets_topic
from ferryman.errors import RequestError
from ferryman.kafka.clients import Clients
from ferryman.offsets.stores import Reads, Stores
from ferryman.plugin_process import ends
from ferryman.plugins import catalog, named
from ferryman.telemetry.owners import Owner
from ferryman.worker.control.worker_resources import WorkerResources
from ferryman.worker.offsets.connector_offsets import Asks, ConnectorOffsets
from ferryman.worker.plugin_code.processes import Asked
from ferryman.worker.pool import DEADLINE_SECONDS, Pool

Outcome = TypeVar("Outcome")


class Offsets:
    """The offsets of all connectors of one worker."""

    def __init__(self, resources: WorkerResources) -> None:
        self._resources = resources
        self._pool = Pool("offsets", 8, 64)

    async def of(
        self, name: str, raw: Mapping[str, str], owner: Owner, stage: str, call: Callable[[ConnectorOffsets], Outcome]
    ) -> Outcome:
        """The result of ``call`` on a connector's offsets. RequestError where that cannot be."""

        resources, loop = self._resources, asyncio.get_running_loop()
        deadline = loop.time() + DEADLINE_SECONDS

        def asks(question: Mapping[str, Any]) -> bool:
            moves = question["ask"] != ends.ASK
            asked = Asked(question, named.connector(question["config"]), stage, once=moves)
            answer = resources.plugins.ask(asked, max(0.0, deadline - loop.time()))
            return bool(asyncio.run_coroutine_threadsafe(answer, loop).result())

        asker, asking = resources.offsets.from_thread(
            name, resources.settings.values, resources.settings.references.rows()
        )

        def made() -> Outcome:
            with owner.keeps():  # its clients protect their passwords
                return call(self._connector_offsets(name, raw, owner, asking.read, asks))

        try:
            return await self._pool.run(stage, made)
        finally:
            resources.offsets.release(asker)

    def _connector_offsets(
        self, name: str, raw: Mapping[str, str], owner: Owner, reads: Reads, asks: Asks
    ) -> ConnectorOffsets:
        resources = self._resources
        entry = catalog.connector_entry(raw.get("connector.class", ""))
        if entry is None:
            raise RequestError(500, f"The offsets of connector {name} are out of reach: its class cannot be loaded")
        values = resources.resolved(owner, raw).values
        clients = Clients(name, 0, resources.settings.values, values, resources.identity)
        workers = resources.settings.config.offset_storage_topic
        stores = Stores(clients, own_offsets_topic(values) or workers, workers, resources.seeds, reads)
        transactional = resources.settings.config.transactional_sources
        return ConnectorOffsets(entry.kind == "sink", clients, stores, transactional, asks)
