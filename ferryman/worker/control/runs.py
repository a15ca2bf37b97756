"""The runs that a worker knows of: looks how far each is, and has the leader stop those that are complete.

Nothing tells of completion that could get lost: it is seen in what the run's group has committed. A run is looked at
while it is to run, and once more after that.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

from confluent_kafka import KafkaException

from ferryman.errors import ConfigError, FerrymanError
from ferryman.facts.fold import ConnectorFacts
from ferryman.facts.states import TargetState
from ferryman.runs.keys import RunKeys
from ferryman.runs.progress import Progress, Watch
from ferryman.worker import run_offsets
from ferryman.worker.control.offsets import Offsets
from ferryman.worker.control.plane import Plane
from ferryman.worker.herder import Forward
from ferryman.worker.run_offsets import Standing

log = logging.getLogger(__name__)
LOOK = 2.0
"""Seconds between two looks."""

State = tuple[int, TargetState]
"""Which config a run has, and what is wanted of it."""


class Runs:
    """Those of one worker. ``stop`` is what ends a run that is complete."""

    def __init__(self, plane: Plane, offsets: Offsets, stop: Callable[[str], Awaitable[None]]) -> None:
        self._plane, self._offsets, self._stop = plane, offsets, stop
        self._watches: dict[str, Watch] = {}
        self._states: dict[str, State] = {}
        """In which state each was looked at last."""
        self._versions: dict[str, tuple[int, RunKeys | None]] = {}
        self._watching: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to look, until ``close``."""
        self._watching = asyncio.create_task(self._watch())

    def close(self) -> None:
        """Looks no more."""
        if self._watching is not None:
            self._watching.cancel()

    def progress(self, name: str) -> Progress | None:
        """How far a run is, as it was seen last; None of what is no run, or was not looked at yet."""
        watch = self._watches.get(name)
        return None if watch is None else watch.latest

    async def _watch(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("cannot look at the runs")
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Looks at all runs once."""
        known = self._plane.journal.facts.connectors
        runs = {name: keys for name, facts in list(known.items()) if (keys := self._keys(name, facts)) is not None}
        for name in [name for name in self._watches if name not in runs]:
            self._watches.pop(name)
            self._states.pop(name, None)
        await asyncio.gather(*(self._look_at(name, keys) for name, keys in runs.items()))

    def _keys(self, name: str, facts: ConnectorFacts) -> RunKeys | None:
        if facts.properties is None:
            self._versions.pop(name, None)
            return None
        version, found = self._versions.get(name, (-1, None))
        if version != (facts.version or 0):
            self._watches.pop(name, None)
            try:
                found = RunKeys.of(facts.properties)
            except ConfigError:
                found = None
            self._versions[name] = (facts.version or 0, found)
        return found

    async def _look_at(self, name: str, keys: RunKeys) -> None:
        facts = self._plane.journal.facts.of(name)
        state = (facts.version or 0, facts.target)
        if facts.target is not TargetState.RUNNING and self._states.get(name) == state:
            return
        try:
            reached = await self._reached(name, keys, facts.properties or {})
        except (FerrymanError, KafkaException) as error:
            log.debug("cannot look how far run %s is: %s", name, error)
            return
        self._states[name] = state
        progress = self._watches.setdefault(name, Watch(keys)).look(reached.offsets, time.monotonic(), reached.pace)
        if progress.complete and facts.target is TargetState.RUNNING and self._plane.members.leads:
            await self._end(name)

    async def _reached(self, name: str, keys: RunKeys, raw: Mapping[str, str]) -> Standing:
        owner = self._plane.owner(name)
        return await self._offsets.of(
            name,
            raw,
            owner,
            f"looking how far run {name} is",
            lambda found: run_offsets.committed(found.clients, keys.ranges),
        )

    async def _end(self, name: str) -> None:
        log.info("run %s is complete", name)
        try:
            await self._stop(name)
        except (FerrymanError, Forward) as error:
            log.warning("run %s is complete and cannot be stopped yet: %s", name, error)
