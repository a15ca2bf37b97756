"""The users of a secure stack and the ACLs of each: what docs/kafka-rights.md says that they need, and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

GROUP = "ferryman"
"""group.id of the workers that the stack's property files are for; also the prefix of their internal topics."""
CONFIGS, OFFSETS, STATUSES = f"{GROUP}-configs", f"{GROUP}-offsets", f"{GROUP}-status"
BROKER = "ferryman-broker"
"""The common name in the brokers' certificates: as such they, and the stack itself, may do anything."""
SUPER = "super"
"""A super user with a password, for people and their tools."""
CLIENTS = ("consumer", "producer", "admin")
"""The clients of connectors, each of which is a user of that name: consumer.* in the worker's file, and so on."""
USERS = ("worker", *CLIENTS, SUPER)
"""The users who log in with SCRAM."""
REGISTRY_ROLES = {"consumer": "sr-readonly", "producer": "sr-developer", SUPER: "sr-admin"}
"""The users who log in at the registry, and what they are there: who reads, who registers, who does anything."""

Kind = Literal["topic", "group", "transactional id"]


@dataclass(frozen=True, slots=True)
class Right:
    """What one user may do with a resource, or may not do whatever else is allowed."""

    user: str
    kind: Kind
    name: str
    """A name, ``prefix…``, or ``*``."""
    operations: tuple[str, ...]
    """By Kafka's names: READ, WRITE, CREATE, DESCRIBE_CONFIGS and so on. READ and WRITE imply DESCRIBE."""
    allowed: bool = True


def _rights() -> Iterator[Right]:
    for topic in (CONFIGS, OFFSETS, STATUSES):
        yield Right("worker", "topic", topic, ("READ", "WRITE", "CREATE", "DESCRIBE_CONFIGS"))
    yield Right("worker", "group", GROUP, ("READ",))
    yield Right("worker", "transactional id", f"connect-cluster-{GROUP}", ("WRITE",))
    yield Right("consumer", "topic", "*", ("READ",))
    yield Right("consumer", "group", "connect-…", ("READ",))
    yield Right("producer", "topic", "*", ("WRITE",))
    yield Right("producer", "transactional id", f"{GROUP}-…", ("WRITE",))
    yield Right("producer", "transactional id", "dead-letters.…", ("WRITE",))
    yield Right("admin", "topic", "*", ("CREATE", "READ"))
    yield Right("admin", "topic", OFFSETS, ("DESCRIBE_CONFIGS",))
    yield Right("admin", "group", "connect-…", ("READ", "DELETE"))
    for user, operation in (("consumer", "READ"), ("producer", "WRITE"), ("admin", "READ")):
        for topic in (CONFIGS, STATUSES):
            yield Right(user, "topic", topic, (operation,), allowed=False)


RIGHTS = tuple(_rights())
