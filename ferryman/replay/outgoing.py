"""What goes to a topic of a dead letter: the record in it, or what plugins' code makes of that, in a process."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from ferryman.dead_letters.header_names import ATTEMPTS
from ferryman.dead_letters.letter import DeadLetter
from ferryman.errors import DataError, RequestError
from ferryman.plugin_process import resending
from ferryman.plugins.named import Row
from ferryman.record import Payload
from ferryman.settings.config_providers import Resolution

AT_ONCE, BYTES = 100, 8 << 20
"""How many letters one question is about, and how large they are together unless it is one."""
ANSWER_SECONDS = 10.0
"""Seconds for the answer to one question."""


class Outgoing(NamedTuple):
    """A record on its way to a topic."""

    topic: str
    partition: int | None
    """None leaves the choice to the producer."""
    key: Payload
    value: Payload
    headers: Sequence[tuple[str, Payload]]
    timestamp: int | None
    """In milliseconds; None is now."""


Homed = tuple[DeadLetter, str]
"""A letter and the topic of its record."""
Going = Sequence[Outgoing] | DataError
"""The records to send for a letter, or why there are none."""
Convert = Callable[[Mapping[str, Any], Sequence[Row], float], Any]
"""Has plugins' code answer a question within so many seconds. Raises what was raised there, and RequestError 500 if it
does not come back or ends its process."""


class Way(Protocol):
    """How letters become the records to send."""

    def checked(self) -> None:
        """Raises what speaks against all of them, such as ConfigError."""

    def going(self, letters: Sequence[Homed], until: float) -> Sequence[Going]:
        """What goes of each; of the first ones only, if the monotonic time ``until`` comes. Raises what is no letter's
        fault: RequestError, RetriableError, TaskError."""


class AsTheyWere:
    """Records of a sink."""

    def checked(self) -> None:
        """They need nothing."""

    def going(self, letters: Sequence[Homed], until: float) -> Sequence[Going]:
        """Each with its own value."""
        return [[_tried(letter, topic, letter.value)] for letter, topic in letters]


@dataclass(frozen=True)
class Asked:
    """Records of a sink whose values are edited, or of a source."""

    convert: Convert
    connector: str
    resolution: Resolution
    worker: Mapping[str, str]
    is_sink: bool
    edit: str
    """A jq expression; empty for none."""

    def checked(self) -> None:
        """Asks for nothing, for which all is made that would answer."""
        self._ask(())

    def going(self, letters: Sequence[Homed], until: float) -> Sequence[Going]:
        """One by one where they are not answered together, so that the guilty one is found: it is refused."""
        found = list[Going]()
        for some in _portions(letters):
            try:
                if time.monotonic() >= until:
                    break
                found += self._ask(some)
            except RequestError as error:
                if error.status != 500:
                    raise
                alone = self._each(some, until)
                found += alone
                if len(alone) < len(some):
                    break
        return found

    def _each(self, letters: Sequence[Homed], until: float) -> Sequence[Going]:
        found = list[Going]()
        for each in letters:
            if time.monotonic() >= until:
                break
            try:
                found += self._ask([each])
            except RequestError as error:
                if error.status != 500:
                    raise
                found.append(DataError(str(error)))
        return found

    def _ask(self, letters: Sequence[Homed]) -> Sequence[Going]:
        question = resending.question(letters, self.connector, self.resolution, self.is_sink, self.edit)
        rows = resending.rows(self.resolution, self.worker, self.is_sink)
        answers = self.convert(question, rows, ANSWER_SECONDS)
        return [self._going(letter, answer) for (letter, _), answer in zip(letters, answers, strict=True)]

    def _going(self, letter: DeadLetter, answer: Mapping[str, Any]) -> Going:
        if "refused" in answer:
            return DataError(answer["refused"])
        made = [Outgoing(*resending.outgoing_record(row)) for row in answer["made"]]
        return [_tried(letter, each.topic, each.value) for each in made] if self.is_sink else made


def _tried(letter: DeadLetter, topic: str, value: Payload) -> Outgoing:
    """The record as it was, but for its value; it says how often it was tried."""
    attempts: tuple[str, Payload] = (ATTEMPTS, str(letter.attempts + 1).encode())
    return Outgoing(topic, None, letter.key, value, [*letter.headers, attempts], letter.timestamp)


def _portions(letters: Sequence[Homed]) -> Iterator[Sequence[Homed]]:
    some, size = list[Homed](), 0
    for each in letters:
        letter, _ = each
        of_this = len(letter.key or b"") + len(letter.value or b"")
        if some and (len(some) == AT_ONCE or size + of_this > BYTES):
            yield some
            some, size = [], 0
        some.append(each)
        size += of_this
    if some:
        yield some
