"""Reads the offset file of a standalone worker on the JVM: a HashMap<byte[], byte[]> by Java's serialisation protocol.

Only that one shape is understood, so nothing in a file can make anything else be built (Java Object Serialization
Specification, chapter 6; FileOffsetBackingStore).
"""

import struct
from dataclasses import dataclass, field
from typing import Final

from ferryman.errors import ConfigError

MAGIC = b"\xac\xed\x00\x05"
NULL, REFERENCE, CLASS, OBJECT, ARRAY, BLOCK, END = 0x70, 0x71, 0x72, 0x73, 0x75, 0x77, 0x78
FIRST_HANDLE = 0x7E0000
KEY = "offset.storage.file.filename"
_PRIMITIVES: Final = {"B": 1, "C": 2, "D": 8, "F": 4, "I": 4, "J": 8, "S": 2, "Z": 1}


def parse(content: bytes) -> dict[bytes, bytes | None]:
    """The keys and values in a file's bytes, none for an empty file. A key is JSON like ``["connector",{partition}]``,
    a value JSON too. Raises ConfigError, saying where the file ends early or holds something else."""
    if not content:
        return {}
    try:
        return _Stream(content).offsets()
    except _Unexpected as error:
        raise ConfigError.for_key(KEY, f"{error}; leave {KEY} out to start without the offsets in this file") from None


class _Unexpected(Exception):
    pass


@dataclass(slots=True)
class _Stream:
    content: bytes
    at: int = 0
    handles: list[object] = field(default_factory=list)

    def offsets(self) -> dict[bytes, bytes | None]:
        if self._take(4) != MAGIC:
            raise _Unexpected("the file is not a Java object stream")
        self._expect(OBJECT, "an object")
        name, fields = self._class()
        if name != "java.util.HashMap":
            raise _Unexpected(f"Expected HashMap but found {name}")
        self.handles.append(None)
        self._take(sum(_PRIMITIVES[code] for code in fields))
        self._expect(BLOCK, "the size of the map")
        self._expect(8, "the size of the map")
        _, size = struct.unpack(">ii", self._take(8))
        found = {}
        for _ in range(size):
            key, value = self._bytes(), self._bytes()
            if key is not None:
                found[key] = value
        self._expect(END, "the end of the map")
        return found

    def _take(self, length: int) -> bytes:
        taken = self.content[self.at : self.at + length]
        if len(taken) < length:
            raise _Unexpected(f"the file is truncated: it ends at byte {len(self.content)}, within the offsets")
        self.at += length
        return taken

    def _expect(self, wanted: int, what: str) -> None:
        found = self._take(1)[0]
        if found != wanted:
            raise _Unexpected(f"byte {self.at - 1} of the file is 0x{found:02x} instead of {what}")

    def _class(self) -> tuple[str, str]:
        """A class's name and the types of its fields."""
        kind = self._take(1)[0]
        if kind == REFERENCE:
            known = self._known()
            if isinstance(known, tuple):
                return known
        if kind != CLASS:
            raise _Unexpected(f"byte {self.at - 1} of the file is 0x{kind:02x} instead of a class")
        name = self._text()
        index = len(self.handles)
        self.handles.append(None)
        self._take(9)  # serialVersionUID and flags
        fields = "".join(self._field(name) for _ in range(struct.unpack(">h", self._take(2))[0]))
        self._expect(END, "the end of a class")
        self._expect(NULL, "a class without a superclass")
        self.handles[index] = (name, fields)
        return name, fields

    def _field(self, name: str) -> str:
        code = chr(self._take(1)[0])
        if code not in _PRIMITIVES:
            raise _Unexpected(f"Expected HashMap but found {name}")
        self._text()
        return code

    def _text(self) -> str:
        return self._take(struct.unpack(">H", self._take(2))[0]).decode("utf-8", "replace")

    def _known(self) -> object:
        index = struct.unpack(">i", self._take(4))[0] - FIRST_HANDLE
        if not 0 <= index < len(self.handles):
            raise _Unexpected(f"byte {self.at - 4} of the file refers to nothing")
        return self.handles[index]

    def _bytes(self) -> bytes | None:
        kind = self._take(1)[0]
        if kind == NULL:
            return None
        if kind == REFERENCE:
            known = self._known()
            if isinstance(known, bytes):
                return known
        if kind != ARRAY or self._class()[0] != "[B":
            raise _Unexpected(f"byte {self.at - 1} of the file does not begin an array of bytes")
        index = len(self.handles)
        self.handles.append(None)
        value = self._take(max(struct.unpack(">i", self._take(4))[0], 0))
        self.handles[index] = value
        return value
