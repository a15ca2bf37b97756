"""Watches runs and bounded sources; has the leader stop those that are complete.

Nothing tells of completion that could get lost: it is seen in what was committed, by the group of a sink that is a run,
or with the offsets of a source, which may end without being a run. Each is looked at while it is to run, and once more
each time that it is not to run any more, also where it was to run only between two looks.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from confluent_kafka import KafkaException

from ferryman.connector import ConnectorConfig
from ferryman.errors import ConfigError, FerrymanError, RequestError
from ferryman.facts.fold import ConnectorFacts
from ferryman.facts.states import State, TargetState
from ferryman.plugins import catalog
from ferryman.runs.keys import PREFIX, RunKeys, SourceRunKeys
from ferryman.runs.progress import Progress, SourceWatch, Watch
from ferryman.telemetry.owners import Owner
from ferryman.telemetry.redaction import redact
from ferryman.worker.control.plane import Plane
from ferryman.worker.herder import Forward
from ferryman.worker.offsets import run_offsets
from ferryman.worker.requests.offsets import Offsets

log = logging.getLogger(__name__)
POLL_SECONDS = 2.0
"""Seconds between two looks."""

AT_ONCE = 4
"""How many are checked at the same time."""

Seen = tuple[int | None, int | None]
"""The versions of the config that one has and of what is wanted of it. Not what is wanted: that may be the same as at
the last check and have been different in between."""


class Runs:
    """The runs of one worker. ``stop`` is what ends one that is complete."""

    def __init__(self, plane: Plane, offsets: Offsets, stop: Callable[[str], Awaitable[None]]) -> None:
        self._plane, self._offsets, self._stop = plane, offsets, stop
        self._watches: dict[str, tuple[int, Watch | SourceWatch | None]] = {}
        """By name, for the version of its config; None of what comes to no end."""
        self._seen: dict[str, Seen] = {}
        """The state of each at its last check."""
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._watching: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to look, until ``close``."""
        self._watching = asyncio.create_task(self._watch())

    def close(self) -> None:
        """Looks no more."""
        if self._watching is not None:
            self._watching.cancel()

    def progress(self, name: str) -> Progress | None:
        """The progress of one, as it was last seen; None if it has no end, or was not checked yet."""
        watch = self._watches.get(name, (0, None))[1]
        return None if watch is None else watch.latest

    def replaying(self) -> Sequence[str]:
        """The replays of dead letters that have not come to their end. Of any thread."""
        known = dict(self._plane.journal.facts.connectors)
        replays = [name for name, each in known.items() if (each.properties or {}).get(f"{PREFIX}letters")]
        return [name for name in replays if not ((seen := self.progress(name)) and seen.complete)]

    async def _watch(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("the runs could not be checked")
            await asyncio.sleep(POLL_SECONDS)

    async def look(self) -> None:
        """Looks at all of them once."""
        known = {name: facts for name, facts in self._plane.journal.facts.connectors.items() if facts.properties}
        for name in [name for name in self._watches if name not in known]:
            self._watches.pop(name)
            self._seen.pop(name, None)
        watches = {name: self._watched(name, facts) for name, facts in known.items()}
        await asyncio.gather(*(self._look_at(name, watch) for name, watch in watches.items() if watch is not None))

    def _watched(self, name: str, facts: ConnectorFacts) -> Watch | SourceWatch | None:
        version, found = self._watches.get(name, (-1, None))
        if version != (facts.version or 0):
            self._seen.pop(name, None)
            found = _watch(facts.properties or {})
            self._watches[name] = (facts.version or 0, found)
        return found

    async def _look_at(self, name: str, watch: Watch | SourceWatch) -> None:
        facts = self._plane.journal.facts.of(name)
        seen = (facts.version, facts.target_version)
        if facts.target is not TargetState.RUNNING and self._seen.get(name) == seen:
            return
        # Statuses before tallies: a task takes back its old tally before it runs, and runs when it commits its last.
        runs, rests = self._all_run(name, len(facts.tasks)), not self._some_run(name)
        try:
            async with self._turns:
                progress = await self._looked(name, facts, watch)
        except (FerrymanError, KafkaException) as error:
            log.debug("the progress of %s could not be read: %s", name, error)
            return
        except Exception:
            log.exception("the progress of %s could not be read, and will not be until its config changes", name)
            progress = None
        if self._watches.get(name) != (facts.version or 0, watch):
            return  # it has another config by now
        if rests:
            self._seen[name] = seen
        if progress is None:
            self._watches[name] = (facts.version or 0, None)
            return
        over = progress.complete and (
            isinstance(watch, Watch) or (runs and facts == self._plane.journal.facts.of(name))
        )
        if over and facts.target is TargetState.RUNNING and self._plane.members.leads:
            await self._end(name)

    def moved(self, name: str) -> None:
        """The offsets of a stopped one have been altered: it is checked again."""
        self._seen.pop(name, None)

    async def left(self, name: str, raw: Mapping[str, str], live: str) -> int:
        """How many records of a run of a live connector, which is about to be made, another of its name has done
        before: it will go on behind them. RequestError 409 if these are all, 500 if that cannot be found out."""
        watch = _watch(raw)
        assert watch is not None
        try:
            progress = await self._asked(name, raw, self._plane.owner(live), 0, watch)
        except KafkaException as error:
            text = f"Kafka does not say how far an earlier run {name} got: {error.args[0].str()}"
            raise RequestError(500, redact(text)) from error
        if progress is None:
            return 0
        if progress.complete and (progress.records_done or isinstance(watch, SourceWatch)):
            raise RequestError(
                409,
                f"A run named {name} has already completed. Choose another name",
            )
        return progress.records_done

    async def _looked(self, name: str, facts: ConnectorFacts, watch: Watch | SourceWatch) -> Progress | None:
        return await self._asked(name, facts.properties or {}, self._plane.owner(name), len(facts.tasks), watch)

    async def _asked(
        self, name: str, raw: Mapping[str, str], owner: Owner, tasks: int, watch: Watch | SourceWatch
    ) -> Progress | None:
        """How far it is now; None of a source that comes to no end."""
        what = f"reading the progress of {name}"
        if isinstance(watch, Watch):
            ranges = watch.keys.ranges
            reached = await self._offsets.of(
                name, raw, owner, what, lambda found: run_offsets.committed(found.clients, ranges)
            )
            return watch.look(reached.offsets, time.monotonic(), reached.pace, reached.refused)
        ends = watch.ends or watch.keys is not None
        tallies = await self._offsets.of(name, raw, owner, what, lambda found: run_offsets.tallies_of(found, ends))
        watch.ends = tallies is not None
        return None if tallies is None else watch.look(tallies, tasks, time.monotonic())

    def _all_run(self, name: str, tasks: int) -> bool:
        shown = self._plane.board.tasks(name)
        return tasks > 0 and all(number in shown and shown[number].state is State.RUNNING for number in range(tasks))

    def _some_run(self, name: str) -> bool:
        return any(each.state is State.RUNNING for each in self._plane.board.tasks(name).values())

    async def _end(self, name: str) -> None:
        log.info("%s is complete", name)
        try:
            await self._stop(name)
        except (FerrymanError, Forward) as error:
            log.warning("%s is complete and cannot be stopped yet: %s", name, error)


def _watch(raw: Mapping[str, str]) -> Watch | SourceWatch | None:
    """What follows a connector; None if it is known to come to no end. Whether a source does, its own code says."""
    entry = catalog.connector_entry(raw.get("connector.class", ""))
    if entry is None:
        return None
    try:
        if entry.kind != "sink":
            return SourceWatch(SourceRunKeys.of(raw), most=ConnectorConfig.parse(raw).tasks_max)
        keys = RunKeys.of(raw)
    except ConfigError:
        return None
    return None if keys is None else Watch(keys)
