"""What is made of the crashes of a task's processes: which record they die of, if it is one.

A process that crashes by itself leaves a note of what it worked on (``task.crash_evidence.at_work``)::

    died while decoding or transforming the same records, three times   ──► they are tried apart, by a ``Probe``
        single records kill the probe     ──► guilty: the next process judges them without touching them
        none does                         ──► the task fails, and names the range
    died over the same records of a source's poll, three    ──► the next process tries them step by step, since nobody
    times                                                       else has them
        it dies over a single one                           ──► guilty, as above
        it dies all the same                                ──► the task fails, and names where the poll began
    died while the sink was putting the same records, three times       ──► the task fails, and names the range: a put
                                                                            that is only tried may have been made
    died of anything else                                               ──► ``retry.breaker``, as after a kill
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ferryman.plugins import named
from ferryman.record import Coordinates
from ferryman.task.crash_evidence import at_work
from ferryman.task.crash_evidence.at_work import CONVERT, POLLED, PUT, STAGES, AtWork, Note, Offsets
from ferryman.task.crash_evidence.guilty import Guilty
from ferryman.task.setup.control import LONGEST_MESSAGE
from ferryman.task.setup.spec import TaskSpec
from ferryman.telemetry import place
from ferryman.worker.forks.forked import Forks
from ferryman.worker.processes.supervised_process import LastMessage, SupervisedProcess

log = logging.getLogger(__name__)

DEATHS_TO_SUSPECT = 3
"""Deaths over the same records that make them suspect."""
MAX_UNEXPLAINED_DEATHS = 3
"""Deaths of a probe that say nothing about records, before it is given up."""


@dataclass
class Suspicion:
    """The deaths of one task's processes, by what they worked on. Pure."""

    last: Note | None = None
    times: int = 0

    def died(self, at: Note | None) -> Note | None:
        """A process died, working on that; returns it when that makes it suspect. What it did between two pieces of
        work says nothing."""
        if at is None:
            return None
        self.times = self.times + 1 if self.last is not None and _alike(self.last, at) else 1
        self.last = at
        if self.times < DEATHS_TO_SUSPECT:
            return None
        self.last, self.times = None, 0
        return at


def _alike(one: Note, other: Note) -> bool:
    return one.stage == other.stage and any(a.overlaps(b) for a in one.ranges for b in other.ranges)


@dataclass
class Search:
    """The search for guilty records in a range, by halves. Pure."""

    left: list[Offsets]
    """What is still to be tried, in order."""
    guilty: list[Guilty] = field(default_factory=list)

    def tried(self, last: int) -> None:
        """Everything up to this offset has been tried without a crash."""
        self.left = [_after(each, last) for each in self.left if each.last > last]

    def died(self, at: Note, how: str) -> None:
        """A process died, working on a part of the first range."""
        (there,) = at.ranges
        rest = [_after(each, there.last) for each in self.left if each.last > there.last]
        if at.stage == CONVERT:
            middle = (there.first + there.last) // 2
            rest = [there._replace(last=middle), there._replace(first=middle + 1), *rest]
        else:
            self.guilty.append(Guilty(there.topic, there.partition, there.first, at.stage, at.plugin, how))
        self.left = rest


def _after(offsets: Offsets, last: int) -> Offsets:
    return offsets._replace(first=max(offsets.first, last + 1))


