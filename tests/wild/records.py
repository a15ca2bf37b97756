"""Records as the applications of others write them: JSON in an envelope with its schema, Avro through a registry."""

import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import fastavro

from tests.running import WEB

TIMESTAMP = "org.apache.kafka.connect.data.Timestamp"


def envelope(types: Mapping[str, str], payload: Any) -> bytes:
    """A struct with its schema. A type is Connect's: ``int32``, ``string?`` (optional) or ``timestamp``."""
    fields = [{"field": name, **_field(text)} for name, text in types.items()]
    return json.dumps({"schema": {"type": "struct", "optional": False, "fields": fields}, "payload": payload}).encode()


def _field(text: str) -> dict[str, Any]:
    if text == "timestamp":
        return {"type": "int64", "optional": False, "name": TIMESTAMP, "version": 1}
    return {"type": text.removesuffix("?"), "optional": text.endswith("?")}


class Avro:
    """Writes one subject's records in Confluent's wire format."""

    def __init__(self, registry: str, subject: str, fields: Mapping[str, Any]) -> None:
        schema = {
            "type": "record",
            "name": "Row",
            "namespace": f"shop.{subject.replace('-', '_')}",
            "fields": [{"name": name, "type": kind} for name, kind in fields.items()],
        }
        answer = WEB.post(f"{registry}/subjects/{subject}/versions", json={"schema": json.dumps(schema)})
        answer.raise_for_status()
        self._head = b"\x00" + int(answer.json()["id"]).to_bytes(4, "big")
        self._schema = fastavro.parse_schema(schema)

    def __call__(self, **values: Any) -> bytes:
        stream = BytesIO(self._head)
        stream.seek(len(self._head))
        fastavro.schemaless_writer(stream, self._schema, values)
        return stream.getvalue()
