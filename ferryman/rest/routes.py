"""The table of endpoints: which call answers which path and method, and what it takes and gives."""

from collections.abc import Awaitable, Callable, Mapping

from ferryman.dead_letters.query import CHOOSING
from ferryman.rest import endpoints as calls
from ferryman.rest import internal_endpoints as internal
from ferryman.rest.endpoints import Call, Rest
from ferryman.rest.http_messages import Answer
from ferryman.rest.openapi import description
from ferryman.rest.openapi.description import Described
from ferryman.rest.openapi.shapes import TEXT, Json, a, by_name, several

Endpoint = Callable[[Rest, Call], Awaitable[Answer]]
Route = tuple[Endpoint, Described]
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_FLAG: Json = {"type": "boolean", "default": False}
_FORWARD: Mapping[str, Json] = {"forward": {"type": "boolean"}}
_LETTERS: Mapping[str, Json] = {
    **dict.fromkeys(CHOOSING, TEXT),
    "open": _FLAG,
    **{name: {"type": "integer", "minimum": 0} for name in ("scan", "limit")},
}
_NOTHING: Mapping[int, Json | None] = {204: None}


async def openapi(rest: Rest, call: Call) -> Answer:
    """This description."""
    return Answer(200, description.described(ENDPOINTS))


def _gives(shape: Json, **query: Json) -> Described:
    return Described({200: shape}, query)


_CONFIG_PUT = Described({200: a("ConnectorInfo"), 201: a("ConnectorInfo")}, _FORWARD, a("PostedConfig"))
_RESTART = Described(
    {202: a("ConnectorStateInfo"), 204: None}, {"includeTasks": _FLAG, "onlyFailed": _FLAG, **_FORWARD}
)
_INTERNAL = Described({200: None, 204: None}, _FORWARD, hidden=True)

ENDPOINTS: Mapping[str, Mapping[str, Route]] = {
    "/": {"GET": (calls.root, _gives(a("ServerInfo")))},
    "/health": {"GET": (calls.health, Described(dict.fromkeys((200, 500, 503), a("WorkerStatus"))))},
    "/metrics": {"GET": (calls.metrics, Described({200: TEXT}, media_type="text/plain"))},
    "/openapi.json": {"GET": (openapi, _gives({"type": "object"}))},
    "/connectors": {
        "GET": (calls.connectors, _gives(a("Connectors"), expand=several({"enum": ["status", "info"]}))),
        "POST": (calls.create, Described({201: a("ConnectorInfo")}, _FORWARD, a("CreateConnectorRequest"))),
    },
    "/connectors/*": {
        "GET": (calls.connector, _gives(a("ConnectorInfo"))),
        "DELETE": (calls.delete, Described(_NOTHING, _FORWARD)),
    },
    "/connectors/*/config": {
        "GET": (calls.config, _gives(a("Config"))),
        "PUT": (calls.put_config, _CONFIG_PUT),
        "PATCH": (calls.patch_config, Described({200: a("ConnectorInfo")}, _FORWARD, a("PostedConfig"))),
    },
    "/connectors/*/status": {"GET": (calls.status, _gives(a("ConnectorStateInfo")))},
    "/connectors/*/restart": {"POST": (calls.restart, _RESTART)},
    "/connectors/*/pause": {"PUT": (calls.pause, Described({202: None}))},
    "/connectors/*/resume": {"PUT": (calls.resume, Described({202: None}))},
    "/connectors/*/stop": {"PUT": (calls.stop, Described(_NOTHING, _FORWARD))},
    "/connectors/*/tasks": {
        "GET": (calls.tasks, _gives(several(a("TaskInfo")))),
        "POST": (internal.put_task_configs, _INTERNAL),
    },
    "/connectors/*/fence": {"PUT": (internal.fence, _INTERNAL)},
    "/connectors/*/tasks/*/status": {"GET": (calls.task_status, _gives(a("TaskState")))},
    "/connectors/*/logs": {"GET": (calls.logs, _gives(a("LogLines"), **_FORWARD))},
    "/connectors/*/tasks/*/logs": {"GET": (calls.task_logs, _gives(a("LogLines"), **_FORWARD))},
    "/connectors/*/backfill": {
        "POST": (
            calls.backfill,
            Described({200: a("BackfillInfo"), 202: a("BackfillInfo")}, _FORWARD, a("BackfillRequest")),
        )
    },
    "/connectors/*/dead-letters": {"GET": (calls.dead_letters, _gives(a("DeadLetters"), **_LETTERS))},
    "/connectors/*/dead-letters/replay": {
        "POST": (
            calls.replay,
            Described({200: a("ReplayInfo"), 202: a("ReplayInfo")}, _FORWARD, a("ReplayRequest")),
        )
    },
    "/connectors/*/dead-letters/*": {"GET": (calls.dead_letter, _gives(a("DeadLetter"), edit=TEXT))},
    "/connectors/*/tasks/*/restart": {"POST": (calls.restart_task, Described(_NOTHING, _FORWARD))},
    "/connectors/*/topics": {"GET": (calls.topics, _gives(a("ActiveTopics")))},
    "/connectors/*/topics/reset": {"PUT": (calls.reset_topics, Described({202: None}))},
    "/connectors/*/offsets": {
        "GET": (calls.offsets, _gives(a("ConnectorOffsets"))),
        "PATCH": (calls.alter_offsets, Described({200: a("Message")}, _FORWARD, a("ConnectorOffsets"))),
        "DELETE": (calls.reset_offsets, Described({200: a("Message")}, _FORWARD)),
    },
    "/connector-plugins": {
        "GET": (
            calls.connector_plugins,
            _gives(several(a("PluginInfo")), connectorsOnly={"type": "boolean", "default": True}),
        )
    },
    "/connector-plugins/*/config": {"GET": (calls.plugin_config, _gives(several(a("ConfigKeyInfo")), version=TEXT))},
    "/connector-plugins/*/config/validate": {
        "PUT": (calls.validate, Described({200: a("ConfigInfos")}, body=a("PostedConfig")))
    },
    "/admin/loggers": {"GET": (calls.loggers, _gives(by_name(a("LoggerLevel"))))},
    "/admin/loggers/*": {
        "GET": (calls.logger, _gives(a("LoggerLevel"))),
        "PUT": (
            calls.set_logger,
            Described({200: several(TEXT), 204: None}, {"scope": {"enum": ["worker", "cluster"]}}, a("LoggerLevel")),
        ),
    },
}
_PATTERNS = [(tuple(part for part in path.split("/") if part), methods) for path, methods in ENDPOINTS.items()]


def methods(path: tuple[str, ...]) -> Mapping[str, Route] | None:
    """The methods of a path, given by its parts, with what answers them; None if there is no such path."""
    for pattern, found in _PATTERNS:
        if len(pattern) == len(path) and all(a_ in {"*", b} for a_, b in zip(pattern, path, strict=True)):
            return found
    return None


def variables(path: tuple[str, ...]) -> tuple[str, ...]:
    """The parts of a path that vary."""
    return path[1::2] if path[:1] == ("connectors",) or path[:1] == ("connector-plugins",) else path[2:]


def is_internal(method: str, path: tuple[str, ...]) -> bool:
    """Whether a request is one of workers among themselves, which are signed and bring no password."""
    found = (methods(path) or {}).get(method)
    return found is not None and found[1].hidden
