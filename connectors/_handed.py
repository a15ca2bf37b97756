"""Records that a source hands over as batches: they are built only when somebody looks at one."""

from collections.abc import Callable, Iterator, Sequence
from typing import overload

from ferryman.record import Record


class Handed(Sequence[Record]):
    """``count`` records of which ``build`` makes the one at an index."""

    def __init__(self, count: int, build: Callable[[int], Record]) -> None:
        self._indices = range(count)
        self._build = build

    def __len__(self) -> int:
        return len(self._indices)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | Sequence[Record]:
        found = self._indices[index]
        return self._build(found) if isinstance(found, int) else [self._build(each) for each in found]

    def __iter__(self) -> Iterator[Record]:
        return map(self._build, self._indices)
