"""A request for a backfill, and the config that follows from it. Pure."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ferryman.config import trim
from ferryman.errors import ConfigError
from ferryman.java.instants import utc_text
from ferryman.record import TopicPartition
from ferryman.runs.keys import PREFIX, instant
from ferryman.runs.ranges import MAX_OFFSET, Range, Ranges
from ferryman.telemetry.redaction import is_secret

GROUP = "consumer.override.group.id"
NOT_TO_SET = ("name", "connector.class", "topics.regex")


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for. Bounds are times, or offsets, or both; without any it is everything."""

    begins: str = ""
    """The first time, as ISO 8601."""
    ends: str = ""
    """The time after the last."""
    offsets: Mapping[TopicPartition, Range] = field(default_factory=dict)
    """Only these partitions, and of them these offsets. A sink's."""
    positions: tuple[int, int | None] | None = None
    """The first position and the one after the last, None for the present end; for sources."""
    sets: Mapping[str, str | None] = field(default_factory=dict)
    """Keys that the run has otherwise than the live connector; None removes one."""
    name: str = ""
    """The run's; made up where it is empty."""
    rate: float = 0.0
    """Records a second at most; 0 is without limit."""
    version_field: str | None = None
    """The field of a sink's records that tells which of two is newer; None where their places in a topic do."""
    allow_duplicates: bool = False
    dry_run: bool = False

    def __post_init__(self) -> None:
        for name, value in (("from", self.begins), ("to", self.ends)):
            _checked_time(name, value)
        if self.begins and self.ends and instant(self.begins) >= instant(self.ends):
            raise ConfigError.for_key("to", f"to={self.ends} is not later than from={self.begins}")
        if not 0 <= self.rate < 1e12:
            raise ConfigError.for_key("rate", "rate must be a number of records a second, 0 for no limit")
        if self.version_field is not None and not trim(self.version_field):
            raise ConfigError.for_key("version_field", "version_field is empty: leave it out, or name a field")
        wrong = next((key for key in self.sets if key.startswith(PREFIX) or key in NOT_TO_SET), None)
        if wrong is not None:
            raise ConfigError.for_key(wrong, f"{wrong} cannot be set for a run")

    @property
    def wish(self) -> str:
        """What decides which records the run brings where, as text: another one must not be taken for its continuation.
        Of the keys that are set it has a digest, without those of secrets, which are renewed."""
        times = (("from", self.begins), ("to", self.ends))
        bounds = [f"{name}={utc_text(_moment(text))}" for name, text in times if text]
        offsets = sorted([*source, *range_] for source, range_ in self.offsets.items())
        named = {"offsets": offsets, "positions": self.positions, "version": self.version_field}
        parts = [*bounds, *(f"{name}={_short(value)}" for name, value in named.items() if value)]
        sets = sorted((key, value) for key, value in self.sets.items() if not is_secret(key))
        return " ".join([*parts, *([f"set={_digest(sets)}"] if sets else [])]) or "everything"

    def run_name(self, live: str) -> str:
        """What the run is called: the same for the same wish, and another for another."""
        if self.name:
            return self.name
        began = f"-{_moment(self.begins):%Y%m%dT%H%M%S}" if self.begins else ""
        return f"{live}-backfill{began}-{_digest(self.wish)}"

    def merged(self, live: Mapping[str, str]) -> dict[str, str]:
        """A live connector's config with the keys that it sets."""
        return {key: value for key, value in {**live, **self.sets}.items() if value is not None}

    def config(self, live: Mapping[str, str], ranges: Ranges, fold: bool, created: str) -> dict[str, str]:
        """The config of the run of a live connector."""
        merged: dict[str, str | None] = {**live, **self.sets}
        own = {
            "of": live["name"],
            "ranges": ranges.dump(),
            "from": self.begins,
            "to": self.ends,
            "rate": repr(self.rate) if self.rate else "",
            "fold": "true" if fold else "",
            "version.field": self.version_field or "",
            "live.group": live.get(GROUP, ""),
            "created": created,
        }
        merged = {key: value for key, value in merged.items() if not key.startswith(PREFIX)}
        if fold and "tasks.max" not in self.sets:
            merged["tasks.max"] = "1"  # one that reads all partitions sees whether a key is in two of them
        if GROUP not in self.sets:
            merged.pop(GROUP, None)  # in the live connector's group the two would share its partitions
        elif trim(self.sets[GROUP] or "") == trim(live.get(GROUP, f"connect-{live['name']}")):
            raise ConfigError.for_key(GROUP, f"{GROUP} must not be the live connector's")
        merged |= {f"{PREFIX}{name}": value or None for name, value in own.items()}
        merged |= {"name": self.run_name(live["name"]), "topics.regex": None, "topics": ",".join(sorted(ranges.ids))}
        return {key: value for key, value in merged.items() if value is not None}


def _moment(text: str) -> datetime:
    return datetime.fromtimestamp(instant(text) / 1000, UTC)


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 1000 else _digest(value)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:8]


def _checked_time(name: str, value: str) -> None:
    try:
        if value:
            instant(value)
    except ValueError as error:
        raise ConfigError.for_key(name, f"{name}={value[:60]} {error}") from None


def of_offsets(value: Any) -> dict[TopicPartition, Range]:
    """{topic: {partition: [first, last + 1]}}."""
    found: dict[TopicPartition, Range] = {}
    if not isinstance(value, dict) or not all(isinstance(each, dict) for each in value.values()):
        raise ConfigError.for_key("offsets", "offsets must be {topic: {partition: [first, last + 1]}}")
    for topic, each in value.items():
        for number, bounds in each.items():
            whole = isinstance(bounds, list) and len(bounds) == 2 and all(type(one) is int for one in bounds)
            if not whole or not 0 <= bounds[0] <= bounds[1] or not re.fullmatch(r"[0-9]{1,9}", number):
                raise ConfigError.for_key("offsets", f"offsets of {topic}-{number} must be [first, last + 1]")
            source = TopicPartition(topic, int(number))
            if source in found:
                raise ConfigError.for_key("offsets", f"offsets name {source} twice; a run has one range of a partition")
            found[source] = Range(*bounds)
    return found


def of_positions(value: Any) -> tuple[int, int | None]:
    """[first, behind the last]; null for the present end."""
    match value:
        case [int(first), None] if type(first) is int and 0 <= first < MAX_OFFSET:
            return first, None
        case [int(first), int(behind)] if type(first) is type(behind) is int and 0 <= first <= behind < MAX_OFFSET:
            return first, behind
    raise ConfigError.for_key("positions", "positions must be [first, last + 1], or null for the present end")
