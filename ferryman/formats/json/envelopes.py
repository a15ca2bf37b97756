"""Envelopes ``{"schema": …, "payload": …}`` taken apart without parsing the schema in each of them again.

Around the payload a producer writes the same bytes in every record of one schema: all before it, the *head*, and all
after it, the *tail*. Which of the two holds the schema, with which blanks and escapes, is the producer's own way. Both
are learned from one envelope that is parsed in full; an envelope that begins and ends with them is known by a look at
its ends, and what lies between is its payload, provided that this is one JSON value (the reader finds out).
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from ferryman.formats.json.kept import Kept

_KEYS = (b'"payload"', b'"schema"')
_TRIES = 8
"""How many occurrences of a key are examined: a schema may have fields of these names."""
_BLANKS = " \t\r\n"
_BLANK_BYTES = _BLANKS.encode()


class Spelling(NamedTuple):
    """How a producer writes the envelopes of one schema."""

    head: bytes
    tail: bytes
    schema: bytes
    """The schema's text as it stands in the head or the tail."""
    identity: bytes
    """The same for all spellings of one schema."""

    def end(self, envelopes: Sequence[bytes | None], start: int) -> int:
        """Where the envelopes from ``start`` on cease to be in this spelling."""
        head, tail, first = self.head, self.tail, len(self.head)
        shortest = first + len(tail) + 1
        for at in range(start, len(envelopes)):
            each = envelopes[at]
            if (
                not each
                or not each.startswith(head)
                or not each.endswith(tail)
                or len(each) < shortest
                or each[first] in _BLANK_BYTES  # other blanks than learned; or nothing but blanks, which is no JSON
            ):
                return at
        return len(envelopes)

    def fits(self, envelope: bytes) -> bool:
        """Whether an envelope is in this spelling."""
        first = len(self.head)
        return (
            envelope.startswith(self.head)
            and envelope.endswith(self.tail)
            and len(envelope) > first + len(self.tail)
            and envelope[first] not in _BLANK_BYTES
        )

    def cut(self, envelopes: Sequence[bytes | None]) -> list[bytes]:
        """The payloads of envelopes in this spelling."""
        first, last = len(self.head), -len(self.tail)
        return [each[first:last] for each in envelopes if each]


@dataclass(frozen=True, slots=True)
class Group:
    """Envelopes of one schema."""

    spelling: Spelling
    """How the first is spelled; all have its identity."""
    positions: list[int] = field(default_factory=list)
    """Where they stand among the messages."""
    payloads: list[bytes] = field(default_factory=list)
    """What they hold."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """Messages by what they are. Each is in one place."""

    groups: Sequence[Group]
    missing: Sequence[int]
    """The places of those that are empty or not there."""
    whole: Sequence[int]
    """The places of payloads that must be parsed whole: they are not envelopes, or written in an unusual way."""


class Envelopes:
    """The spellings met so far, as many as are ``kept``."""

    def __init__(self, kept: Kept[bytes, Spelling]) -> None:
        self._known = kept
        """By what stands before the key of the payload, or (schema last) from the key of the schema on."""

    def __len__(self) -> int:
        return len(self._known)

    def sort(self, messages: Sequence[bytes | None]) -> Sorted:
        """The messages by schema, however each of them is spelled and whatever stands between them."""
        groups, missing, whole = dict[bytes, Group](), list[int](), list[int]()
        recent = _Recent(self.spelling)
        at, count = 0, len(messages)
        while at < count:
            message = messages[at]
            found = recent.spelling(message) if message else None
            if found is None:
                (whole if message else missing).append(at)
                at += 1
                continue
            stop = found.end(messages, at + 1)
            group = groups.get(found.identity)
            if group is None:
                group = groups[found.identity] = Group(found)
            if stop == at + 1:
                group.positions.append(at)
            else:
                group.positions.extend(range(at, stop))
            group.payloads.extend(found.cut(messages[at:stop]))
            at = stop
        return Sorted(list(groups.values()), missing, whole)

    def spelling(self, envelope: bytes) -> Spelling | None:
        """The schema of an envelope; None if the payload must be parsed whole: it is not an envelope, or written in an
        unusual way."""
        for edge in _edges(envelope):
            found = self._known.get(edge)
            if found is not None and found.fits(envelope):
                return found
        return self._learned(envelope)

    def _learned(self, envelope: bytes) -> Spelling | None:
        try:
            edge, found = _taken_apart(envelope.decode())
        except (ValueError, RecursionError, IndexError):
            return None
        self._known.put(edge, found, len(found.head) + len(found.tail))
        return found


class _Recent:
    """The spellings of the last messages: mostly one of them comes again, and in the same turn."""

    def __init__(self, otherwise: Callable[[bytes], Spelling | None]) -> None:
        self._otherwise = otherwise
        self._last: list[Spelling] = []
        self._before: Spelling | None = None
        self._next: dict[int, Spelling] = {}
        """What came after a spelling, by its identity as an object."""

    def spelling(self, message: bytes) -> Spelling | None:
        """How a message's schema is spelled; None if it has to be parsed to be known."""
        found = self._next.get(id(self._before))
        if found is None or not found.fits(message):
            found = next((each for each in self._last if each.fits(message)), None) or self._other(message)
            if found is not None:
                self._next[id(self._before)] = found
        self._before = found
        return found

    def _other(self, message: bytes) -> Spelling | None:
        found = self._otherwise(message)
        if found is not None:
            self._last = [found, *self._last[: _TRIES - 1]]
        return found


