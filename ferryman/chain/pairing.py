"""Keys and values were decoded separately, each by its own schemas; here those of the same records are put together."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from ferryman.conversion import Piece
from ferryman.record import Data

T = TypeVar("T")


def paired(count: int, keys: Sequence[Piece], values: Sequence[Piece]) -> Iterator[tuple[Sequence[int], Data, Data]]:
    """The keys and values of the same records, of ``count``; those of which one of the two is missing are left out."""
    if len(keys) == 1 and len(keys[0].positions) == count:
        yield from ((positions, _taken(keys[0].data, positions), data) for positions, data in values)
        return
    owners = {position: (number, at) for number, key in enumerate(keys) for at, position in enumerate(key.positions)}
    for positions, data in values:
        members: dict[int, tuple[list[int], list[int]]] = {}
        for at, position in enumerate(positions):
            owner = owners.get(position)
            if owner is not None:
                places, of_key = members.setdefault(owner[0], ([], []))
                places.append(at)
                of_key.append(owner[1])
        for number, (places, of_key) in members.items():
            yield pick(positions, places), _taken(keys[number].data, of_key), _taken(data, places)


def _taken(data: Data, places: Sequence[int]) -> Data:
    return data if len(places) == len(data) else data.take(places)


def pick(items: Sequence[T], places: Sequence[int]) -> Sequence[T]:
    """The items at ascending places."""
    if len(places) == len(items):
        return items
    if isinstance(places, range):
        return items[places.start : places.stop]
    return [items[place] for place in places]
