"""Header values as text: what SimpleHeaderConverter writes, as Kafka's class Values. Times are in UTC whatever the zone
of a JVM."""

from base64 import b64encode
from datetime import UTC, date, datetime, time
from typing import Any

from ferryman.formats.json.payload import time_of_day
from ferryman.java.instants import DAY
from ferryman.java.texts import double_text, float_text, iso, millis, renderer
from ferryman.schema import Schema, Type


def shown(value: Any, schema: Schema | None = None) -> str:
    """A header's value as text; strings and bytes are not quoted unless they are inside of something."""
    match value:
        case str():
            return value
        case bytes():
            return b64encode(value).decode()
        case _:
            return _shown(value, schema)


def _shown(value: Any, schema: Schema | None) -> str:
    match value:
        case None:
            return "null"
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case bytes():
            return f'"{b64encode(value).decode()}"'
        case bool():
            return "true" if value else "false"
        case float():
            return float_text(value) if schema is not None and schema.type is Type.FLOAT32 else double_text(value)
        case datetime() | date() | time():
            return _shown_time(value)
        case list():
            return "[" + ",".join(_shown(item, schema.values if schema else None) for item in value) + "]"
        case dict() if schema is not None and schema.type is Type.STRUCT:
            members = [(field.name, field.schema, value.get(field.name)) for field in schema.fields]
            return "{" + ",".join(f"{_shown(n, None)}:{_shown(inner.read(v), inner)}" for n, inner, v in members) + "}"
        case dict():
            keys, values = (schema.keys, schema.values) if schema else (None, None)
            return "{" + ",".join(f"{_shown(k, keys)}:{_shown(v, values)}" for k, v in value.items()) + "}"
        case _:
            return renderer(schema)(value)


def _shown_time(value: date | time) -> str:
    """As Java, which goes by the instant and not by its schema: early ones are times, midnights are dates."""
    if isinstance(value, datetime):
        at = millis(value)
        if at < DAY:
            return iso(time_of_day(at % DAY))
        return iso(value.astimezone(UTC).date()) if at % DAY == 0 else iso(value)
    return iso(time()) if not isinstance(value, time) and value <= _FIRST_DAY else iso(value)


_FIRST_DAY = date(1970, 1, 1)