class Probe:
    """The processes that try suspect records, one after the other; what runs in them is ``task.probe``."""

    def __init__(self, forks: Forks, spec: TaskSpec, memory: int, suspect: Offsets) -> None:
        self.search = Search([suspect])
        self.problem = ""
        """Why nothing could be found out, if so."""
        self._spec = spec
        self._at_work = AtWork()
        self._unexplained = 0
        name = f"probe of task {spec.connector}-{spec.task}"
        modules = named.modules(spec.plugins)
        self.processes = SupervisedProcess(forks, "task", name, modules, self, LONGEST_MESSAGE, memory)

    async def found(self) -> Sequence[Guilty]:
        """The guilty records, once all have been tried; none where ``problem`` says why."""
        self.processes.start()
        await self.processes.gone()
        self._at_work = AtWork()
        return self.search.guilty

    # What its processes tell; see ``supervised_process.Supervised``.

    def descriptor(self) -> int:
        """Memory for a new process to note in what it tries."""
        descriptor = at_work.shared()
        self._at_work = AtWork(descriptor)
        return descriptor

    def first_messages(self) -> list[bytes]:
        """What a new process is told."""
        return [replace(self._spec, probe=[list(each) for each in self.search.left]).dump()]

    def on_message(self, message: Mapping[str, Any]) -> LastMessage | None:
        """It has tried a range, or all, or could not."""
        match message["event"]:
            case "tried":
                self.search.tried(message["last"])
            case "failed":
                self.problem = message["trace"]
        return "last" if message["event"] in ("ended", "failed") else None

    async def restart_after_failure(self, lived: float) -> bool:
        """Nothing is left to be tried, or nothing can be."""
        return False

    async def crashed(self, how: str) -> bool:
        """It died over what it tried, which is what it is for; or of anything else."""
        note = self._at_work.read()
        if note is not None:
            self.search.died(note, how)
            self.processes.breaker.lives()
            return not self.search.left
        return self._dies_unexplained(how)

    def died(self, failure: str | None) -> None:
        """Another process follows, unless too many of them were killed."""
        if failure is not None:
            self.problem = failure
            self.processes.end()

    def recovered(self) -> None:
        """It does not fail before it is over."""

    def _dies_unexplained(self, how: str) -> bool:
        self._unexplained += 1
        self.problem = f"its process {how}" if self._unexplained >= MAX_UNEXPLAINED_DEATHS else ""
        return bool(self.problem)


class Crashes:
    """The crashes of one task's processes, over all of them."""

    def __init__(self, forks: Forks, memory: int) -> None:
        self._forks, self._memory = forks, memory
        self._at_work = AtWork()
        self._suspicion = Suspicion()
        self._probe: Probe | None = None
        self._tried: Note | None = None
        """What a source's process was told to try step by step."""

    def descriptor(self) -> int:
        """Memory for a new process to note in what it is at work on."""
        descriptor = at_work.shared()
        self._at_work = AtWork(descriptor)
        return descriptor

    async def examined(self, spec: TaskSpec, how: str) -> Sequence[Guilty] | Note | str:
        """A process has crashed. Returns the records that were found guilty of it, if any, what the next process is to
        try step by step, or why the task fails."""
        note = self._at_work.read()
        if note is not None and note.stage not in STAGES:
            (there,) = note.ranges
            return self._found([Guilty(there.topic, there.partition, there.first, note.stage, note.plugin, how)])
        if note is not None and self._tried is not None and _alike(self._tried, note):
            self._tried = None
            return (
                f"the process of task {spec.connector}-{spec.task} {how} once more while it converted {note}, and no "
                "single record kills a process by itself"
            )
        suspect = self._suspicion.died(note)
        if suspect is None:
            return []
        times = f"the process of task {spec.connector}-{spec.task} {how}, for the third time"
        if suspect.stage == POLLED:
            log.warning("%s while it converted %s; these are tried one by one", times, suspect)
            self._tried = suspect
            return suspect
        if suspect.stage == PUT:
            return f"{times} while its sink was putting {suspect}"
        log.warning("%s while it converted %s; these are tried separately", times, suspect)
        self._probe = Probe(self._forks, spec, self._memory, suspect.ranges[0])
        found = await self._probe.found()
        problem = self._probe.problem
        self._probe = None
        if found:
            return self._found(found)
        reason = (
            f"they could not be tried separately: {problem}"
            if problem
            else "no single record kills a process by itself"
        )
        return f"{times} while it converted {suspect}, and {reason}"

    def _found(self, guilty: Sequence[Guilty]) -> Sequence[Guilty]:
        for each in guilty:
            at = Coordinates(each.topic, each.partition, each.offset)
            log.error("%s: %s %s", each.stage, at, each.how, extra=place.at(at, stage=each.stage))
        return guilty

    def end(self) -> None:
        """Whatever is being found out is not needed any more, nor is the memory, which is a descriptor of ours."""
        self._at_work = AtWork()
        if self._probe is not None:
            self._probe.processes.end()
