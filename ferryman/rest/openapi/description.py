"""The whole description: paths, parameters, bodies and answers of a table of endpoints."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import pairwise
from typing import Any

from ferryman import __version__
from ferryman.rest.openapi.shapes import SHAPES, TEXT, Json, a

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Described:
    """What an endpoint takes and answers with."""

    answers: Mapping[int, Json | None]
    """By status: the shape of a body, None for an answer without one. Errors come on top."""
    query: Mapping[str, Json] = field(default_factory=dict)
    """Its query parameters."""
    body: Json | None = None
    """The shape of its request's body; None where none is read."""
    media_type: str = JSON
    """The media type of its answers but errors. Whoever asks for one that is JSON must take JSON."""
    hidden: bool = False
    """Whether it is for workers among themselves, and is left out."""


Table = Mapping[str, Mapping[str, tuple[Callable[..., Any], Described]]]
"""Endpoints by path (``*`` for a part that varies) and method."""


def described(table: Table) -> Json:
    """The description, as OpenAPI 3.1."""
    paths = {
        _path(pattern): {
            method.lower(): _operation(pattern, call, what)
            for method, (call, what) in methods.items()
            if not what.hidden
        }
        for pattern, methods in table.items()
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ferryman, Kafka Connect's REST API",
            "version": __version__,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "paths": {path: methods for path, methods in paths.items() if methods},
        "components": {"schemas": dict(SHAPES)},
    }


_VARIABLES = {
    "connectors": "connector",
    "tasks": "task",
    "dead-letters": "letter",
    "connector-plugins": "pluginName",
    "loggers": "logger",
}
"""By the part of a path that a variable follows: what it is called."""


def _path(pattern: str) -> str:
    steps = pairwise(["", *pattern.split("/")])
    return "/".join(f"{{{_VARIABLES[before]}}}" if part == "*" else part for before, part in steps)


def _operation(pattern: str, call: Callable[..., Any], what: Described) -> Json:
    variables = [part[1:-1] for part in _path(pattern).split("/") if part.startswith("{")]
    operation: Json = {
        "operationId": call.__name__,
        "summary": " ".join((inspect.getdoc(call) or "").split()),
        "parameters": [
            *({"name": each, "in": "path", "required": True, "schema": TEXT} for each in variables),
            *({"name": name, "in": "query", "schema": schema} for name, schema in what.query.items()),
        ],
        "responses": {
            **{str(status): _answer(status, shape, what.media_type) for status, shape in what.answers.items()},
            "default": _answer(None, a("ErrorMessage")),
        },
    }
    if what.body is not None:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": what.body}}}
    return operation


def _answer(status: int | None, shape: Json | None, media_type: str = JSON) -> Json:
    answer: Json = {"description": HTTPStatus(status).phrase if status else "What is wrong"}
    if shape is not None:
        answer["content"] = {media_type: {"schema": shape}}
    return answer
