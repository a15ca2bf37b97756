"""The kinds of plugins: what their classes derive from, where they are registered, how their names may be cut short."""

from collections.abc import Mapping
from typing import Any, Literal

from ferryman.api import Predicate, Sink, Source, Transform
from ferryman.conversion import Converter

Kind = Literal["sink", "source", "transformation", "predicate", "converter"]
ROOTS: Mapping[Kind, type[Any]] = {
    "sink": Sink,
    "source": Source,
    "transformation": Transform,
    "predicate": Predicate,
    "converter": Converter,
}
GROUPS: Mapping[Kind, str] = {
    "sink": "ferryman.connectors",
    "source": "ferryman.connectors",
    "transformation": "ferryman.transforms",
    "predicate": "ferryman.predicates",
    "converter": "ferryman.converters",
}
"""The groups of entry points in which others register their plugins."""
SUFFIXES: Mapping[Kind, str] = {
    "sink": "Connector",
    "source": "Connector",
    "transformation": "Transformation",
    "predicate": "Predicate",
    "converter": "Converter",
}
"""What may be left out at the end of a name."""
