"""What is ready to produce, and the order in which it is to be produced."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import Any

from ferryman.record import Payload, interleaved


@dataclass(frozen=True, slots=True)
class Encoded:
    """Records of one batch as payloads; the lists have an item for each record."""

    topic: str
    partition: int | None
    """None leaves the choice to the producer."""
    positions: Sequence[int]
    """The records' places among those that the source handed over together, ascending."""
    timestamps: Sequence[int | None]
    keys: Sequence[Payload]
    values: Sequence[Payload]
    headers: Sequence[Sequence[tuple[str, Payload]]] | None
    """None when no record has any."""

    def __len__(self) -> int:
        return len(self.values)

    def slice(self, start: int, stop: int) -> "Encoded":
        """The records from start up to stop."""
        return replace(
            self,
            positions=self.positions[start:stop],
            timestamps=self.timestamps[start:stop],
            keys=self.keys[start:stop],
            values=self.values[start:stop],
            headers=None if self.headers is None else self.headers[start:stop],
        )


def in_order(given: Sequence[Encoded]) -> list[Encoded]:
    """The same records in the order in which the source handed them over, as far as that can be seen in a topic.

    Interleaved batches of several schemas become one if they go to the same topic and partition.
    """
    by_topic: dict[str, list[Encoded]] = {}
    for each in given:
        by_topic.setdefault(each.topic, []).append(each)
    return [piece for same in by_topic.values() for piece in _sequence(same)]


def _sequence(given: Sequence[Encoded]) -> Sequence[Encoded]:
    if all(one.positions[-1] < other.positions[0] for one, other in pairwise(given)):
        return given
    if len({each.partition for each in given}) == 1:
        return [_merged(given)]
    return [given[number].slice(start, stop) for number, start, stop in interleaved([each.positions for each in given])]


def _merged(given: Sequence[Encoded]) -> Encoded:
    positions = list(chain.from_iterable(each.positions for each in given))
    order = sorted(range(len(positions)), key=positions.__getitem__)

    def sorted_by_position(lists: Sequence[Sequence[Any]]) -> list[Any]:
        items = list(chain.from_iterable(lists))
        return [items[at] for at in order]

    headers = [each.headers if each.headers is not None else [()] * len(each) for each in given]
    return Encoded(
        given[0].topic,
        given[0].partition,
        sorted_by_position([each.positions for each in given]),
        sorted_by_position([each.timestamps for each in given]),
        sorted_by_position([each.keys for each in given]),
        sorted_by_position([each.values for each in given]),
        sorted_by_position(headers) if any(each.headers is not None for each in given) else None,
    )
