"""What a run notes beside the offsets that it commits: how much of its time it works. So whoever sees how far it is,
sees that as well, whatever worker has the run's tasks."""

import json
from collections.abc import Iterable

NAME = "ferryman.run.pace"


def dump(share: float) -> str:
    """The metadata of a commit; empty where the run works all the time."""
    return "" if share >= 1 else json.dumps({NAME: round(share, 3)})


def load(metadata: str | None) -> float | None:
    """The inverse; None for what is no such note."""
    if not metadata or NAME not in metadata or len(metadata) > 100:
        return None
    try:
        share = json.loads(metadata)[NAME]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return float(share) if isinstance(share, int | float) and 0 < share <= 1 else None


def least(notes: Iterable[str]) -> float:
    """The pace of a run: the least of its partitions' that have a note, 1 without any."""
    return min((share for each in notes if (share := load(each)) is not None), default=1.0)
