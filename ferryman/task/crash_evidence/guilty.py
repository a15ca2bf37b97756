"""Records that were found to kill whichever process decodes or transforms them; they are judged untouched."""

from collections.abc import Sequence
from typing import NamedTuple

from ferryman.chain.narrowing import Failure, Stage
from ferryman.errors import DataError
from ferryman.record import Polled, Record


class Guilty(NamedTuple):
    """One such record, and what it was found guilty of."""

    topic: str
    """The record's topic; of a source's record what ``task.source.suspects`` calls it; its offset is 0 then."""
    partition: int
    offset: int
    stage: str
    """Kafka Connect's name of the step that dies of it."""
    plugin: str
    """The class name of that step."""
    how: str
    """How the process died: ``was killed by SIGSEGV``."""


def parted(polled: Polled, known: Sequence[Guilty]) -> tuple[Polled | None, list[Failure]]:
    """The innocent records, None if there are none, and the guilty ones as failures."""
    if not known:
        return polled, []
    here = {each.offset: each for each in known if (each.topic, each.partition) == (polled.topic, polled.partition)}
    places = [place for place, offset in enumerate(polled.offsets) if offset in here] if here else []
    if not places:
        return polled, []
    return polled.without(places), [found_guilty(polled, place, here[polled.offsets[place]]) for place in places]


def found_guilty(origin: Polled | Sequence[Record], place: int, found: Guilty) -> Failure:
    """The failure of the record at that place."""
    called = "" if isinstance(origin, Polled) else f" ({found.topic})"
    error = DataError(f"the process that tried this record{called} alone {found.how}, like three processes before it")
    return Failure(origin, place, Stage(found.stage), found.plugin, error)
