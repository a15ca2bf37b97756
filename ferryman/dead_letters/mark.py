"""The mark of a letter that is being replayed: by which run, since when. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ferryman.record import Payload


@dataclass(frozen=True, slots=True)
class Mark:
    """Which run or topic has a letter."""

    run: str | None
    """The run that replays it, or has; None if it went to a topic."""
    topic: str | None
    """The topic that it went to."""
    at: int
    """When it was taken, in milliseconds."""
    instead: str | None = None
    """The letter of the same record that is replayed instead; None if this one is."""

    def dump(self) -> bytes:
        """The mark as it is stored."""
        facts = {"run": self.run, "topic": self.topic, "at": self.at}
        double = {} if self.instead is None else {"instead": self.instead}
        return json.dumps(facts | double, separators=(",", ":")).encode()

    @property
    def told(self) -> str:
        """Who has it, for messages."""
        return f"sent to {self.topic}" if self.run is None else f"replayed by {self.run}"


def key(topic_id: str, letter: str) -> bytes:
    """The key of the mark of a letter. A topic that was created anew has other letters under the same offsets."""
    return f"{topic_id}/{letter}".encode()


def parsed(records: Mapping[bytes, Payload], topic_id: str) -> dict[str, Mark]:
    """The marks of a topic's letters by their ids, of what the topic of marks holds; invalid records are ignored."""
    beginning = f"{topic_id}/".encode()
    found = dict[str, Mark]()
    for name, content in records.items():
        mark = None if content is None or not name.startswith(beginning) else _parsed(content)
        if mark is not None:
            found[name[len(beginning) :].decode(errors="replace")] = mark
    return found


def _parsed(content: bytes) -> Mark | None:
    try:
        given = json.loads(content)
    except (ValueError, RecursionError):
        return None
    match given:
        case {"run": str(run), "at": int(at)}:
            return Mark(run, None, at, _double(given))
        case {"topic": str(topic), "at": int(at)}:
            return Mark(None, topic, at, _double(given))
        case _:
            return None


def _double(given: Mapping[str, Any]) -> str | None:
    instead = given.get("instead")
    return instead if isinstance(instead, str) else None
