"""What a list of payloads has become so far: pieces of one schema, single records, failures."""

from collections.abc import Callable, Sequence
from typing import Any

from ferryman.conversion import Decoded, Piece
from ferryman.errors import DataError
from ferryman.record import Data, Rows
from ferryman.schema import Schema


class Collected:
    """Puts together what a converter decodes, in whatever order it goes through the payloads."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.failures: list[tuple[int, Exception]] = []
        self._rows: dict[Schema | None, tuple[list[int], list[Any]]] = {}
        """The places and values of single records by schema."""

    def add(self, positions: Sequence[int], data: Data) -> None:
        """Payloads that were decoded at once."""
        if positions:
            self.pieces.append(Piece(positions, data))

    def attempt(self, position: int, read: Callable[..., tuple[Schema | None, Any]], *arguments: Any) -> None:
        """A single payload: ``read`` gives its schema and value, or raises DataError."""
        try:
            schema, value = read(*arguments)
        except DataError as error:
            self.failures.append((position, error))
            return
        places, values = self._rows.setdefault(schema, ([], []))
        places.append(position)
        values.append(value)

    def merge(self, other: "Collected") -> None:
        """What another part of the payloads has become."""
        done = other.decoded()
        self.pieces += done.pieces
        self.failures += done.failures

    def decoded(self) -> Decoded:
        """All that was collected."""
        rows = [Piece(places, Rows(schema, values)) for schema, (places, values) in self._rows.items()]
        return Decoded([*self.pieces, *rows], self.failures)


def others(positions: Sequence[int], odd: Sequence[int]) -> Sequence[int]:
    """The positions but those at the places ``odd``."""
    if not odd:
        return positions
    left_out = set(odd)
    return [position for at, position in enumerate(positions) if at not in left_out]
