"""Sequences that spare work: of items that come again and again, done once for each that differs, and of what is made
of other items, not before somebody asks."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")
U = TypeVar("U")
R = TypeVar("R")
H = TypeVar("H", bound=Hashable)


class Repeated(Sequence[T], Generic[T]):
    """The items that differ, and for each place the number of its item among them.

    Items that two places share are one object. Some of the distinct ones may stand nowhere: a part of a sequence keeps
    all of them.
    """

    __slots__ = ("distinct", "numbers")

    def __init__(self, distinct: Sequence[T], numbers: Sequence[int]) -> None:
        self.distinct = distinct
        self.numbers = numbers

    @classmethod
    def of(cls, given: Sequence[T]) -> "Repeated[T]":
        """The items of any sequence, shared where they are one and the same object."""
        if isinstance(given, Late):
            return given.made
        if isinstance(given, Repeated):
            return given
        identities = list(map(id, given))
        distinct = dict(zip(identities, given, strict=True))
        if len(distinct) == len(given):
            return cls(given, range(len(given)))
        numbers = dict(zip(distinct, range(len(distinct)), strict=True))
        return cls(list(distinct.values()), [numbers[identity] for identity in identities])

    @classmethod
    def equal(cls, given: Iterable[H], convert: Callable[[H], T]) -> "Repeated[T]":
        """What becomes of items of which equal ones are held to be the same, converted once for all of them."""
        known: dict[H, int] = {}
        numbers = [known.setdefault(each, len(known)) for each in given]
        return cls([convert(each) for each in known], numbers)

    @classmethod
    def joined(cls, parts: Sequence["Repeated[Any]"], join: Callable[..., T]) -> "Repeated[T]":
        """What ``join`` makes of the items that stand in the same place of several sequences, of equal length."""
        if len(parts) == 1:
            return parts[0].each(join)
        distinct = [each.distinct for each in parts]

        def join_numbered(numbers: Sequence[int]) -> T:
            return join(*(items[number] for items, number in zip(distinct, numbers, strict=True)))

        return cls.equal(zip(*(each.numbers for each in parts), strict=True), join_numbered)

    def each(self, convert: Callable[[T], U]) -> "Repeated[U]":
        """What becomes of the items, each converted once; what it becomes is shared as it was."""
        return Repeated([convert(item) for item in self.distinct], self.numbers)

    def take(self, places: Sequence[int]) -> "Repeated[T]":
        """The items at these places."""
        numbers = self.numbers
        return Repeated(self.distinct, [numbers[place] for place in places])

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[T]:
        return map(self.distinct.__getitem__, self.numbers)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> "Repeated[T]": ...
    def __getitem__(self, index: int | slice) -> "T | Repeated[T]":
        if isinstance(index, slice):
            return Repeated(self.distinct, self.numbers[index])
        return self.distinct[self.numbers[index]]

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    def __repr__(self) -> str:
        return repr(list(self))


class Late(Sequence[T], Generic[R, T]):
    """What ``make`` makes of other items, one for each, when it is asked for. ``make`` must not fail."""

    __slots__ = ("_made", "given", "make")

    def __init__(self, given: Sequence[R], make: Callable[[Sequence[R]], Repeated[T]]) -> None:
        self.given = given
        self.make = make
        self._made: Repeated[T] | None = None

    @property
    def made(self) -> Repeated[T]:
        """The items."""
        if self._made is None:
            self._made = self.make(self.given)
        return self._made

    def take(self, places: Sequence[int]) -> "Late[R, T] | Repeated[T]":
        """The items at these places."""
        if self._made is not None:
            return self._made.take(places)
        return Late([self.given[place] for place in places], self.make)

    def __len__(self) -> int:
        return len(self.given)

    def __iter__(self) -> Iterator[T]:
        return iter(self.made)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        if isinstance(index, slice) and self._made is None:
            return Late(self.given[index], self.make)
        return self.made[index]

    def __eq__(self, other: object) -> bool:
        return self.made == other

    def __repr__(self) -> str:
        return repr(self.made)


def places_of(items: Iterable[H]) -> dict[H, list[int]]:
    """Where each item stands, the items in the order in which they are met first."""
    found = defaultdict[H, list[int]](list)
    for place, item in enumerate(items):
        found[item].append(place)
    return found
