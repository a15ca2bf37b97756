"""The bytes that the members of a worker group exchange: Kafka Connect's protocol of versions 0, 1 and 2.

As org.apache.kafka.connect.runtime.distributed.ConnectProtocol (version 0) and IncrementalCooperativeConnectProtocol
(1 and 2, KIP-415 and KIP-507) write and read them: big-endian, texts with a length of 16 bits, lists with one of 32.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Version = Literal[0, 1, 2]
VERSIONS: dict[str, Version] = {"default": 0, "compatible": 1, "sessioned": 2}
"""The version of each sub-protocol, by the name it has in the group."""
OFFERED: dict[str, tuple[str, ...]] = {
    "eager": ("default",),
    "compatible": ("compatible", "default"),
    "sessioned": ("sessioned", "compatible", "default"),
}
"""The sub-protocols that a member offers, the most wanted first, by what connect.protocol says."""
NO_ERROR, CONFIG_MISMATCH = 0, 1
Task = tuple[str, int]
"""A connector's name and the number of its task."""
_CONNECTOR_ITSELF = -1


class ProtocolError(ValueError):
    """Bytes that are not of this protocol, or values that it cannot encode."""


@dataclass(frozen=True, slots=True)
class Work:
    """What workers run: connectors and tasks, in an order that means nothing but stays."""

    connectors: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.connectors or self.tasks)

    def plus(self, *others: "Work") -> "Work":
        """This work and the others', nothing twice."""
        every = (self, *others)
        return Work(
            tuple(dict.fromkeys(name for one in every for name in one.connectors)),
            tuple(dict.fromkeys(task for one in every for task in one.tasks)),
        )

    def minus(self, *others: "Work") -> "Work":
        """Without what any of the others has."""
        connectors = {name for one in others for name in one.connectors}
        tasks = {task for one in others for task in one.tasks}
        return Work(
            tuple(name for name in self.connectors if name not in connectors),
            tuple(task for task in self.tasks if task not in tasks),
        )

    def both(self, other: "Work") -> "Work":
        """Only what the other has, too."""
        return self.minus(self.minus(other))


NO_WORK = Work()


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a leader tells a member."""

    error: int
    """NO_ERROR or CONFIG_MISMATCH: the leader did not know the newest configs; read them and join again."""
    leader: str
    """The leader's member id."""
    leader_url: str
    config_offset: int
    """The offset of the config topic that the leader decided by."""
    assigned: Work = NO_WORK
    """Cooperative: what is new. Eager: everything. As told to a listener, and to a leader: everything."""
    revoked: Work = NO_WORK
    """What is to be given up. Always empty with version 0."""
    delay_ms: int = 0
    """Milliseconds until the member shall join again; 0 for never. Always 0 with version 0."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a member tells the leader."""

    url: str
    config_offset: int
    """How far it has read the config topic."""
    assignment: Assignment | None = None
    """What it runs; None before its first assignment, and always with version 0."""


def encode_metadata(metadata: Metadata, version: Version) -> bytes:
    """A member's metadata. Raises ProtocolError for a text longer than 32,767 bytes or a number out of bounds."""
    head = _packed(">h", version) + _text(metadata.url) + _packed(">q", metadata.config_offset)
    if version == 0:
        return head
    if metadata.assignment is None:
        return head + _packed(">i", -1)
    inner = encode_assignment(metadata.assignment, version)
    return head + _packed(">i", len(inner)) + inner


def encode_assignment(assignment: Assignment, version: Version) -> bytes:
    """An assignment. Raises as encode_metadata does."""
    head = (
        _packed(">hh", version, assignment.error)
        + _text(assignment.leader)
        + _text(assignment.leader_url)
        + _packed(">q", assignment.config_offset)
        + _work(assignment.assigned)
    )
    return head if version == 0 else head + _work(assignment.revoked) + _packed(">i", assignment.delay_ms)


def decode_metadata(payload: bytes) -> Metadata:
    """The metadata of a member of any version. What follows it is ignored, as Kafka Connect ignores it.

    Raises ProtocolError for bytes that are not metadata.
    """
    reader = _Reader(payload)
    reader.version()
    url, offset = reader.text(), reader.number(">q")
    inner = reader.nullable_bytes() if reader.more else None
    return Metadata(url, offset, None if inner is None else decode_assignment(inner))


def decode_assignment(payload: bytes) -> Assignment:
    """An assignment of any version. What follows it is ignored. Raises ProtocolError for bytes that are none."""
    reader = _Reader(payload)
    reader.version()
    error, leader, url, offset = reader.number(">h"), reader.text(), reader.text(), reader.number(">q")
    assigned = reader.work() if reader.more else Work()
    revoked = reader.work() if reader.more else Work()
    delay = reader.number(">i") if reader.more else 0
    return Assignment(error, leader, url, offset, assigned, revoked, delay)


def _packed(form: str, *numbers: int) -> bytes:
    try:
        return struct.pack(form, *numbers)
    except struct.error as error:
        raise ProtocolError(f"a number is out of bounds: {error}") from None


def _text(text: str) -> bytes:
    try:
        found = text.encode()
    except UnicodeEncodeError as error:
        raise ProtocolError(f"a text cannot be written as UTF-8: {error}") from None
    if len(found) > 0x7FFF:
        raise ProtocolError(f"a text of {len(found)} bytes is longer than 32767")
    return _packed(">h", len(found)) + found


@lru_cache(maxsize=4)
def _work(work: Work) -> bytes:
    """By connector, the connector itself as its task -1. Kept, since what a member runs is declared in three protocols,
    and in the next rebalance it hardly is another."""
    numbers = {name: [_CONNECTOR_ITSELF] for name in work.connectors}
    for name, number in work.tasks:
        numbers.setdefault(name, []).append(number)
    parts = [_packed(">i", len(numbers))]
    for name, own in numbers.items():
        parts += (_text(name), _packed(f">{len(own) + 1}i", len(own), *own))
    return b"".join(parts)


class _Reader:
    """Reads one value after the other. Raises ProtocolError where the bytes end too soon or make no sense."""

    def __init__(self, payload: bytes) -> None:
        self._payload, self._at = payload, 0

    @property
    def more(self) -> bool:
        return self._at < len(self._payload)

    def version(self) -> None:
        found = self.number(">h")
        if found < 0:
            raise ProtocolError(f"Unsupported subscription version: {found}")

    def number(self, form: str) -> int:
        return int(struct.unpack(form, self._bytes(struct.calcsize(form)))[0])

    def text(self) -> str:
        try:
            return self._bytes(self.number(">h")).decode()
        except UnicodeDecodeError as error:
            raise ProtocolError(f"a text is not UTF-8: {error}") from None

    def nullable_bytes(self) -> bytes | None:
        size = self.number(">i")
        return None if size < 0 else self._bytes(size)

    def work(self) -> Work:
        connectors, tasks = list[str](), list[Task]()
        for _ in range(self.number(">i")):
            name = self.text()
            for _ in range(self.number(">i")):
                number = self.number(">i")
                if number == _CONNECTOR_ITSELF:
                    connectors.append(name)
                else:
                    tasks.append((name, number))
        return Work(tuple(connectors), tuple(tasks))

    def _bytes(self, size: int) -> bytes:
        found = self._payload[self._at : self._at + size]
        if size < 0 or len(found) < size:
            raise ProtocolError(f"{size} bytes are expected at {self._at}, but there are {len(self._payload)} in all")
        self._at += size
        return found
