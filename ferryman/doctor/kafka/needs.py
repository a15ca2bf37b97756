"""What a worker and its connectors need at Kafka, as docs/kafka-rights.md says; pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ferryman.doctor.kafka.client import Side
from ferryman.findings import Finding, mend, ok

Kind = Literal["topic", "group"]
_SPELLED = {"READ": "Read", "WRITE": "Write", "CREATE": "Create", "DESCRIBE": "Describe"}
_IMPLIED = {"READ": "DESCRIBE", "WRITE": "DESCRIBE", "ALTER": "DESCRIBE", "DELETE": "DESCRIBE"}


@dataclass(frozen=True, slots=True)
class Need:
    """A right that one of the clients must have."""

    side: Side
    kind: Kind
    name: str
    operations: tuple[str, ...]
    """By Kafka's names: READ, WRITE, DESCRIBE."""


def of_worker(topics: Sequence[str], group: str) -> Iterator[Need]:
    """A distributed worker's."""
    for topic in topics:
        yield Need("worker", "topic", topic, ("READ", "WRITE"))
    yield Need("worker", "group", group, ("READ",))


def of_sink(topics: Sequence[str], group: str, queue: str) -> Iterator[Need]:
    """A sink's; ``queue`` is its dead letter queue, or empty."""
    for topic in topics:
        yield Need("consumer", "topic", topic, ("READ",))
        yield Need("admin", "topic", topic, ("DESCRIBE",))
    yield Need("consumer", "group", group, ("READ",))
    yield from _of_queue(queue)


def of_source(topics: Sequence[str], offsets: str, queue: str) -> Iterator[Need]:
    """A source's."""
    for topic in (*topics, offsets):
        yield Need("producer", "topic", topic, ("WRITE",))
        yield Need("admin", "topic", topic, ("DESCRIBE",))
    yield Need("consumer", "topic", offsets, ("READ",))
    yield from _of_queue(queue)


def _of_queue(queue: str) -> Iterator[Need]:
    if queue:
        yield Need("producer", "topic", queue, ("WRITE",))
        yield Need("admin", "topic", queue, ("DESCRIBE",))


def judged(need: Need, allowed: frozenset[str], user: str, servers: str) -> Finding:
    """Whether the right is there, and the command that grants it if not."""
    implied = {_IMPLIED[each] for each in allowed if each in _IMPLIED}
    lacking = [each for each in need.operations if each not in allowed | implied]
    subject = f"{need.side}: {need.kind} {need.name}"
    if not lacking:
        return ok(subject, f"{user} may {_spelled(need.operations)}")
    return mend(subject, f"{user} may not {_spelled(lacking)}", acl(user, servers, need.kind, need.name, lacking))


def acl(user: str, servers: str, kind: str, name: str, operations: Sequence[str], prefixed: bool = False) -> str:
    """Kafka's command for it; ``kind`` is topic, group or transactional-id."""
    rights = " ".join(f"--operation {_SPELLED[each]}" for each in operations)
    pattern = " --resource-pattern-type prefixed" if prefixed else ""
    return (
        f"kafka-acls.sh --bootstrap-server {servers} --add --allow-principal '{user}' {rights} --{kind} '{name}'"
        f"{pattern}"
    )


def _spelled(operations: Sequence[str]) -> str:
    return " and ".join(_SPELLED[each] for each in operations)
