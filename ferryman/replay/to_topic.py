"""Sends letters back to the topics of their records: each with its mark, in one transaction."""

import logging
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException

from ferryman.dead_letters.letter import DeadLetter
from ferryman.dead_letters.mark import Mark
from ferryman.errors import DataError, TooLarge
from ferryman.record import Original
from ferryman.replay.choosing import REFUSED, Chosen, is_closed
from ferryman.replay.marks import Writing
from ferryman.replay.outgoing import Going, Outgoing, Way
from ferryman.replay.refusal import Refusal
from ferryman.telemetry import place
from ferryman.telemetry.place import Place
from ferryman.telemetry.redaction import redact

log = logging.getLogger(__name__)

AT_ONCE = 500
"""Letters in one transaction."""
TRIES = 3
"""How often it is tried: behind a record that a broker has refused the client itself gives up the next transaction."""


class Ready(NamedTuple):
    """A letter, and what goes of it."""

    letter: DeadLetter
    original: Original
    going: Sequence[Outgoing]


class InPart(Exception):
    """A part of a letter's records was written, and must not stay without the rest."""


@dataclass
class Sending:
    """Sends letters that are chosen. What cannot go, or not to one of the ``closed`` topics, is not marked, and is
    counted among what is passed over."""

    writing: Writing
    chosen: Chosen
    way: Way
    closed: Collection[str]
    sent: int = 0
    refusals: dict[str, Refusal] = field(default_factory=dict)
    """What the brokers refuse, by what they say of it."""
    _shut: dict[str, Refusal | None] = field(default_factory=dict)
    """Whether a topic takes anything, of those that were asked about."""
    _kept: set[str] = field(default_factory=set)
    """The letters that cannot go."""

    def send(self, letters: Iterable[DeadLetter], until: float) -> None:
        """Sends them until the monotonic time comes; what is not sent by then is not marked. Raises KafkaException, and
        what ``way`` raises."""
        wanted = set(self.chosen.ids)
        for some in _batched(each for each in letters if each.id in wanted):
            if time.monotonic() >= until:
                break
            homed = [(each, self._original(each)) for each in some]
            found = self.way.going([(letter, original.topic) for letter, original in homed], until)
            # There may be fewer than letters: time has come meanwhile.
            ready = [self._ready(*each, going) for each, going in zip(homed, found, strict=False)]
            self._send([each for each in ready if each is not None])

    def _original(self, letter: DeadLetter) -> Original:
        original = letter.original(self.chosen.only_topic)
        assert original is not None
        return original

    def _ready(self, letter: DeadLetter, original: Original, going: Going) -> Ready | None:
        try:
            if isinstance(going, DataError):
                raise going
            for each in going:
                if is_closed(each.topic, self.closed):
                    raise DataError(f"{each.topic} is an internal topic, to which no letter is sent")
        except DataError as error:
            self._keep(letter, error)
            return None
        return Ready(letter, original, going)

    def _send(self, some: Sequence[Ready]) -> None:
        """In one transaction; where the brokers refuse single records, in as many as it takes to leave these out."""
        open_ = [each for each in some if not self._is_shut(each)]
        if not open_:
            return
        try:
            went = self._written(open_)
        except InPart:
            self._send([each for each in open_ if each.letter.id not in self._kept])
        except Refusal as refusal:
            if refusal.is_about_topic:
                self._shut[refusal.topic] = refusal
                self._send(open_)
            elif len(open_) == 1:
                self._refuse(open_[0].letter, refusal)
            else:
                middle = len(open_) // 2
                self._send(open_[:middle])
                self._send(open_[middle:])
        else:
            self.sent += went

    def _written(self, some: Sequence[Ready]) -> int:
        """How many of them have gone. Raises Refusal, KafkaException."""
        for left in reversed(range(TRIES)):
            try:
                with self.writing.transaction():
                    return sum(self._goes(each) for each in some)
            except KafkaException as error:
                reason: KafkaError = error.args[0]
                if reason.code() != KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER or reason.fatal() or not left:
                    raise
        raise AssertionError

    def _is_shut(self, ready: Ready) -> bool:
        for topic in dict.fromkeys(each.topic for each in ready.going):
            if topic not in self._shut:
                self._shut[topic] = self.writing.refusal_of(topic)
            if (refusal := self._shut[topic]) is not None:
                self._refuse(ready.letter, refusal)
                return True
        return False

    def _goes(self, ready: Ready) -> bool:
        letter = ready.letter
        for number, each in enumerate(ready.going):
            try:
                self.writing.produce(each.topic, each.key, each.value, each.headers, each.timestamp, each.partition)
            except TooLarge as error:
                self._keep(letter, error)
                if number:
                    raise InPart from error
                return False
        mark = Mark(None, ready.original.topic, round(time.time() * 1000))
        self.writing.mark(letter.id, self.chosen.doubles(letter.id), mark)
        return True

    def _refuse(self, letter: DeadLetter, refusal: Refusal) -> None:
        self.refusals.setdefault(str(refusal), refusal)
        self._keep(letter, refusal)

    def _keep(self, letter: DeadLetter, error: Exception) -> None:
        """Once, however often its transaction is tried."""
        if letter.id not in self._kept:
            log.warning("dead letter %s was not sent: %s", letter.at, redact(str(error)), extra=_place(letter))
            self.chosen.passed_over[REFUSED] += 1
        self._kept.add(letter.id)


def _batched(letters: Iterator[DeadLetter]) -> Iterator[Sequence[DeadLetter]]:
    while some := list(islice(letters, AT_ONCE)):
        yield some


def _place(letter: DeadLetter) -> Mapping[str, Place]:
    told = {"stage": letter.stage, "letter": str(letter.at)}
    if letter.target is not None:
        return place.of_topic(letter.target[0], partition=letter.target[1], key=place.hashed(letter.key), **told)
    return place.at(letter.origin or letter.at, letter.key, **told)
