"""Objects that are one text per record: JSON lines, strings, bytes with a separator, and pieces of a fixed size."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from ferryman.connectors.s3.restore.forms import RECORDS_AT_ONCE, BadItem
from ferryman.connectors.s3.restore.object_bytes import Damaged, ObjectBytes
from ferryman.connectors.s3.restore.unpacking import Unpacked, gzip, plain
from ferryman.formats.json.text import loads_good
from ferryman.record import Data, Rows
from ferryman.schema import OPTIONAL_BYTES, STRING

Unpack = Callable[[ObjectBytes], Unpacked]
GZIP_MAGIC = b"\x1f\x8b"


def by_content(source: ObjectBytes) -> Unpacked:
    """Unzips what begins as gzip does: Confluent's names say .gz, but so do the bytes."""
    return gzip(source) if source.at(0, min(2, source.size)) == GZIP_MAGIC else plain(source)


def texts(pieces: Unpacked, separator: bytes) -> Iterator[list[bytes]]:
    """What stands between separators, some at a time; what follows the last one too, unless it is nothing."""
    waiting: list[bytes] = []
    # A separator may be cut by the end of a piece, or of several where they are shorter than it.
    overlap, tail = len(separator) - 1, b""
    for piece in pieces:
        seen = tail + piece
        if separator not in seen:
            waiting.append(piece)
            tail = seen[len(seen) - min(overlap, len(seen)) :]
            continue
        *found, last = b"".join([*waiting, piece]).split(separator)
        waiting = [last] if last else []
        tail = last[len(last) - min(overlap, len(last)) :]
        for start in range(0, len(found), RECORDS_AT_ONCE):
            yield found[start : start + RECORDS_AT_ONCE]
    if rest := b"".join(waiting):
        yield [rest]


def _behind(chunks: Iterator[list[bytes]], skip: int) -> Iterator[list[bytes]]:
    for chunk in chunks:
        if skip < len(chunk):
            yield chunk[skip:]
        skip = max(0, skip - len(chunk))


def _lines(source: ObjectBytes, unpack: Unpack) -> Iterator[list[bytes]]:
    for chunk in texts(unpack(source), b"\n"):
        stripped = [line.strip() for line in chunk]
        yield [line for line in stripped if line]


@dataclass(frozen=True, slots=True)
class JsonLines:
    """A JSON value a line; blank lines are no records."""

    unpack: Unpack = by_content

    def read(self, source: ObjectBytes, skip: int) -> Iterator[Data | BadItem]:
        """The values. A line that is no JSON is Bad."""
        for chunk in _behind(_lines(source, self.unpack), skip):
            yield from parsed_values(chunk)


def parsed_values(chunk: list[bytes]) -> Iterator[Data | BadItem]:
    """The values of JSON texts, those between two bad ones together."""
    _, values, bad = loads_good(chunk)
    rest, start = iter(values), 0
    for at, error in bad:
        if at > start:
            yield Rows(None, list(islice(rest, at - start)))
        yield BadItem(error)
        start = at + 1
    if left := list(rest):
        yield Rows(None, left)


@dataclass(frozen=True, slots=True)
class JsonArray:
    """An array of JSON values with one element a line, as Aiven's sink writes it. Another array is Damaged."""

    unpack: Unpack

    def read(self, source: ObjectBytes, skip: int) -> Iterator[Data | BadItem]:
        """The elements."""
        yield from ()
        for chunk in _behind(self._elements(source), skip):
            yield from parsed_values(chunk)

    def _elements(self, source: ObjectBytes) -> Iterator[list[bytes]]:
        ended: bool | None = None
        for chunk in _lines(source, self.unpack):
            elements = list[bytes]()
            for line in chunk:
                if ended is None and line == b"[":
                    ended = False
                elif ended is False and line == b"]":
                    ended = True
                elif ended is False:
                    elements.append(line.removesuffix(b","))
                else:
                    raise Damaged("it is not an array with one element per line, or continues after its end")
            yield elements
        if ended is False:
            raise Damaged("its array is truncated")


@dataclass(frozen=True, slots=True)
class SeparatedTexts:
    """Confluent's ByteArrayFormat: bytes with a separator behind each."""

    separator: bytes
    unpack: Unpack = by_content

    def read(self, source: ObjectBytes, skip: int) -> Iterator[Data | BadItem]:
        """The bytes of each record."""
        for chunk in _behind(texts(self.unpack(source), self.separator), skip):
            yield Rows(OPTIONAL_BYTES, chunk)


@dataclass(frozen=True, slots=True)
class Strings:
    """A text a line, in UTF-8."""

    unpack: Unpack = by_content

    def read(self, source: ObjectBytes, skip: int) -> Iterator[Data | BadItem]:
        """The lines without their ends."""
        for chunk in _behind(texts(self.unpack(source), b"\n"), skip):
            yield Rows(STRING, [line.removesuffix(b"\r").decode("utf-8", "replace") for line in chunk])


@dataclass(frozen=True, slots=True)
class FixedSizeTexts:
    """Aiven's bytes: records of so many bytes each, the last one shorter."""

    size: int
    unpack: Unpack

    def read(self, source: ObjectBytes, skip: int) -> Iterator[Data | BadItem]:
        """The pieces."""
        for chunk in _behind(self._pieces(source), skip):
            yield Rows(OPTIONAL_BYTES, chunk)

    def _pieces(self, source: ObjectBytes) -> Iterator[list[bytes]]:
        waiting = b""
        for piece in self.unpack(source):
            waiting += piece
            whole = len(waiting) // self.size * self.size
            if whole:
                yield [waiting[at : at + self.size] for at in range(0, whole, self.size)]
                waiting = waiting[whole:]
        if waiting:
            yield [waiting]


@dataclass(frozen=True, slots=True)
class RawLines:
    """Lines as bytes, for Aiven's csv: its sink writes a line's end between records, and none behind the last one."""

    unpack: Unpack
    may_be_empty: bool = False
    """Whether nothing is a line too, so that one stands behind the last line's end; an empty object has none."""

    def read(self, source: ObjectBytes, skip: int) -> Iterator[Data | BadItem]:
        """The lines without their ends."""
        for chunk in _behind(self._lines(source), skip):
            yield Rows(OPTIONAL_BYTES, chunk)

    def _lines(self, source: ObjectBytes) -> Iterator[list[bytes]]:
        pieces = self.unpack(source)
        if self.may_be_empty and source.size:
            pieces = chain(pieces, (b"\n",))
        return texts(pieces, b"\n")
