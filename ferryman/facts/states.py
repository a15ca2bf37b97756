"""The states of connectors and tasks, those that they are in and those that they are wanted in."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """States of connectors and tasks, as clients know them."""

    UNASSIGNED = "UNASSIGNED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    FAILED = "FAILED"
    RESTARTING = "RESTARTING"
    STOPPED = "STOPPED"


class TargetState(StrEnum):
    """What a connector is wanted to be (``initial_state`` of a create request)."""

    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    STOPPED = "STOPPED"

    @property
    def stored(self) -> str:
        """Its name in the config topic, where RUNNING is STARTED (org.apache.kafka.connect.runtime.TargetState)."""
        return "STARTED" if self is TargetState.RUNNING else self.value

    @classmethod
    def from_stored(cls, name: object) -> "TargetState | None":
        """The one of a name in the config topic; None for any other value."""
        return next((each for each in cls if each.stored == name), None)


@dataclass(frozen=True, slots=True)
class Outage:
    """A task that runs and waits for a system that is away. Times are ISO 8601 in UTC."""

    since: str
    """When it was first found away."""
    reason: str
    """The last error, secrets redacted."""
    next_try: str
    """When it is tried next."""


@dataclass(frozen=True, slots=True)
class Restart:
    """A task that has failed and will be started again by itself."""

    failures: int
    """How often it has failed in a row."""
    next_try: str
    """When it is started; ISO 8601 in UTC."""
