"""Records that were found to kill whichever process decodes or transforms them; they are judged untouched."""

from collections.abc import Sequence
from typing import NamedTuple

from ferryman.chain.narrowing import Failure, Stage
from ferryman.errors import DataError
from ferryman.record import Polled


class Guilty(NamedTuple):
    """One such record, and what it was found guilty of."""

    topic: str
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
    here = {each.offset: each for each in known if (each.topic, each.partition) == (polled.topic, polled.partition)}
    places = [place for place, offset in enumerate(polled.offsets) if offset in here] if here else []
    if not places:
        return polled, []
    return polled.without(places), [_failure(polled, place, here[polled.offsets[place]]) for place in places]


def _failure(polled: Polled, place: int, found: Guilty) -> Failure:
    error = DataError(f"the process that tried this record alone {found.how}, as were three before it")
    return Failure(polled, place, Stage(found.stage), found.plugin, error)
