"""Everything that a worker tells a task's process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from ferryman.telemetry import subject


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """What a task's process starts with. Configs hold secrets, so they are never printed."""

    connector: str
    task: int
    identity: str
    """See ``kafka.clients.Clients``."""
    config: Mapping[str, str] = field(repr=False)
    """The task's config, references resolved."""
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
    """What the names of plugins in ``config`` and ``worker`` mean, see ``plugins.named``."""
    lease: Sequence[float | None] = (None, None)
    """The first lease, see ``leases.lease``."""
    succeeded: bool = False
    """Whether an earlier process of this task has already done what the task is for."""
    failed: bool = False
    """Whether its last process has failed, and this one is to see whether that has gone away."""
    guilty: Sequence[Sequence[str | int]] = ()
    """Rows of the records that kill its processes, see ``task.crash_evidence.guilty``."""
    suspect: Sequence[Sequence[str | int]] = ()
    """Rows of what a source's processes have died over, three times: see ``task.source.suspects``."""
    probe: Sequence[Sequence[str | int]] = ()
    """Rows of the ranges of records that this process is to try, instead of running the task; see ``task.probe``."""

    def dump(self) -> bytes:
        """The spec as bytes for the pipe to the task."""
        return orjson.dumps(self)

    @classmethod
    def parse(cls, payload: bytes) -> "TaskSpec":
        """The inverse of ``dump``."""
        return cls(**orjson.loads(payload))
