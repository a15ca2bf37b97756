"""Bounds as people write them: ``orders:0:100-200`` is the partition 0 of orders, from 100 up to 199; ``100-200`` the
same of a source that counts by itself, and ``100-`` has no end."""

import re
from collections.abc import Iterable

OFFSETS = re.compile(r"(?P<topic>[^:]+):(?P<partition>\d{1,9}):(?P<first>\d{1,18})-(?P<behind>\d{1,18})")
POSITIONS = re.compile(r"(?P<first>\d{1,18})-(?P<behind>\d{1,18})?")
Offsets = dict[str, dict[str, list[int]]]
"""{topic: {partition: [first, behind the last]}}."""


def parsed(texts: Iterable[str]) -> Offsets:
    """Raises ValueError for a text that is none, and for a partition that has several."""
    found: Offsets = {}
    for text in texts:
        match = OFFSETS.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not TOPIC:PARTITION:FIRST-BEHIND")
        partitions, number = found.setdefault(match["topic"], {}), str(int(match["partition"]))
        if number in partitions:
            raise ValueError(f"{match['topic']}:{number} is there twice; a run has one range of a partition")
        partitions[number] = [int(match["first"]), int(match["behind"])]
    return found


def positions(text: str) -> list[int | None]:
    """[first, behind the last], the latter None where there is no end. Raises ValueError for a text that is none."""
    match = POSITIONS.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not FIRST-BEHIND")
    return [int(match["first"]), None if match["behind"] is None else int(match["behind"])]
