"""Everything that a worker tells a connector's process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from ferryman.telemetry import subject


@dataclass(frozen=True, slots=True)
class ConnectorSpec:
    """What a connector's process starts with. Configs hold secrets, so they are never printed."""

    connector: str
    identity: str
    """See ``kafka.clients.Clients``."""
    raw: Mapping[str, str] = field(repr=False)
    """The connector's config as it was posted."""
    config: Mapping[str, str] = field(repr=False)
    """The same, references resolved."""
    worker: Mapping[str, str] = field(repr=False)
    """The worker's settings as text, references resolved."""
    levels: Mapping[str, str] = field(default_factory=dict)
    """Loggers and their levels."""
    worker_id: str = field(default_factory=subject.worker)
    """The worker's name, for lines of the log."""
    seeds: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Source offsets of a former JVM worker, JSON key to JSON value, for partitions that the topic does not know."""
    references: Sequence[Sequence[str]] = field(default=(), repr=False)
    """The rows of what the references in ``config`` and ``worker`` resolved to."""
    plugins: Sequence[Sequence[str]] = ()
    """What the name of the connector's class means, see ``plugins.named``."""
    stands_by: bool = False
    """Whether the process waits for another connector when it has answered for one without an object."""
    lease: Sequence[float | None] = (None, None)
    """The first lease, see ``leases.lease``."""

    def dump(self) -> bytes:
        """The spec as bytes for the line to the process."""
        return orjson.dumps(self)

    @classmethod
    def parse(cls, payload: bytes) -> "ConnectorSpec":
        """The inverse of ``dump``."""
        return cls(**orjson.loads(payload))
