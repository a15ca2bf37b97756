"""Which offsets a run reads, fixed when it is made. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ferryman.record import TopicPartition

MAX_OFFSET = 1 << 63


class Range(NamedTuple):
    """Offsets of one partition."""

    first: int
    """The first of them."""
    behind: int
    """The one behind the last."""

    @property
    def size(self) -> int:
        """How many offsets there are; records may be fewer."""
        return max(0, self.behind - self.first)

    def done(self, position: int | None) -> int:
        """How many of its offsets lie before a position; None is where nothing was read yet."""
        return 0 if position is None else max(0, min(position, self.behind) - self.first)

    def is_over(self, position: int | None) -> bool:
        """Whether reading has got to its end."""
        return self.first >= self.behind or (position is not None and position >= self.behind)


@dataclass(frozen=True, slots=True)
class Ranges:
    """The ranges of a run, and which topics they were made for."""

    ids: Mapping[str, str]
    """The id of each topic: one of that name with another id has other records."""
    of: Mapping[TopicPartition, Range]

    def dump(self) -> str:
        """As the value of ``ferryman.run.ranges``: {topic: {"id", "partitions": {number: [first, behind]}}}."""
        found: dict[str, dict[str, Any]] = {topic: {"id": id_, "partitions": {}} for topic, id_ in self.ids.items()}
        for source, range_ in sorted(self.of.items()):
            found[source.topic]["partitions"][str(source.partition)] = list(range_)
        return json.dumps(found, separators=(",", ":"), sort_keys=True)

    @property
    def size(self) -> int:
        """How many offsets there are."""
        return sum(each.size for each in self.of.values())

    def are_over(self, positions: Mapping[TopicPartition, int]) -> bool:
        """Whether all of them have been read, as far as these next offsets tell."""
        return all(range_.is_over(positions.get(source)) for source, range_ in self.of.items())


def parse(text: str) -> Ranges:
    """The inverse of ``dump``. Raises ValueError with what is wrong."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("this is not JSON") from None
    ids = {topic: _id(topic, each) for topic, each in _object(given, "the ranges").items()}
    found = {source: range_ for topic, each in given.items() for source, range_ in _partitions(topic, each)}
    return Ranges(ids, found)


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} must be an object")
    return value


def _id(topic: str, value: Any) -> str:
    found = _object(value, f"the value for topic {topic}").get("id")
    if not isinstance(found, str):
        raise ValueError(f"topic {topic} has no id")
    return found


def _partitions(topic: str, value: Any) -> Iterator[tuple[TopicPartition, Range]]:
    for number, given in _object(value.get("partitions"), f"the partitions of topic {topic}").items():
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            raise ValueError(f"topic {topic} has no partition {number[:20]}")
        yield TopicPartition(topic, int(number)), _range(f"{topic}-{number}", given)


def _range(where: str, given: Any) -> Range:
    whole = isinstance(given, list) and len(given) == 2 and all(type(each) is int for each in given)
    if not whole or not 0 <= given[0] <= given[1] < MAX_OFFSET:
        raise ValueError(f"the range of {where} must be [first offset, last offset + 1]")
    return Range(*given)
