"""The connector file of a sink and a row: that of the workload with this sink, and what the row needs besides."""

from collections.abc import Mapping

from bench.cliffs.rows import Row, Sink
from bench.side import CONFIGS
from ferryman.worker import connector_file

PLUGIN = "CountingSink"
_FILES: Mapping[Sink, str] = {
    "sql": "sql-postgresql-json",
    "s3-parquet": "s3-parquet",
    "s3-json": "s3-json",
    "file": "file-sink",
}
_DROPPED = ("transforms", "value.converter", "name")
_JSON = {
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter.schemas.enable": "true",
}
_KEYS = {key.replace("value", "key"): value for key, value in _JSON.items()}
_DATES = {
    "transforms": "date",
    "transforms.date.type": "org.apache.kafka.connect.transforms.TimestampConverter$Value",
    "transforms.date.field": "note",
    "transforms.date.format": "yyyy-MM-dd",
    "transforms.date.target.type": "string",
}
_DELETES = {"primary.key.mode": "record_key", "delete.enabled": "true"}


def config(sink: Sink, row: Row, *, tuned: bool = False) -> dict[str, str]:
    """All keys but the name; ``tuned`` adds what sql_postgresql's tuned file has more than its other."""
    return {
        **_base(sink),
        **(_tuning() if tuned else {}),
        **(_of("sql-postgresql-avro", "value.converter") if row.avro else _JSON),
        **(_KEYS if row.tombstones else {}),
        **(_DATES if row.undated else {}),
        **({"errors.tolerance": "all"} if row.skips else {}),
        **(_letters(row) if row.letters else {}),
        **_for_sink(sink, row),
    }


def text(config: Mapping[str, str]) -> str:
    """As a property file."""
    return "".join(f"{key}={value}\n" for key, value in {"name": "cliffs", **config}.items())


def _base(sink: Sink) -> dict[str, str]:
    if sink == "plugin":
        return {
            "connector.class": PLUGIN,
            "tasks.max": "1",
            "topics": "${env:BENCH_TOPIC}",
            "count.file": "${env:BENCH_FILE}",
        }
    found = _read(_FILES[sink])
    return {key: value for key, value in found.items() if not key.startswith(_DROPPED)}


def _letters(row: Row) -> dict[str, str]:
    prefix = "errors.deadletterqueue."
    return {
        f"{prefix}topic.name": row.letter_topic,
        f"{prefix}topic.replication.factor": "1",
        f"{prefix}context.headers.enable": "true",
    }


def _tuning() -> dict[str, str]:
    plain = _read("sql-postgresql-json")
    return {key: value for key, value in _read("sql-postgresql-json-tuned").items() if key not in plain}


def _for_sink(sink: Sink, row: Row) -> dict[str, str]:
    match sink:
        case "sql":
            return {"collection.name.format": "${topic}", **(_DELETES if row.tombstones else {})}
        case "s3-parquet" | "s3-json":
            # With NONE every change of the schema would close a file.
            changes = {"schema.compatibility": "BACKWARD"} if row.schemas > 1 else {}
            return {**changes, **({"behavior.on.null.values": "ignore"} if row.tombstones else {})}
        case _:
            return {}


def _of(name: str, prefix: str) -> dict[str, str]:
    return {key: value for key, value in _read(name).items() if key.startswith(prefix)}


def _read(name: str) -> Mapping[str, str]:
    return connector_file.read(CONFIGS / f"{name}.properties").config