def _edges(envelope: bytes) -> Iterator[bytes]:
    """What may be the fixed bytes at one end: all before a key "payload"; or all from a key "schema" on."""
    at = -1
    for _ in range(_TRIES):
        at = envelope.find(_KEYS[0], at + 1)
        if at < 0:
            break
        if at > len(_KEYS[1]) + 1:
            yield envelope[:at]
    at = len(envelope)
    for _ in range(_TRIES):
        at = envelope.rfind(_KEYS[1], 0, at)
        if at < 0:
            break
        yield envelope[at:]


class _Member(NamedTuple):
    """Where a member of an object stands."""

    key: int
    """The index of its key."""
    start: int
    """The index of its value."""
    stop: int
    """The index after that."""


def _taken_apart(text: str) -> tuple[bytes, Spelling]:
    """An envelope's spelling and its edge. Raises ValueError or IndexError if it is none."""
    members = _members(text)
    if members.keys() != {"schema", "payload"}:
        raise ValueError("no envelope")
    payload, schema = members["payload"], members["schema"]
    edge = text[: payload.key] if schema.key < payload.key else text[schema.key :]
    head, tail, body = text[: payload.start], text[payload.stop :], text[schema.start : schema.stop]
    return edge.encode(), Spelling(head.encode(), tail.encode(), body.encode(), _identity(body))


def _identity(schema: str) -> bytes:
    read = json.loads(schema, parse_float=lambda digits: {"number": digits})
    return blake2b(json.dumps(read, sort_keys=True).encode()).digest()


def _members(text: str) -> dict[str, _Member]:
    """The members of an object. Raises ValueError or IndexError unless the text is that object alone."""
    decoder, members = json.JSONDecoder(), dict[str, _Member]()
    at = _expect(text, 0, "{")
    while True:
        begin = _blanks(text, at)
        key, at = decoder.raw_decode(text, begin)
        start = _blanks(text, _expect(text, at, ":"))
        _, stop = decoder.raw_decode(text, start)
        if not isinstance(key, str) or key in members:
            raise ValueError("no key, or a key given twice")
        members[key] = _Member(begin, start, stop)
        at = _blanks(text, stop)
        if text[at] == "}":
            break
        at = _expect(text, at, ",")
    if _blanks(text, at + 1) != len(text):
        raise ValueError("text after the object")
    return members


def _expect(text: str, at: int, sign: str) -> int:
    at = _blanks(text, at)
    if text[at] != sign:
        raise ValueError(text[at])
    return at + 1


def _blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANKS:
        at += 1
    return at
