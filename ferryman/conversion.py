"""What a converter is: bytes to data and back, whole lists at a time."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, Literal, TypeVar

from ferryman.config import Config
from ferryman.record import Data, Payload

Side = Literal["key", "value", "header"]
ConverterC = TypeVar("ConverterC", bound=Config)


class Converter(Generic[ConverterC]):
    """Decodes what was consumed and encodes what is produced. ``side`` is which part of a record it is for."""

    config_class: ClassVar[type[Config]] = Config
    classes: ClassVar[tuple[str, ...]] = ()
    """The Java class names under which configs know this converter, the most usual first."""

    def __init__(self, config: ConverterC, side: Side) -> None:
        self.config = config
        self.side = side

    def rows_reason(self) -> str | None:
        """Why what it decodes is always rows; None when it gives columns for schemas that allow them."""
        return f"{type(self).__name__} has no schema with fields"

    @abstractmethod
    def to_data(self, topic: str, payloads: Sequence[Payload]) -> Sequence[Data]:
        """Decodes payloads into consecutive pieces of one schema each, together as long as ``payloads``, in order.

        Raises DataError if any payload is bad (the caller narrows it down), RetriableError if a neighbour is away.
        """

    @abstractmethod
    def from_data(self, topic: str, data: Data) -> Sequence[Payload]:
        """Encodes data, one payload a record. Raises as ``to_data`` does."""
