"""Who else is in the group: which worker decides, which one runs what, and how they are asked."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeVar
from urllib.parse import quote

import orjson

from ferryman.errors import RequestError, RetriableError
from ferryman.facts.config_records import Properties
from ferryman.facts.fold import ConnectorFacts
from ferryman.membership.member import Member
from ferryman.metrics.exposition import Sample
from ferryman.rest.forwarding import OtherWorkers
from ferryman.rest.internal_endpoints import VERSION
from ferryman.settings.settings import Settings
from ferryman.worker import askers
from ferryman.worker.distributed import group_samples
from ferryman.worker.distributed.duties import Duties
from ferryman.worker.distributed.group import Group
from ferryman.worker.distributed.journal import Journal
from ferryman.worker.distributed.share import Share, ShareOfWork
from ferryman.worker.herder import Forward, Session

Found = TypeVar("Found")
REBALANCE_SECONDS, POLL_SECONDS = 20.0, 0.5
"""Seconds that a request waits for the end of a rebalance before it is refused, and between two looks while this worker
hears nothing of its group."""
NOT_STOPPED = (
    "Failed to modify offsets for connector {connector} because its tasks haven't stopped completely yet. If the "
    "connector is in a stopped state, this operation can be safely retried."
)
"""With status 500; after Kafka's words for a sink whose group still has members."""
FIRST_SIGNED_VERSION = 2
"""From this version of the group's protocol on, requests between workers are signed."""


class Members:
    """A worker in its group."""

    alone = False

    def __init__(
        self,
        settings: Settings,
        group: Group,
        journal: Journal,
        share: ShareOfWork,
        duties: Duties,
        others: OtherWorkers,
    ) -> None:
        self._config = settings.distributed
        self._group, self._journal, self._share = group, journal, share
        self._duties, self._others = duties, others

    @property
    def _member(self) -> Member:
        return self._group.member

    @property
    def assigned(self) -> Share:
        """What of the work is this worker's now."""
        return self._share.now

    @property
    def leads(self) -> bool:
        """Whether this worker decides for all."""
        return self._group.leads

    @property
    def generation(self) -> int:
        """The group's, as this worker knows it."""
        return self._member.generation

    @property
    def failure(self) -> str | None:
        """Why this worker is in no group, where it is in none."""
        return self._member.failure

    @property
    def signs(self) -> bool:
        """Whether requests between workers are signed."""
        return self._member.protocol_version >= FIRST_SIGNED_VERSION

    def samples(self) -> Iterable[Sample]:
        """The metrics of this worker's place in its group."""
        return group_samples.samples(self._member, self._share.now.work)

    async def lead(self) -> None:
        """Returns on the worker that decides for all; elsewhere it raises Forward."""

        def leader() -> str | None:
            return self._member.leader_url if self.leads or not self._member.leads else None

        url = await self._in_time(leader)
        if not self.leads:
            raise Forward(url, lambda: leader() in (url, None))

    async def own(self, connector: str, task: int | None = None) -> None:
        """Returns on the worker that runs this; elsewhere it raises Forward."""

        def here() -> bool:
            return self._group.holds_place and self.assigned.has(connector, task)

        def where() -> str | None:
            if not self._group.holds_place:
                return None  # who has slept does not know yet what it has lost
            if here():
                return self._member.url
            return self._member.owner(connector, task) if self.leads else self._member.leader_url

        url = await self._in_time(where)
        if not here():
            raise Forward(url, lambda: where() in (url, None))

    async def gone(self, connector: str) -> None:
        """Waits until no task of a stopped connector is left on any worker, also on one that was lost: its session is
        over by then, and so are its leases. RequestError 500 if that takes too long, or another worker leads."""

        def gone() -> bool | None:
            tasks = self._member.tasks
            return None if tasks is None or any(name == connector for name, _ in tasks) else True

        if not await self._in_time(gone):
            raise RequestError(500, NOT_STOPPED.format(connector=connector))

    async def _in_time(self, find: Callable[[], Found | None]) -> Found | None:
        """What is not known while the group shares its work out anew, as soon as it is, if that is soon, and whoever
        asked has waited as long."""
        if (found := find()) is not None:
            return found
        deadline = asyncio.get_running_loop().time() + REBALANCE_SECONDS
        while find() is None and asyncio.get_running_loop().time() < deadline:
            await self._group.moves(POLL_SECONDS)
        await askers.look()
        return find()

    @property
    def session(self) -> Session | None:
        """What requests of other workers must be signed with; None while some member does not sign."""
        if not self.signs:
            return None
        known = self._journal.facts.session_key
        return Session(None if known is None else known.key, self._config.inter_worker_verification_algorithms)

    async def accept_task_configs(self) -> None:
        """Returns where another worker may hand over tasks' configs; elsewhere as ``lead``."""
        await self.lead()

    async def fence(self, connector: str) -> None:
        """Keeps the former tasks of a source out of its transactions. RequestError where that cannot be."""
        await self.lead()
        await self._duties.fencing.fence(connector)

    def facts_changed(self, connectors: Collection[str]) -> None:
        """The facts of these are others, and perhaps the work that is to be shared out."""
        self._group.facts_changed(connectors)
        self._duties.facts_changed(connectors, self.leads)

    def may_start(self, facts: ConnectorFacts) -> bool:
        """Whether no former task of a source can still write."""
        return self._duties.fencing.may_start(facts)

    async def hand_over(self, connector: str, configs: Sequence[Properties], version: int) -> None:
        """Gives the tasks' configs of a connector that runs here, and the version of its config that they are made of,
        to the leader. Raises what is in the way, which may pass."""
        url = self._member.leader_url
        if url is None:
            raise RetriableError(f"the tasks of {connector} are not known to the group: it has no leader now")
        key = self._journal.facts.session_key
        path = f"connectors/{quote(connector, safe='')}/tasks?{VERSION}={version}"
        await self._others.send_signed(
            "POST",
            f"{url}{path}",
            orjson.dumps([dict(each) for each in configs]),
            key.key if key is not None and self.signs else None,
            self._config.inter_worker_signature_algorithm,
            stands=lambda: self._member.leader_url in (url, None),
        )
