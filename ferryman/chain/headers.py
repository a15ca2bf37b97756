"""Headers decoded and encoded: once for each that differs from the others, since the same few come again and again."""

from collections.abc import Callable, Sequence
from typing import Any

from ferryman.conversion import Converter
from ferryman.errors import RetriableError, TaskError
from ferryman.record import Header, Headers, Payload, Rows
from ferryman.repeated import Repeated
from ferryman.schema import Schema

Raw = Sequence[tuple[str, Payload]]
Value = tuple[Any, Schema | None]


def decoded(
    converter: Converter[Any], topic: str, given: Sequence[Raw]
) -> tuple[Repeated[Headers], list[tuple[int, Exception]]]:
    """The headers of the good records, which those that had the same share; the places and errors of the bad ones."""
    read = _reader(converter, topic)

    def convert(raw: Raw) -> Headers | Exception:
        try:
            return tuple([Header(name, *read(payload)) for name, payload in raw])
        except (RetriableError, TaskError):
            raise
        except Exception as error:
            return error

    found = Repeated.equal(map(tuple, given), convert)
    if any(isinstance(each, Exception) or any(map(_can_change, each)) for each in found.distinct):
        return _told_apart(found, lambda at: convert(given[at]))
    return found, []  # type: ignore[return-value]


def _told_apart(
    found: Repeated[Headers | Exception], again: Callable[[int], Headers | Exception]
) -> tuple[Repeated[Headers], list[tuple[int, Exception]]]:
    """The good ones and the bad ones; a value that somebody could change is made again for each record."""
    good, bad = list[Headers](), list[tuple[int, Exception]]()
    for at, each in enumerate(found):
        if not isinstance(each, Exception) and any(map(_can_change, each)):
            each = again(at)
        if isinstance(each, Exception):
            bad.append((at, each))
        else:
            good.append(each)
    return Repeated.of(good), bad


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

    return Repeated.of(given).each(lambda headers: [(header.key, write(header)) for header in headers])
