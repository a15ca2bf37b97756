"""Records of a source that may kill the process which transforms or encodes them, and those that were found to.

A sink's suspects are read from Kafka again, by a process of their own. A source's are in its hands alone: the process
that polls them again tries them itself, one record and one step at a time, and notes each in memory that the worker can
read. So what it dies of then is one record, and the next process judges that untouched.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from ferryman.chain import headers
from ferryman.chain.chain import Chain
from ferryman.chain.narrowing import Failure, Stage
from ferryman.offsets.source_offsets import canonical
from ferryman.plugins.catalog import names
from ferryman.record import Batch, Record, in_order
from ferryman.task.crash_evidence.at_work import POLLED, AtWork, Offsets
from ferryman.task.crash_evidence.guilty import Guilty, found_guilty

log = logging.getLogger(__name__)

NOTED_RECORDS = 20
"""Records that a note names of those that are worked on together: a poll that comes again begins with the same ones."""
LONGEST_NAME = 300
"""Letters of a record's name; a longer one is a digest."""


@dataclass
class Suspects:
    """The suspects of one task's process."""

    at_work: AtWork = field(default_factory=AtWork)
    guilty: Sequence[Guilty] = ()
    suspect: Sequence[Offsets] = ()
    """What three processes have died over; whatever is polled with one of these is tried first."""
    trial: Callable[[], Chain] | None = None
    """Makes a chain for trials, so that transforms which remember what they saw do not see it twice."""
    _chain: Chain | None = None

    def working(self, given: Sequence[Batch]) -> AbstractContextManager[None]:
        """While this lasts, the chain works on these batches, which are of one poll."""
        return self.at_work.on(POLLED, note_of(given))

    def innocent(self, given: Sequence[Batch]) -> tuple[list[Batch], list[Failure]]:
        """The batches without the records that were found guilty, and these as failures. Whatever is suspect is tried
        before, which this process may not survive."""
        if not self.guilty and not self.suspect:
            return list(given), []
        called = list(identities(_origin(given[0])))
        known = {(each.topic, each.partition): each for each in self.guilty}
        bad = {at: known[called[at][:2]] for batch in given for at in batch.positions if called[at][:2] in known}
        left = [batch for each in given if (batch := each.without(bad)) is not None]
        if not set(self.suspect).isdisjoint(note_of(given)):
            self._try(left, called)
        failures = [found_guilty(given[0].origin, position, bad[position]) for position in sorted(bad)]
        return left, failures

    def _try(self, given: Sequence[Batch], called: Sequence[Offsets]) -> None:
        assert self.trial is not None
        chain = self._chain = self._chain or self.trial()
        log.warning("%d records are tried one by one: three processes have died over them", sum(map(len, given)))
        for batch in in_order(given):
            for index, position in enumerate(batch.positions):
                _step_by_step(chain, batch.slice(index, index + 1), called[position], self.at_work)


def _step_by_step(chain: Chain, batch: Batch, called: Offsets, at_work: AtWork) -> None:
    """A bad record that crashes no process is left to the task."""
    found = [batch]

    def does(stage: Stage, plugin: object, step: Callable[[], object]) -> bool:
        try:
            with at_work.on(stage, [called], names(type(plugin))[0]):
                step()
        except Exception:
            return False
        return True

    def transforms(step: Any) -> None:
        found[:] = [result for each in found for result in step.apply(each)]

    for step in chain.steps:
        if not does(Stage.TRANSFORMATION, step.transform, lambda step=step: transforms(step)):  # type: ignore[misc]
            return
    for each in found:
        for stage, plugin, encode in _encoding(chain, each):
            does(stage, plugin, encode)


def _encoding(chain: Chain, batch: Batch) -> Iterator[tuple[Stage, object, Callable[[], object]]]:
    if batch.headers is not None:
        given = batch.headers
        yield Stage.HEADER_CONVERTER, chain.header, lambda: headers.encoded(chain.header, batch.topic, given)
    yield Stage.KEY_CONVERTER, chain.key, lambda: chain.key.from_data(batch.topic, batch.key)
    yield Stage.VALUE_CONVERTER, chain.value, lambda: chain.value.from_data(batch.topic, batch.value)


def note_of(given: Sequence[Batch]) -> list[Offsets]:
    """What a note says of batches of one poll: their first records."""
    positions = sorted(position for batch in given for position in batch.positions[:NOTED_RECORDS])[:NOTED_RECORDS]
    origin = _origin(given[0])
    return list(identities([origin[position] for position in positions]))


def identities(records: Sequence[Record]) -> Iterator[Offsets]:
    """What each record is called in notes: where it comes from in its source, and which of those it is that come from
    the same place. One without an offset is known by what is in it."""
    times = Counter[str]()
    for record in records:
        name = _name(record)
        yield Offsets(name, times[name], 0, 0)
        times[name] += 1


def _name(record: Record) -> str:
    if record.source_offset is None:
        whole = repr((record.source_partition, record.topic, record.key, record.value))
        return hashlib.sha256(whole.encode("utf-8", "backslashreplace")).hexdigest()
    name = f"{_text(record.source_partition)} at {_text(record.source_offset)}"
    return name if len(name) <= LONGEST_NAME else hashlib.sha256(name.encode("utf-8", "backslashreplace")).hexdigest()


def _text(place: Mapping[str, Any] | None) -> str:
    try:
        return canonical(place)
    except (TypeError, ValueError):
        return repr(place)


def _origin(batch: Batch) -> Sequence[Record]:
    origin: Any = batch.origin
    return origin  # type: ignore[no-any-return]
