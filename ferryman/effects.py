"""What a connector would do with records, or first of all, as ``ferryman explain`` tells it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that would be done, or be refused."""

    kind: str
    """In a word or two: ``ddl``, ``statement``, ``offsets``, ``object``, ``mail``, ``file``, ``request``, ``record``,
    ``passed over``, ``refused`` or ``note``."""
    target: str
    """What it is done to: a table, an object's key, recipients, a file, a URL, a record's place."""
    text: str = ""
    """How: the SQL, the message, the headers. May have several lines."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """The same taken apart, as JSON has it, for programs."""
