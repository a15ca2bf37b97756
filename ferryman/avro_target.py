"""Values written with an Avro schema that somebody else made: the latest of a subject, or one chosen by its id.

Fields are matched by name; what a value lacks is the field's default, and what the schema lacks is left out.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException
from fastavro.validation import ValidationError, validate

from ferryman.avro_meta import Options
from ferryman.avro_names import bare
from ferryman.avro_writing import writing
from ferryman.errors import DataError
from ferryman.schema import Schema

Encode = Callable[[Any], bytes]


def encoder_as(schema: Schema, avro: Any, references: Sequence[Any], options: Options) -> Encode:
    """What writes a Connect schema's values with a parsed Avro schema; ``references`` are what that refers to, parsed,
    each after those that it needs itself. Raises DataError, for the schema or for a value that it cannot have."""
    parsed = _parsed(avro, references)
    convert = writing(schema, options=replace(options, enhanced=False, generic=True)).convert

    def encode(value: Any) -> bytes:
        stream = BytesIO()
        found = convert(value)
        try:
            validate(found, parsed, raise_errors=True)
            fastavro.schemaless_writer(stream, parsed, found, disable_tuple_notation=True)
        except (
            ValidationError,
            ValueError,
            TypeError,
            KeyError,
            OverflowError,
            AttributeError,
            RecursionError,
        ) as error:
            raise DataError(f"The value does not fit the schema to write it with: {error}") from error
        return stream.getvalue()

    return encode


def _parsed(avro: Any, references: Sequence[Any]) -> Any:
    named: dict[str, Any] = {}
    try:
        for reference in references:
            fastavro.parse_schema(bare(reference), named)
        return fastavro.parse_schema(bare(avro), named)
    except (SchemaParseException, TypeError, KeyError, ValueError, RecursionError) as error:
        raise DataError(f"The Avro schema is not valid: {error}") from error
