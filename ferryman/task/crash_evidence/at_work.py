"""What a task is about to work on, noted where its worker can read it once the task has died: in shared memory.

A note costs no system call. It is written before the work is begun and wiped off after it, so that what stands there
when a process has crashed is what it crashed over. Half a note, of a process that died while it wrote, is none.
"""

import mmap
import os
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import orjson

SHARED_BYTES = 1 << 16
"""Bytes that are shared."""
LENGTH_BYTES = 4
"""The first of them, which say how long the note is; 0 for none."""
_NO_NOTE = bytes(LENGTH_BYTES)
MAX_RANGES = 200
"""Ranges in a note; of more the first are told."""
CONVERT, PUT, POLLED = "convert", "put", "polled"
"""Decoding and transforming; handing over to the sink; transforming and encoding what a source has polled."""
STAGES = frozenset({CONVERT, PUT, POLLED})


class Offsets(NamedTuple):
    """Records of one partition that follow each other."""

    topic: str
    partition: int
    first: int
    last: int
    """The last one's offset."""

    def overlaps(self, other: "Offsets") -> bool:
        """Whether a record may be in both."""
        same = self[:2] == other[:2]
        return same and self.first <= other.last and other.first <= self.last

    def __str__(self) -> str:
        name = f"{self.topic}-{self.partition}@{self.first}"
        return name if self.first == self.last else f"{name}..{self.last}"


class Note(NamedTuple):
    """What is being done with which records."""

    stage: str
    """CONVERT, PUT, POLLED, or one of Kafka Connect's names of stages where a single step is tried."""
    ranges: Sequence[Offsets]
    plugin: str = ""
    """The class name of that single step."""

    def __str__(self) -> str:
        if self.stage == POLLED:
            return f"what its source polled from {self.ranges[0].topic} on"
        return ", ".join(map(str, self.ranges))


class _Noted:
    """What was noted stands while this lasts; then what was noted before. A generator would take twice as long."""

    __slots__ = ("_before", "_memory", "_of")

    def __init__(self, of: "AtWork", memory: mmap.mmap, before: bytes) -> None:
        self._of, self._memory, self._before = of, memory, before

    def __enter__(self) -> None:
        """The note stands already."""

    def __exit__(self, *error: object) -> None:
        self._of.note(self._memory, self._before)


class AtWork:
    """The shared memory, as either side has it; without any, whatever is noted is gone."""

    def __init__(self, descriptor: int | None = None) -> None:
        self._memory = None if descriptor is None else mmap.mmap(descriptor, SHARED_BYTES)
        self._note = b""
        """What stands there, as far as this side has written it."""

    def on(self, stage: str, ranges: Sequence[Offsets], plugin: str = "") -> AbstractContextManager[None]:
        """While this lasts, these records are worked on; what was noted before is so again after it."""
        memory = self._memory
        if memory is None:
            return nullcontext()
        before = self._note
        self.note(memory, orjson.dumps([stage, list(map(list, ranges[:MAX_RANGES])), plugin]))
        return _Noted(self, memory, before)

    def note(self, memory: mmap.mmap, note: bytes) -> None:
        """Writes this down."""
        self._note = note
        memory[:LENGTH_BYTES] = _NO_NOTE
        if 0 < len(note) <= SHARED_BYTES - LENGTH_BYTES:
            memory[LENGTH_BYTES : LENGTH_BYTES + len(note)] = note
            memory[:LENGTH_BYTES] = len(note).to_bytes(LENGTH_BYTES, "big")

    def read(self) -> Note | None:
        """What stands there; None for nothing."""
        memory = self._memory
        length = 0 if memory is None else int.from_bytes(memory[:LENGTH_BYTES], "big")
        if memory is None or not 0 < length <= SHARED_BYTES - LENGTH_BYTES:
            return None
        stage, ranges, plugin = orjson.loads(memory[LENGTH_BYTES : LENGTH_BYTES + length])
        return Note(stage, [Offsets(*each) for each in ranges], plugin)


def shared() -> int:
    """A descriptor of such memory, all of it blank, for AtWork here and in the process that it is handed to."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("at-work")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, SHARED_BYTES)
    return descriptor
