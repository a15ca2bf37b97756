"""What is measured: a config for each transform, and the records that all sides read."""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TOPIC = "bench"
TIMESTAMP = 1_760_000_000_000
"""The timestamp of the first record; each has one a millisecond later."""
FORMATS = ("avro", "json")
_JSON = "org.apache.kafka.connect.json.JsonConverter"
_TOMBSTONE = "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone"


@dataclass(frozen=True)
class Case:
    """A chain: its connector's keys, and what its records have besides their values."""

    name: str
    config: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)
    tombstones: int | None = None
    """Every so manyth record is one."""

    def records(self, values: Sequence[bytes]) -> list[bytes | None]:
        """Its values."""
        if self.tombstones is None:
            return list(values)
        return [None if index % self.tombstones == 0 else value for index, value in enumerate(values, 1)]


def _chain(*steps: tuple[str, Mapping[str, str]]) -> dict[str, str]:
    config = {"transforms": ",".join(f"t{number}" for number in range(len(steps)))}
    for number, (name, keys) in enumerate(steps):
        config[f"transforms.t{number}.type"] = f"org.apache.kafka.connect.transforms.{name}"
        config |= {f"transforms.t{number}.{key}": value for key, value in keys.items()}
    return config


_MASK = ("MaskField$Value", {"fields": "email"})
_REPLACE = ("ReplaceField$Value", {"exclude": "score", "renames": "note:remark"})
_INSERT = ("InsertField$Value", {"static.field": "origin", "static.value": "shop", "timestamp.field": "received"})
_TEXT = (
    "TimestampConverter$Value",
    {"field": "created", "target.type": "string", "format": "yyyy-MM-dd'T'HH:mm:ss.SSS"},
)
_ALONE: Sequence[tuple[str, Mapping[str, str]]] = [
    ("Cast$Value", {"spec": "id:int32,account:string"}),
    ("ExtractField$Value", {"field": "email"}),
    ("Flatten$Value", {"delimiter": "_"}),
    ("HeaderFrom$Value", {"fields": "currency", "headers": "currency", "operation": "move"}),
    ("HoistField$Value", {"field": "payment"}),
    _INSERT,
    ("InsertHeader", {"header": "origin", "value.literal": "shop"}),
    _MASK,
    ("RegexRouter", {"regex": "(.*)", "replacement": "copy-$1"}),
    _REPLACE,
    ("SetSchemaMetadata$Value", {"schema.name": "shop.Payment", "schema.version": "2"}),
    _TEXT,
    ("TimestampRouter", {}),
    ("ValueToKey", {"fields": "id"}),
]
CASES: Mapping[str, Case] = {
    **{name.partition("$")[0]: Case(name.partition("$")[0], _chain((name, keys))) for name, keys in _ALONE},
    "DropHeaders": Case(
        "DropHeaders", _chain(("DropHeaders", {"headers": "trace"})), {"trace": "a1b2c3", "origin": "shop"}
    ),
    "Filter": Case(
        "Filter",
        {
            **_chain(("Filter", {"predicate": "tombstone"})),
            "predicates": "tombstone",
            "predicates.tombstone.type": _TOMBSTONE,
        },
        tombstones=1000,
    ),
    "chain": Case("chain", _chain(_MASK, _REPLACE, _INSERT, _TEXT)),
}


def converters(form: str, registry: str, apicurio: bool) -> dict[str, str]:
    """The converters of a format: JSON with schemas, or Avro by way of a registry, as each side names it."""
    if form == "json":
        return {"key.converter": _JSON, "value.converter": _JSON}
    own = {"": "io.confluent.connect.avro.AvroConverter", ".schema.registry.url": registry}
    if apicurio:
        own = {
            "": "io.apicurio.registry.utils.converter.AvroConverter",
            ".apicurio.registry.url": registry.replace("/apis/ccompat/v7", "/apis/registry/v2"),
            ".apicurio.registry.id-handler": "io.apicurio.registry.serde.Legacy4ByteIdHandler",
            ".apicurio.registry.use-id": "contentId",
            ".apicurio.registry.auto-register": "true",
            ".apicurio.registry.headers.enabled": "false",
        }
    return {f"{side}.converter{key}": value for side in ("key", "value") for key, value in own.items()}


def write(file: Path, records: Iterable[bytes | None]) -> None:
    """Records for the JVM: how many, then each one's length, -1 for null, and its bytes."""
    given = list(records)
    with file.open("wb") as stream:
        stream.write(struct.pack(">i", len(given)))
        for record in given:
            stream.write(struct.pack(">i", -1 if record is None else len(record)) + (record or b""))
