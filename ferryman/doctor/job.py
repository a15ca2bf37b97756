"""What one process of the doctor is to check, and the lines in which it reports its findings."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

import orjson

from ferryman.findings import Finding

What = Literal["worker", "kafka", "registry", "system"]
"""The worker's own way to Kafka; a connector's; the registry of its converters; the system that it reads or writes."""


@dataclass(frozen=True, slots=True)
class Job:
    """Whose systems are checked, and how. Configs hold secrets, so they are never printed."""

    what: What
    subject: str
    """What the report calls it: ``worker``, or the connector's name."""
    worker: Mapping[str, str] = field(repr=False)
    """The worker's settings as text, references resolved."""
    distributed: bool
    """Whether they are those of a worker of a group."""
    raw: Mapping[str, str] = field(repr=False)
    """The connector's config, references resolved; empty for a worker."""
    references: Sequence[Sequence[str]] = field(repr=False)
    """The rows of what the references in both resolved to."""
    read_only: bool
    seconds: float
    """How long one check may take."""

    @property
    def about(self) -> str:
        """What a finding about the look itself calls it."""
        match self.what:
            case "system":
                return self.raw["connector.class"]
            case "registry":
                return "registry"
            case _:
                return "kafka"

    def dump(self) -> bytes:
        """The job as bytes for the process."""
        return orjson.dumps(asdict(self))

    @classmethod
    def parse(cls, payload: bytes) -> "Job":
        """The inverse of ``dump``."""
        return cls(**orjson.loads(payload))


def line(finding: Finding) -> bytes:
    """A finding as a line of a process's standard output."""
    return orjson.dumps(asdict(finding)) + b"\n"


def read(told: bytes) -> Finding:
    """The inverse of ``line``. ValueError or TypeError for what is none."""
    return Finding(**orjson.loads(told))
