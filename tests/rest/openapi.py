"""The description that a worker serves, with what requests of a test say most of the time."""

from typing import Any

Json = dict[str, Any]
TEXT: Json = {"type": "string"}
ANYTHING: Json = {}
ANY_CONFIG: Json = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}}


def likely(served: Json, config: Json, names: list[str]) -> Json:
    """The description with likely values: ``config`` is one that is accepted, ``names`` are what paths name."""
    paths = {
        path: {method: _operation(path, operation, config, names) for method, operation in methods.items()}
        for path, methods in served["paths"].items()
    }
    return {**served, "paths": paths}


def _operation(path: str, operation: Json, config: Json, names: list[str]) -> Json:
    parameters = [each | {"schema": _parameter(each, names)} for each in operation["parameters"]]
    changed = {**operation, "parameters": parameters, "responses": {"default": {"description": "any"}}}
    if "requestBody" in operation:
        shape = {"anyOf": [_body(path.rpartition("/")[2], config, names), ANYTHING]}
        content = {"application/json": {"schema": shape}, "text/plain": {"schema": TEXT}}
        changed["requestBody"] = {"content": content}
    return changed


def _parameter(parameter: Json, names: list[str]) -> Json:
    if parameter["in"] == "query":
        return {"anyOf": [{"enum": ["true", "status"]}, TEXT]}
    return {"anyOf": [{"enum": ["0", "1", "-1", "x"] if parameter["name"] == "task" else names}, TEXT]}


def _body(end: str, config: Json, names: list[str]) -> Json:
    configs: Json = {"anyOf": [{"enum": [config]}, ANY_CONFIG]}
    match end:
        case "connectors":
            state = {"anyOf": [{"enum": ["STOPPED"]}, TEXT]}
            fields = {"name": {"enum": names}, "config": configs, "initial_state": state}
            return {"type": "object", "properties": fields, "required": ["name", "config", "initial_state"]}
        case "config" | "validate":
            return configs
        case "offsets":
            offset = {"anyOf": [ANY_CONFIG, {"type": "null"}]}
            entry = {"type": "object", "properties": {"partition": ANY_CONFIG, "offset": offset}}
            return {"type": "object", "properties": {"offsets": {"type": "array", "items": entry}}}
        case "{logger}":
            level = {"anyOf": [{"enum": ["INFO", "debug"]}, TEXT]}
            return {"type": "object", "properties": {"level": level}}
        case _:
            return ANYTHING
