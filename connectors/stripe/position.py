"""Where the Stripe source has got to: what its offsets say, and how they are written and read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from ferryman.connectors.stripe.events_api import LAST_SECOND

VERSION = 1
MOST_SEEN_IDS = 20_000
"""Ids that an offset may hold: with Stripe's of 28 letters some 620 kB, well below what a Kafka record may weigh."""


@dataclass(slots=True)
class Position:
    """How far the source has got. Times are in seconds since the epoch."""

    settled: int
    """Every event created before it that will ever be listed has been handed over, or was before the start."""
    created: int = 0
    """When the newest event handed over was created."""
    seen: dict[str, int] = field(default_factory=dict)
    """The id of each event handed over that was created at ``settled`` or later, and its time."""

    def hand_over(self, id: str, created: int) -> None:
        """Counts one event as handed over."""
        self.seen[id] = created
        self.created = max(self.created, created)

    def move_settled_to(self, until: int) -> None:
        """Everything before ``until`` is settled; it never moves back."""
        if until > self.settled:
            self.settled = until
            self.seen = {id: created for id, created in self.seen.items() if created >= until}

    def offset(self) -> dict[str, Any]:
        """As Kafka keeps it. Offsets are flat, hence the ids as JSON: ``{"<created>": ["<id>", …]}``."""
        by_time: dict[str, list[str]] = {}
        for id, created in sorted(self.seen.items(), key=lambda item: (item[1], item[0])):
            by_time.setdefault(str(created), []).append(id)
        seen = json.dumps(by_time, separators=(",", ":"))
        return {"version": VERSION, "created": self.created, "settled": self.settled, "seen": seen}

    @classmethod
    def from_offset(cls, offset: Mapping[str, Any]) -> Self:
        """The position of an offset. Raises ValueError, saying what is wrong, for what is none of ours."""
        if offset.get("version") != VERSION:
            raise ValueError(f"version must be {VERSION}, not {offset.get('version')!r}")
        surplus = offset.keys() - {"version", "created", "settled", "seen"}
        if surplus:
            raise ValueError(f"unknown fields: {', '.join(sorted(surplus))}")
        seen = _seen(offset.get("seen", "{}"))
        settled = _seconds(offset.get("settled"), "settled")
        if any(created < settled for created in seen.values()):
            raise ValueError("seen must not hold events created before settled")
        return cls(settled, _seconds(offset.get("created", 0), "created"), seen)


def _seconds(value: Any, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{name} must be seconds since the epoch, not {value!r}")
    if value > LAST_SECOND:
        raise ValueError(f"{name} must be seconds since the epoch; {value} is too late, as if it were milliseconds")
    return value


def _seen(text: Any) -> dict[str, int]:
    try:
        by_time = {_seconds(int(created), "seen"): ids for created, ids in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError, RecursionError):
        by_time = {0: None}
    if not all(isinstance(ids, list) and all(isinstance(id, str) for id in ids) for ids in by_time.values()):
        raise ValueError('seen must be JSON such as {"1700000000":["evt_1"]}')
    return {id: created for created, ids in by_time.items() for id in ids}
