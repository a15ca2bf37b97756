"""The parts of a chain, each as small as can be: what they say of themselves is all that matters."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ferryman.api import Sink, Source, Transform
from ferryman.config import Config
from ferryman.conversion import Converter
from ferryman.errors import DataError
from ferryman.record import Batch, Data, Payload, Polled, Record, Rows


class TextConverter(Converter[Config]):
    """Bytes as text, by rows; ``bad`` is no text."""

    def to_data(self, topic: str, payloads: Sequence[Payload]) -> Sequence[Data]:
        if b"bad" in payloads:
            raise DataError("bad is no text")
        return [Rows(None, [None if payload is None else payload.decode() for payload in payloads])]

    def from_data(self, topic: str, data: Data) -> Sequence[Payload]:
        return [None if value is None else str(value).encode() for value in data.rows().values]


class FrameConverter(TextConverter):
    """The same, and it would give columns from four records on."""

    fewest_for_columns = 4

    def rows_reason(self) -> str | None:
        return None


class OnFrames(Transform[Config]):
    """A transform that takes columns too."""

    def rows_reason(self) -> str | None:
        return None

    def apply(self, record: Record) -> Record:
        return record

    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        return [batch]


class OnRecords(Transform[Config]):
    """A transform that sees single records: drops ``drop``, refuses ``refuse``, and sends ``to somewhere`` there."""

    def apply(self, record: Record) -> Record | None:
        if record.value == "refuse":
            raise DataError("refused")
        if isinstance(record.value, str) and record.value.startswith("to "):
            return replace(record, topic=record.value.removeprefix("to "))
        return None if record.value == "drop" else record


class FrameSink(Sink[Any]):
    """A sink that takes columns."""

    columnar = True


class RecordSink(Sink[Any]):
    """A sink that takes rows."""


class FrameSource(Source[Any]):
    """A source that hands over columns."""

    columnar = True


class RecordSource(Source[Any]):
    """A source that hands over rows."""


def polled(*values: Payload, topic: str = "t", partition: int = 0, first: int = 0) -> Polled:
    """Raw records with these values, from an offset on."""
    return Polled(
        topic=topic,
        partition=partition,
        offsets=range(first, first + len(values)),
        timestamps=[1000 + first + index for index in range(len(values))],
        keys=[None] * len(values),
        values=list(values),
    )


def batch(*values: Any, topic: str = "t", partition: int = 0, first: int = 0) -> Batch:
    """Decoded records with these values, from an offset on."""
    raw = polled(*(str(value).encode() for value in values), topic=topic, partition=partition, first=first)
    return Batch(
        topic=topic,
        partition=partition,
        key=Rows(None, [None] * len(values)),
        value=Rows(None, list(values)),
        timestamps=raw.timestamps,
        origin=raw,
        positions=range(len(values)),
    )
