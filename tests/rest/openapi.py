"""An OpenAPI description of the REST API, made from its table of endpoints, for tests that send any request."""

from typing import Any

from ferryman.rest.app import ENDPOINTS

Json = dict[str, Any]
TEXT: Json = {"type": "string"}
ANYTHING: Json = {}


def described(config: Json, names: list[str]) -> Json:
    """The description. ``config`` is one that is accepted, ``names`` are what paths name most of the time."""
    paths = {
        _path(pattern): {method.lower(): _operation(pattern, method, config, names) for method in methods}
        for pattern, methods in ENDPOINTS.items()
    }
    return {"openapi": "3.1.0", "info": {"title": "Ferryman", "version": "1"}, "paths": paths}


def _parts(pattern: str) -> list[str]:
    """A pattern's path, with a name for each star: the second one of a connector is its task."""
    parts = pattern.split("/")
    stars = iter(("name", "task"))
    return [f"{{{next(stars)}}}" if part == "*" else part for part in parts]


def _path(pattern: str) -> str:
    return "/".join(_parts(pattern))


def _operation(pattern: str, method: str, config: Json, names: list[str]) -> Json:
    name = {"anyOf": [{"enum": names}, TEXT]}
    task = {"anyOf": [{"enum": ["0", "1", "-1", "x"]}, TEXT]}
    parameters: list[Json] = [
        {"name": part[1:-1], "in": "path", "required": True, "schema": task if part == "{task}" else name}
        for part in _parts(pattern)
        if part.startswith("{")
    ]
    for query in _QUERIES.get((pattern, method), ()):
        parameters.append({"name": query, "in": "query", "schema": {"anyOf": [{"enum": ["true", "status"]}, TEXT]}})
    operation: Json = {"parameters": parameters, "responses": {"default": {"description": "any"}}}
    if method in ("POST", "PUT", "PATCH"):
        shape = _body(pattern, config, names)
        # Content types are not looked at, as clients leave them out.
        operation["requestBody"] = {"content": {"application/json": {"schema": shape}, "text/plain": {"schema": TEXT}}}
    return operation


_QUERIES = {
    ("/connectors", "GET"): ("expand",),
    ("/connectors/*/restart", "POST"): ("includeTasks", "onlyFailed"),
    ("/connector-plugins", "GET"): ("connectorsOnly",),
    ("/admin/loggers/*", "PUT"): ("scope",),
}


def _body(pattern: str, config: Json, names: list[str]) -> Json:
    values: Json = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}}
    configs: Json = {"anyOf": [{"enum": [config]}, values]}
    match pattern.rpartition("/")[2]:
        case "connectors":
            state = {"anyOf": [{"enum": ["STOPPED"]}, TEXT]}
            fields = {"name": {"enum": names}, "config": configs, "initial_state": state}
            likely: Json = {"type": "object", "properties": fields, "required": ["name", "config", "initial_state"]}
        case "config" | "validate":
            likely = configs
        case "offsets":
            entry = {
                "type": "object",
                "properties": {"partition": values, "offset": {"anyOf": [values, {"type": "null"}]}},
            }
            likely = {"type": "object", "properties": {"offsets": {"type": "array", "items": entry}}}
        case "*":
            likely = {"type": "object", "properties": {"level": {"anyOf": [{"enum": ["INFO", "debug"]}, TEXT]}}}
        case _:
            likely = ANYTHING
    return {"anyOf": [likely, ANYTHING]}
