"""Headers decoded and encoded: once for each that differs from the others, since the same few come again and again."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ferryman.conversion import Converter
from ferryman.errors import DataError, RetriableError, TaskError
from ferryman.record import Header, Headers, Payload, Rows
from ferryman.repeated import Late, Repeated
from ferryman.schema import Schema

Raw = Sequence[tuple[str, Payload]]
Value = tuple[Any, Schema | None]
_PLAIN = frozenset({str, bytes, int, bool})
"""Classes of values of which equal ones have the same bytes; a zero that is a fraction may be negative."""


def decoded(
    converter: Converter[Any], topic: str, given: Sequence[Raw]
) -> tuple[Repeated[Headers], list[tuple[int, Exception]]]:
    """The headers of the good records, which those that had the same share; the places and errors of the bad ones."""
    raw = Repeated.equal(map(tuple, given), lambda each: each)
    known = _known(converter, topic, dict.fromkeys(payload for each in raw.distinct for _, payload in each))

    def convert(each: Raw) -> Headers | Exception:
        try:
            return tuple(
                [Header(name, *(known.get(payload) or _read(converter, topic, payload))) for name, payload in each]
            )
        except (RetriableError, TaskError):
            raise
        except Exception as error:
            return error

    found = raw.each(convert)
    if any(isinstance(each, Exception) or any(map(_can_change, each)) for each in found.distinct):
        return _told_apart(found, lambda at: convert(given[at]))
    return found, []  # type: ignore[return-value]


def late(converter: Converter[Any], topic: str, given: Sequence[Raw]) -> Late[Raw, Headers]:
    """The headers of records, decoded when they are asked for, by a converter that refuses nothing."""

    def make(raw: Sequence[Raw]) -> Repeated[Headers]:
        found, bad = decoded(converter, topic, raw)
        for _, error in bad:
            raise error
        return found

    return Late(given, make)


def _told_apart(
    found: Repeated[Headers | Exception], again: Callable[[int], Headers | Exception]
) -> tuple[Repeated[Headers], list[tuple[int, Exception]]]:
    """The good ones and the bad ones; a mutable value is made again for each record."""
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
    """Whether the value is mutable, so that one user could change what others see."""
    return isinstance(header.value, dict | list)


def _known(converter: Converter[Any], topic: str, payloads: Collection[Payload]) -> Mapping[Payload, Value]:
    """The values of good payloads, except for mutable ones."""
    given = list(payloads)
    try:
        pieces = converter.decode(topic, given).pieces
    except (RetriableError, TaskError):
        raise
    except Exception:
        return {}  # which of them are bad shows when they are read one by one
    found = dict[Payload, Value]()
    for positions, data in pieces:
        rows = data.rows()
        found |= {given[at]: (value, rows.schema) for at, value in zip(positions, rows.values, strict=True)}
    return {payload: value for payload, value in found.items() if not isinstance(value[0], dict | list)}


def _read(converter: Converter[Any], topic: str, payload: Payload) -> Value:
    rows = converter.to_data(topic, [payload])[0].rows()
    return rows.values[0], rows.schema


def encoded(converter: Converter[Any], topic: str, given: Sequence[Headers]) -> Sequence[Raw]:
    """The headers of each record as payloads; those of records that share theirs are shared too."""
    shared = Repeated.of(given)
    headers = [header for each in shared.distinct for header in each]
    names = iter([name_of(header) for header in headers])
    places = dict[int, list[int]]()
    for place, header in enumerate(headers):
        places.setdefault(id(header.schema), []).append(place)
    written: list[Payload] = [None] * len(headers)
    for of_schema in places.values():
        rows = Rows(headers[of_schema[0]].schema, [headers[place].value for place in of_schema])
        for place, payload in zip(of_schema, _written(converter, topic, rows), strict=True):
            written[place] = payload
    rest = iter(written)
    return shared.each(lambda headers: [(next(names), next(rest)) for _ in headers])


def name_of(header: Header) -> str:
    """A header's name as it can be written: half of a surrogate pair is ``?``, as in Java. librdkafka's client dies of
    one. DataError for what is no name."""
    name: object = header.key
    if not isinstance(name, str):
        raise DataError(f"the name of a header must be a text, not {type(name).__name__}")
    return name if name.isascii() else name.encode("utf-8", "replace").decode()


def _written(converter: Converter[Any], topic: str, rows: Rows) -> Sequence[Payload]:
    """The payloads of values with one schema; equal ones are written once if they are plain."""
    kinds = set(map(type, rows.values))
    if len(kinds) > 1 or not kinds <= _PLAIN:
        return converter.from_data(topic, rows)
    distinct = list(dict.fromkeys(rows.values))
    found = dict(zip(distinct, converter.from_data(topic, Rows(rows.schema, distinct)), strict=True))
    return [found[value] for value in rows.values]
