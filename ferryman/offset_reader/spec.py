"""Everything that a worker tells a reader's process."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import orjson

from ferryman.telemetry import subject


@dataclass(frozen=True, slots=True)
class ReaderSpec:
    """What a reader's process starts with. The client's settings hold secrets, so they are never printed."""

    topic: str
    """The topic of offsets."""
    config: Mapping[str, str] = field(repr=False)
    """The settings of its consumer, as text."""
    worker: Mapping[str, str] = field(repr=False)
    """The worker's settings as text, references resolved."""
    levels: Mapping[str, str] = field(default_factory=dict)
    """Loggers and their levels."""
    worker_id: str = field(default_factory=subject.worker)
    """The worker's name, for lines of the log."""
    references: Sequence[Sequence[str]] = field(default=(), repr=False)
    """The rows of what the references in the configs resolved to."""
    plugins: Sequence[Sequence[str]] = ()
    """None: it runs no plugin's code."""

    @property
    def connector(self) -> str:
        """No connector's: what it is called after."""
        return self.topic

    def dump(self) -> bytes:
        """The spec as bytes for the line to the process."""
        return orjson.dumps(asdict(self))

    @classmethod
    def parse(cls, payload: bytes) -> "ReaderSpec":
        """The inverse of ``dump``."""
        return cls(**orjson.loads(payload))
