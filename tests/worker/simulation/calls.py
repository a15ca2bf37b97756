"""What was asked of a group over REST, what was answered, and what of it the config topic says."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ferryman.facts.config_records import ConfigRecord, ConnectorConfig, Ignored, TargetStateRecord, decode
from ferryman.facts.fold import Facts
from ferryman.facts.states import TargetState
from tests.worker.simulation.topics import Entry, Kafka

REFUSED = (400, 404)
"""Statuses after which nothing may have been done, nor will be. After all others, and without an answer, who knows."""

GONE = 404
"""What is answered, too, for what was done, and deleted by somebody else before it was answered."""
UNDER_WAY = 10.0
"""Seconds that a request may still be under way which nobody waits for any more: it is not broken off half-way, and
may be overtaken by others meanwhile."""


@dataclass(eq=False)
class Call:
    """One request that changes a connector."""

    connector: str
    kind: str
    """config, delete, RUNNING, PAUSED or STOPPED."""
    mark: str
    """What tells its config from all others."""
    began: float
    ended: float | None = None
    """When it was answered, or nobody waited any longer."""
    status: int | None = None

    @property
    def accepted(self) -> bool:
        """Whether it was answered that it was done."""
        return self.status is not None and self.status < 300

    def is_of(self, record: ConfigRecord | Ignored | None) -> bool:
        """Whether a record may be what it has brought about."""
        match record:
            case ConnectorConfig(name, None):
                return self.kind == "delete" and self.connector == name
            case ConnectorConfig(name, dict(config)):
                return self.kind == "config" and self.connector == name and config.get("colour") == self.mark
            case TargetStateRecord(name, TargetState() as target):
                return self.connector == name and self.kind == target.value
        return False


@dataclass(eq=False)
class Landing:
    """A record that the config topic got."""

    at: float
    writer: str
    entry: Entry
    record: ConfigRecord | Ignored | None


@dataclass
class Calls:
    """All calls and all records of one group."""

    fenced: bool
    """Whether the leader's writes are fenced."""
    calls: list[Call] = field(default_factory=list)
    landings: list[Landing] = field(default_factory=list)
    _facts: Facts = field(default_factory=Facts)
    _folded: int = 0
    """How many offsets of the config topic the facts are of."""

    def landed(self, at: float, writer: str, entry: Entry) -> Landing:
        """Notes a record."""
        found = Landing(at, writer, entry, decode(entry.key, entry.value))
        self.landings.append(found)
        return found

    def facts(self, kafka: Kafka) -> Facts:
        """What the config topic says, up to the first transaction that is open."""
        topic = kafka.topic("configs")
        for offset in range(self._folded, topic.end(committed=True)):
            entry = topic.entries[offset]
            if entry.state == "committed" and (record := decode(entry.key, entry.value)) is not None:
                self._facts.apply(record, offset)
            self._folded = offset + 1
        return self._facts

    def problems(self) -> Iterator[str]:
        """Calls that were accepted without effect, and records that should not be there."""
        counted = [each for each in self.landings if each.entry.state == "committed"]
        for call in self.calls:
            if call.accepted and not any(_within(call, each) for each in counted):
                yield f"{_named(call)} was accepted and is not in the config topic"
        used = set[Call]()
        for landing in counted:
            if isinstance(landing.record, ConnectorConfig):
                yield from self._comes_in_time(landing, used)

    def _comes_in_time(self, landing: Landing, used: set[Call]) -> Iterator[str]:
        by = [each for each in self.calls if each.is_of(landing.record) and each.began <= landing.at]
        possible = [
            each for each in by if each.status not in REFUSED or (each.status == GONE and _within(each, landing))
        ]
        if not possible:
            yield f"{landing.at:.2f}: nobody asked for {landing.record} by {landing.writer}, or it was refused: {by}"
            return
        fresh = [each for each in possible if each not in used] or possible
        # Of several that may have brought it about the one that was over first: the others may still bring another.
        best = min((each for each in fresh if _within(each, landing)), key=_over, default=fresh[-1])
        used.add(best)
        if self.fenced and (later := self._superseded(best, landing)) is not None:
            yield f"{landing.at:.2f}: {_named(best)} lands by {landing.writer} after {_named(later)}, which came later"

    def _superseded(self, call: Call, landing: Landing) -> Call | None:
        """A call that was made when nobody waited for this one any more, and took effect before it."""
        if call.ended is None or call.ended >= landing.at:
            return None
        for each in self.calls:
            over = each.accepted and each.ended is not None and each.ended < landing.at
            same = each.connector == call.connector and each.kind in ("config", "delete")
            if over and same and each.began > call.ended + UNDER_WAY:
                return each
        return None


def _within(call: Call, landing: Landing) -> bool:
    return call.is_of(landing.record) and call.began <= landing.at <= _over(call)


def _over(call: Call) -> float:
    return float("inf") if call.ended is None else call.ended


def _named(call: Call) -> str:
    ended = "" if call.ended is None else f"{call.ended:.2f}"
    return f"{call.kind} {call.connector} {call.mark} ({call.began:.2f} to {ended}: {call.status})"
