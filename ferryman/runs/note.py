"""What a run notes beside the offsets that it commits: how much of its time it works, and how many records it refused.

So whoever sees how far it is sees that as well, whatever worker has the run's tasks. The note is a line before what the
sink itself has to say there.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

PACE, REFUSED = "ferryman.run.pace", "ferryman.run.refused"
MAX_NOTE_CHARACTERS = 200
"""Characters of a note."""
MAX_METADATA_BYTES = 4_096
"""Bytes of metadata that brokers take by default; the sink's go before a note."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a run notes beside the offset of one partition."""

    pace: float = 1.0
    """The part of its time in which the task works."""
    refused: int = 0
    """The records before the offset that errors.tolerance has passed over."""


def dump(note: Note, own: str) -> str:
    """The metadata of a commit. ``own``: what the sink has to say; that alone where there is nothing to note."""
    if note == Note():
        return own
    whole = json.dumps({PACE: round(note.pace, 3), REFUSED: note.refused}) + (f"\n{own}" if own else "")
    return whole if len(whole.encode()) <= MAX_METADATA_BYTES else own


def load(metadata: str | None) -> tuple[Note, str]:
    """The inverse; what is no such note is the sink's."""
    line, _, own = (metadata or "").partition("\n")
    if len(line) > MAX_NOTE_CHARACTERS or PACE not in line:
        return Note(), metadata or ""
    try:
        found = json.loads(line)
        pace, refused = found[PACE], found.get(REFUSED, 0)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Note(), metadata or ""
    if type(pace) not in (int, float) or not 0 < pace <= 1 or type(refused) is not int or refused < 0:
        return Note(), metadata or ""
    return Note(float(pace), refused), own


def least(notes: Iterable[Note]) -> float:
    """The pace of a run: the least of its partitions', 1 without any."""
    return min((note.pace for note in notes), default=1.0)
