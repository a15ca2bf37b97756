"""Payloads edited: decoded, given to a program as JSON, and encoded again as they were."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ferryman.conversion import Converter
from ferryman.edits.program import Program
from ferryman.errors import DataError
from ferryman.formats.json.exact_numbers import printed
from ferryman.formats.json.payload import has_decimals, reader, writer
from ferryman.formats.json.text import dumps, loads, loads_decimals
from ferryman.record import Payload, Rows

Edit = Callable[[str, str, Payload], Payload]
"""Edits by a jq program, in a topic, a payload."""


@dataclass(frozen=True, slots=True)
class Editor:
    """Edits values that a converter decodes."""

    converter: Converter[Any]

    def edited(self, program: str, topic: str, payload: Payload) -> Payload:
        """The payload of what a jq program makes of the value. It gets that as JsonConverter writes it without its
        schema, decimals as numbers. A tombstone stays one. DataError if the program gives no value, or one that does
        not fit the schema; RetriableError if another system is away."""
        if payload is None:
            return None
        (data,) = self.converter.to_data(topic, [payload])
        rows = data.rows()
        write, read = (_plain, loads) if rows.schema is None else (_writer(rows), _reader(rows))
        found = read(Program(program).edited(write(rows.values[0]).decode()).encode())
        (made,) = self.converter.like(payload).from_data(topic, Rows(rows.schema, [found]))
        return made


def _plain(value: Any) -> bytes:
    """A schemaless value's JSON. DataError for what JSON cannot say, as bytes, which would come back as texts."""
    text = dumps(value)
    if loads(text) != value:
        raise DataError("The value cannot be represented in JSON without a schema, so it cannot be edited")
    return text


def _writer(rows: Rows) -> Callable[[Any], bytes]:
    assert rows.schema is not None
    write = writer(rows.schema, True)
    return lambda value: printed(write(value))


def _reader(rows: Rows) -> Callable[[bytes], Any]:
    assert rows.schema is not None
    read, write = reader(rows.schema), writer(rows.schema, True)
    parse = loads_decimals if has_decimals(rows.schema) else loads

    def checked(text: bytes) -> Any:
        given = parse(text)
        value = read(given)
        unknown = _unknown(given, loads(printed(write(value))))
        if unknown is not None:
            raise DataError(f"The edit sets {unknown}, but the schema has no such field").in_field(unknown)
        return value

    return checked


def _unknown(given: Any, taken: Any) -> str | None:
    """The path of the first name that was given and not taken."""
    if isinstance(given, dict) and isinstance(taken, dict):
        for name, value in given.items():
            inner = name if name not in taken else _unknown(value, taken[name])
            if inner is not None:
                return inner if name not in taken else f"{name}.{inner}"
    if isinstance(given, list) and isinstance(taken, list) and len(given) == len(taken):
        paths = (_unknown(one, other) for one, other in zip(given, taken, strict=True))
        return next((path for path in paths if path is not None), None)
    return None
