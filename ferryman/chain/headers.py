"""Headers decoded and encoded: once for each that differs from the others, since the same few come again and again."""

from collections.abc import Callable, Sequence
from typing import Any

from ferryman.conversion import Converter
from ferryman.errors import RetriableError, TaskError
from ferryman.formats.once_each import once_each
from ferryman.record import Header, Headers, Payload, Rows
from ferryman.schema import Schema

Raw = Sequence[tuple[str, Payload]]
Value = tuple[Any, Schema | None]


def decoded(
    converter: Converter[Any], topic: str, given: Sequence[Raw]
) -> tuple[list[Headers | None], list[tuple[int, Exception]]]:
    """The headers of each record, which those that had the same share; the places of bad ones, and what is wrong."""
    known: dict[tuple[tuple[str, Payload], ...], Headers] = {}
    found, bad = list[Headers | None](), list[tuple[int, Exception]]()
    read = _reader(converter, topic)
    for at, raw in enumerate(given):
        same = tuple(raw)
        headers = known.get(same)
        if headers is None:
            try:
                headers = tuple([Header(name, *read(payload)) for name, payload in raw])
            except (RetriableError, TaskError):
                raise
            except Exception as error:
                bad.append((at, error))
            else:
                if not any(map(_can_change, headers)):
                    known[same] = headers
        found.append(headers)
    return found, bad


def _can_change(header: Header) -> bool:
    """Whether somebody who gets the value could change what others get."""
    return isinstance(header.value, dict | list)


def _reader(converter: Converter[Any], topic: str) -> Callable[[Payload], Value]:
    known: dict[Payload, Value] = {}

    def read(payload: Payload) -> Value:
        found = known.get(payload)
        if found is None:
            rows = converter.to_data(topic, [payload])[0].rows()
            found = rows.values[0], rows.schema
            if not isinstance(found[0], dict | list):
                known[payload] = found
        return found

    return read


def encoded(converter: Converter[Any], topic: str, given: Sequence[Headers]) -> Sequence[Raw]:
    """The headers of each record as payloads; those of records that share theirs are shared too."""
    known: dict[tuple[int, type, Any], Payload] = {}

    def write(header: Header) -> Payload:
        value = header.value
        if not isinstance(value, str | bytes | int):
            return converter.from_data(topic, Rows(header.schema, [value]))[0]
        same = id(header.schema), type(value), value
        if same not in known:
            known[same] = converter.from_data(topic, Rows(header.schema, [value]))[0]
        return known[same]

    return once_each(given, lambda headers: [(header.key, write(header)) for header in headers])
