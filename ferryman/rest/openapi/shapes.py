"""The JSON of the REST API's bodies, as JSON Schema. The names are those of Kafka Connect's own description."""

from collections.abc import Mapping
from typing import Any

from ferryman.dead_letters.query import CHOOSING
from ferryman.dead_letters.replay_state import ReplayState

Json = dict[str, Any]
TEXT: Json = {"type": "string"}
WHOLE: Json = {"type": "integer"}
ANY_OBJECT: Json = {"type": "object"}
_STATES = ["UNASSIGNED", "RUNNING", "PAUSED", "FAILED", "RESTARTING", "STOPPED"]
_TYPES = ["sink", "source", "unknown"]


def a(name: str) -> Json:
    """A reference to one of the shapes below."""
    return {"$ref": f"#/components/schemas/{name}"}


def several(item: Json) -> Json:
    """A list."""
    return {"type": "array", "items": item}


def by_name(value: Json) -> Json:
    """An object whose keys are names."""
    return {"type": "object", "additionalProperties": value}


def _fields(required: Mapping[str, Json], **others: Json) -> Json:
    return {"type": "object", "properties": {**required, **others}, "required": list(required)}


def _nullable(kind: str) -> Json:
    return {"type": [kind, "null"]}


_STATE: Json = {"state": {"enum": _STATES}, "worker_id": TEXT}
_MORE: Json = {"version": _nullable("string"), "trace": TEXT, "outage": a("Outage"), "restart": a("Restart")}
_REPLAY_STATES: Json = {each.value: _nullable("integer") for each in ReplayState}
_PLUGIN_TYPES = ["sink", "source", "converter", "header_converter", "transformation", "predicate"]
SHAPES: Mapping[str, Json] = {
    "ErrorMessage": _fields({"error_code": WHOLE, "message": TEXT}),
    "ServerInfo": _fields({"version": TEXT, "commit": TEXT, "kafka_cluster_id": _nullable("string")}),
    "WorkerStatus": _fields({"status": {"enum": ["healthy", "starting", "unhealthy"]}, "message": TEXT}),
    "Config": by_name(TEXT),
    "PostedConfig": by_name({"type": ["string", "number", "boolean", "null"]}),
    "CreateConnectorRequest": _fields(
        {"name": TEXT, "config": a("PostedConfig")}, initial_state={"enum": ["RUNNING", "PAUSED", "STOPPED", None]}
    ),
    "ConnectorTaskId": _fields({"connector": TEXT, "task": WHOLE}),
    "ConnectorInfo": _fields(
        {"name": TEXT, "config": a("Config"), "tasks": several(a("ConnectorTaskId")), "type": {"enum": _TYPES}}
    ),
    "TaskInfo": _fields({"id": a("ConnectorTaskId"), "config": a("Config")}),
    "Outage": _fields({"since": TEXT, "reason": TEXT, "next_try": TEXT}),
    "Restart": _fields({"failures": WHOLE, "next_try": TEXT}),
    "ConnectorState": _fields(_STATE, **_MORE),
    "LogLines": _fields({"lines": several(a("LogLine"))}),
    "LogLine": _fields(
        {"time": TEXT, "level": TEXT, "logger": TEXT, "message": TEXT}, connector=TEXT, task=WHOLE, trace=TEXT
    ),
    "BackfillRequest": {
        "type": "object",
        "properties": {
            **dict.fromkeys(("from", "to", "name", "version_field"), _nullable("string")),
            "offsets": _nullable("object"),
            "positions": {"type": ["array", "null"], "items": _nullable("integer"), "minItems": 2, "maxItems": 2},
            "config": _nullable("object"),
            "rate": _nullable("number"),
            **dict.fromkeys(("allow_duplicates", "dry_run"), _nullable("boolean")),
        },
        "additionalProperties": False,
    },
    "BackfillInfo": _fields(
        {"name": TEXT, "target": TEXT},
        records=WHOLE,
        records_done=WHOLE,
        records_in_period=WHOLE,
        bytes=WHOLE,
        seconds={"type": "number"},
        ranges=ANY_OBJECT,
        **{"from": TEXT, "to": TEXT},
        positions=several(_nullable("integer")),
        warnings=several(TEXT),
    ),
    "ReplayRequest": {
        "type": "object",
        "properties": {
            "letters": {"type": ["array", "null"], "items": TEXT},
            **dict.fromkeys((*CHOOSING, "edit", "name"), _nullable("string")),
            **dict.fromkeys(("all", "to_topic", "again", "allow_older", "dry_run"), _nullable("boolean")),
            "attempts": _nullable("integer"),
            "config": _nullable("object"),
        },
        "additionalProperties": False,
    },
    "ReplayInfo": _fields(
        {
            "name": _nullable("string"),
            "letters": WHOLE,
            "passed_over": by_name(WHOLE),
            "complete": {"type": "boolean"},
            "target": TEXT,
        },
        refusals=several(TEXT),
        records_done=WHOLE,
    ),
    "DeadLetters": _fields(
        {
            "topic": TEXT,
            "scanned": WHOLE,
            "complete": {"type": "boolean"},
            "count": WHOLE,
            **_REPLAY_STATES,
            "undated": WHOLE,
            "marks_unread": _nullable("string"),
            "groups": several(a("DeadLetterGroup")),
            "letters": several(ANY_OBJECT),
        }
    ),
    "DeadLetterGroup": _fields(
        {
            **dict.fromkeys(("connector", "stage", "exception", "field", "message"), _nullable("string")),
            "letters": WHOLE,
            **_REPLAY_STATES,
            **dict.fromkeys(("first", "last", "first_refused", "last_refused"), _nullable("integer")),
            "latest": TEXT,
        }
    ),
    "DeadLetter": _fields({"id": TEXT, "topic": TEXT, "headers": several(ANY_OBJECT)}),
    "TaskState": _fields({"id": WHOLE, **_STATE}, **_MORE),
    "ConnectorStateInfo": _fields(
        {"name": TEXT, "connector": a("ConnectorState"), "tasks": several(a("TaskState")), "type": {"enum": _TYPES}},
        run=a("Run"),
    ),
    "Run": _fields(
        {"records_done": WHOLE, "complete": {"type": "boolean"}},
        **dict.fromkeys(("of", "from", "to"), TEXT),
        **dict.fromkeys(("records_total", "records_refused", "partitions_done", "partitions_total"), WHOLE),
        **dict.fromkeys(("tasks_done", "tasks_total", "seconds_left"), WHOLE),
        records_per_second={"type": "number"},
        pace={"type": "number"},
        held_back_by_live={"type": "boolean"},
    ),
    "Connectors": {
        "anyOf": [
            several(TEXT),
            by_name(_fields({}, status=a("ConnectorStateInfo"), info=a("ConnectorInfo"))),
        ]
    },
    "ActiveTopics": by_name(_fields({"topics": several(TEXT)})),
    "ConnectorOffset": _fields({}, partition={"type": ["object", "null"]}, offset={"type": ["object", "null"]}),
    "ConnectorOffsets": _fields({"offsets": several(a("ConnectorOffset"))}),
    "Message": _fields({"message": TEXT}),
    "PluginInfo": _fields({"class": TEXT, "type": {"enum": _PLUGIN_TYPES}}, version=TEXT),
    "ConfigKeyInfo": _fields(
        {
            "name": TEXT,
            "type": TEXT,
            "required": {"type": "boolean"},
            "default_value": _nullable("string"),
            "importance": TEXT,
            "documentation": TEXT,
            "group": _nullable("string"),
            "width": TEXT,
            "display_name": TEXT,
            "dependents": several(TEXT),
            "order": WHOLE,
        }
    ),
    "ConfigInfo": _fields({"definition": {"anyOf": [a("ConfigKeyInfo"), {"type": "null"}]}, "value": ANY_OBJECT}),
    "ConfigInfos": _fields(
        {"name": TEXT, "error_count": WHOLE, "groups": several(TEXT), "configs": several(a("ConfigInfo"))}
    ),
    "LoggerLevel": _fields({"level": TEXT}, last_modified=_nullable("integer")),
}
