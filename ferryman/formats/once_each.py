"""Work on objects of which many are one and the same, done once for each."""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")


def once_each(given: Sequence[T], convert: Callable[[T], U]) -> list[U]:
    """What each object becomes; those that are one and the same object become one and the same, converted once."""
    identities = list(map(id, given))
    distinct = dict(zip(identities, given, strict=True))
    if len(distinct) == len(given):
        return [convert(each) for each in given]
    done = {identity: convert(each) for identity, each in distinct.items()}
    return [done[identity] for identity in identities]
