"""What a converter is: bytes to data and back, whole lists at a time."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import ClassVar, Generic, Literal, NamedTuple, Protocol, TypeVar

from ferryman.config import Config, Definition, key
from ferryman.errors import DataError
from ferryman.record import Data, Payload, interleaved

Side = Literal["key", "value", "header"]
SIDE = "converter.type"
"""The key that says it."""
ConverterC = TypeVar("ConverterC", bound=Config)


class Piece(NamedTuple):
    """Payloads of one schema, decoded."""

    positions: Sequence[int]
    """Their places among the payloads that were given, ascending; others may lie between."""
    data: Data

    def among(self, places: Sequence[int]) -> "Piece":
        """The same piece where the payloads are those at some places of a longer list."""
        if isinstance(places, range) and places.start == 0:
            return self
        return Piece([places[position] for position in self.positions], self.data)


@dataclass(frozen=True, slots=True)
class Decoded:
    """What became of a list of payloads; each is in one piece or among the failures."""

    pieces: Sequence[Piece]
    failures: Sequence[tuple[int, Exception]] = ()
    """The places of those that are bad, and what is wrong with them."""

    def consecutive(self) -> list[Data]:
        """The data in the payloads' order, each piece as long as can be. Raises the first failure."""
        if self.failures:
            raise min(self.failures, key=itemgetter(0))[1]
        pieces = interleaved([piece.positions for piece in self.pieces])
        return [self.pieces[number].data.slice(start, stop) for number, start, stop in pieces]


class Forms(Protocol):
    """Who decides between columns and rows; a converter that can decode to columns asks it for each piece."""

    def columns(self, count: int, reason: str | None) -> bool:
        """Whether ``count`` records of one schema are to become columns; ``reason`` says why the schema has none."""

    def gave_up(self, count: int, reason: str) -> None:
        """So many records, those asked about last, were to become columns and were read by rows after all."""

    def encoded_by_rows(self, count: int, reason: str) -> None:
        """So many records that came as columns were encoded by rows after all."""


class ColumnsWherePossible:
    """Decides for a converter that is used by itself, outside a task."""

    def __init__(self, fewest: int) -> None:
        self.fewest = fewest

    def columns(self, count: int, reason: str | None) -> bool:
        """Columns for a schema that has them, if they pay."""
        return reason is None and count >= self.fewest

    def gave_up(self, count: int, reason: str) -> None:
        """Nothing: only a task counts which form its records had."""

    def encoded_by_rows(self, count: int, reason: str) -> None:
        """Nothing, as ``gave_up``."""


class ConverterConfig(Config):
    """What Kafka's converters share."""

    converter_type: Literal["key", "value", "header"] | None = key(None, importance="LOW")
    """Which part of a record the converter is for. It follows from where its class is named; there is no need to give
    it."""

    @classmethod
    def definitions(cls) -> list[Definition]:
        """With converter.type as required, as which Kafka Connect shows it, although it gives it itself."""
        return [replace(each, required=each.required or each.name == SIDE) for each in super().definitions()]


class Converter(Generic[ConverterC]):
    """Decodes what was consumed and encodes what is produced. ``side`` is which part of a record it is for."""

    config_class: ClassVar[type[Config]] = Config
    classes: ClassVar[tuple[str, ...]] = ()
    """The Java class names under which configs know this converter, the most usual first."""
    fewest_for_columns: ClassVar[int] = 1
    """From this number of records of one schema on, making a frame costs less than it saves."""

    refuses_nothing: ClassVar[bool] = False
    """Whether no payload is bad, so that headers that nobody asks for are not decoded. Said of a class, and not of
    those that are derived from it."""

    def __init__(self, config: ConverterC, side: Side) -> None:
        self.config = config
        self.side = side
        self.forms: Forms = ColumnsWherePossible(self.fewest_for_columns)
        """Asked before a piece becomes columns. A task's chain puts its plan here."""

    def rows_reason(self) -> str | None:
        """Why what it decodes is always rows; None when it gives columns for schemas that allow them."""
        return f"{type(self).__name__} has no schema with fields"

    def gives_maps(self) -> bool:
        """Whether what it decodes has no schema, so that its columns are Maps.

        They pay only if every step takes them.
        """
        return False

    def like(self, payload: bytes) -> "Converter[ConverterC]":
        """What encodes a value as this payload was, where the converter's config would have it otherwise."""
        return self

    def to_data(self, topic: str, payloads: Sequence[Payload]) -> Sequence[Data]:
        """Decodes payloads into consecutive pieces of one schema each, together as long as ``payloads``, in order.

        Raises DataError if any payload is bad (the caller narrows it down), RetriableError if a neighbour is away.
        """
        return self.decode(topic, payloads).consecutive()

    def decode(self, topic: str, payloads: Sequence[Payload]) -> Decoded:
        """The same for converters that meet many schemas: those of each schema at once, wherever they stand.

        A converter has one of the two. This one may tell the bad payloads instead of raising.
        """
        pieces, start = list[Piece](), 0
        for data in self.to_data(topic, payloads):
            pieces.append(Piece(range(start, start + len(data)), data))
            start += len(data)
        if start != len(payloads):
            raise DataError(f"{type(self).__name__} made {start} records of {len(payloads)}")
        return Decoded(pieces)

    @abstractmethod
    def from_data(self, topic: str, data: Data) -> Sequence[Payload]:
        """Encodes data, one payload a record. Raises as ``to_data`` does."""
