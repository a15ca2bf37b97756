"""Everything that such a process is told before its first question."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from ferryman.telemetry import subject


@dataclass(frozen=True, slots=True)
class PluginSpec:
    """What it starts with. Settings hold secrets, so they are never printed."""

    worker: Mapping[str, str] = field(repr=False)
    """The worker's settings as text, references resolved."""
    distributed: bool = False
    """Whether these are a distributed worker's."""
    references: Sequence[Sequence[str]] = field(default=(), repr=False)
    """The rows of what the references in them resolved to."""
    others: Mapping[str, Any] = field(default_factory=dict)
    """What others have installed, see ``plugins.others``."""
    levels: Mapping[str, str] = field(default_factory=dict)
    """Loggers and their levels."""
    worker_id: str = field(default_factory=subject.worker)
    """The worker's name, for lines of the log."""
    config: Mapping[str, str] = field(default_factory=dict)
    """None: each question brings its own."""
    plugins: Sequence[Sequence[str]] = ()
    """None: it looks up what configs name."""

    @property
    def connector(self) -> str:
        """No connector's."""
        return ""

    def dump(self) -> bytes:
        """The spec as bytes for the line to the process."""
        return orjson.dumps(asdict(self))

    @classmethod
    def parse(cls, payload: bytes) -> "PluginSpec":
        """The inverse of ``dump``."""
        return cls(**orjson.loads(payload))
