"""Avro messages to rows by fastavro, one at a time: slow, exact about every byte."""

import json
import re
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException

from ferryman.errors import DataError
from ferryman.formats.avro import schemaless, strict_reader
from ferryman.formats.avro.schemas.schema_reader import Reading
from ferryman.formats.avro.schemas.value_conversions import Convert
from ferryman.record import Rows

_OVERLONG = re.compile(rb"[\x80-\xff]{9}")
"""What an integer of more than 64 bits looks like, which fastavro takes for another; some texts look so too."""


class _Branches(list[Any]):
    """A union's types. fastavro adds their number to a negative place, which must not make it one of theirs."""

    def __len__(self) -> int:
        return 1 << 62


def parse(schema: Any) -> Any:
    """An Avro schema as fastavro wants it for writing. Raises DataError if it is not one."""
    try:
        return fastavro.parse_schema(schema)
    except (SchemaParseException, TypeError, KeyError, ValueError, RecursionError) as error:
        raise DataError(f"The Avro schema is not valid: {error}") from error


def parse_strictly(schema: Any) -> Any:
    """The same for reading: data of a type that a union does not have is refused."""
    return _counted(parse(schema))


def _counted(node: Any) -> Any:
    if isinstance(node, list):
        return _Branches(map(_counted, node))
    if not isinstance(node, dict):
        return node
    found = {name: _counted(item) if name in ("type", "items", "values") else item for name, item in node.items()}
    if "fields" in found:
        found["fields"] = [{**field, "type": _counted(field["type"])} for field in found["fields"]]
    return found


def parse_text(text: str) -> Any:
    """The JSON of an Avro schema; a bare type's name is allowed. Raises DataError if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"The Avro schema is not JSON: {error}") from error


def decode(reading: Reading, parsed: Any, bodies: Sequence[bytes]) -> Rows:
    """Each body, without the registry's five bytes, as one value of ``parsed`` (the reading's rows' spelling,
    parsed strictly).

    Raises DataError for a body that is too short, too long or not of that schema.
    """
    if reading.recursive or not _is_record(reading.rows):
        return Rows(reading.schema, _walked(reading.rows, reading.convert, bodies))
    read, convert = fastavro.schemaless_reader, reading.convert
    values = []
    for body in bodies:
        if _OVERLONG.search(body):
            values += _walked(reading.rows, convert, [body])
            continue
        stream = BytesIO(body)
        try:
            value = read(stream, parsed, None, return_record_name=True, return_record_name_override=True)
            values.append(value if convert is None else convert(value))
        except (EOFError, ValueError, IndexError, KeyError, TypeError, OverflowError, ArithmeticError) as error:
            raise DataError(f"The data does not fit its Avro schema: {error or type(error).__name__}") from error
        _ended(body, stream.tell())
    return Rows(reading.schema, values)


def decode_block(reading: Reading, parsed: Any, data: bytes, count: int) -> Rows:
    """That many consecutive values, as in a block of a file. ``parsed`` is as for ``decode``.

    Raises DataError if the data is not that of so many values of that schema.
    """
    if reading.recursive or not _is_record(reading.rows) or _OVERLONG.search(data):
        found, end = _sequence(reading.rows, data, count)
    else:
        found, end = _by_fastavro(parsed, data, count)
    _ended(data, end)
    convert = reading.convert
    try:
        return Rows(reading.schema, found if convert is None else list(map(convert, found)))
    except (ValueError, OverflowError, ArithmeticError, TypeError, KeyError, IndexError) as error:
        raise DataError(f"The data does not fit its Avro schema: {error}") from error


def _sequence(spelled: Any, data: bytes, count: int) -> tuple[list[Any], int]:
    try:
        return strict_reader.sequence(spelled)(data, count)
    except (ValueError, OverflowError, ArithmeticError) as error:
        raise DataError(f"The data does not fit its Avro schema: {error}") from error


def _by_fastavro(parsed: Any, data: bytes, count: int) -> tuple[list[Any], int]:
    stream, read = BytesIO(data), fastavro.schemaless_reader
    try:
        found = [
            read(stream, parsed, None, return_record_name=True, return_record_name_override=True) for _ in range(count)
        ]
    except (EOFError, ValueError, IndexError, KeyError, TypeError, OverflowError, ArithmeticError) as error:
        raise DataError(f"The data does not fit its Avro schema: {error or type(error).__name__}") from error
    return found, stream.tell()


def decode_anything(bodies: Sequence[bytes]) -> Rows:
    """Each body as the value without a schema that it stands for. Raises DataError as ``decode`` does."""
    return Rows(None, _walked(schemaless.SCHEMA, schemaless.unwrapped, bodies))


def _is_record(spelled: Any) -> bool:
    # Any other schema fastavro would parse anew for each value.
    return isinstance(spelled, dict) and spelled["type"] == "record"


def _walked(spelled: Any, convert: Convert | None, bodies: Sequence[bytes]) -> list[Any]:
    """The values of records that contain themselves, and of others that fastavro should not see."""
    read = strict_reader.decoder(spelled)
    values = []
    for body in bodies:
        try:
            value, end = read(body)
            values.append(value if convert is None else convert(value))
        except (ValueError, OverflowError, ArithmeticError) as error:
            raise DataError(f"The data does not fit its Avro schema: {error}") from error
        _ended(body, end)
    return values


def _ended(body: bytes, end: int) -> None:
    if end != len(body):
        raise DataError(f"The data continues after the end of its Avro value: {len(body) - end} more bytes")
