"""Sends letters back to the topics of their records: each with its mark, in one transaction."""

import logging
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from confluent_kafka import KafkaException

from ferryman.dead_letters.letter import DeadLetter
from ferryman.dead_letters.mark import Mark
from ferryman.errors import DataError, RetriableError, TaskError
from ferryman.replay.choosing import REFUSED, Chosen, is_closed
from ferryman.replay.marks import Writing
from ferryman.replay.outgoing import Going, Way
from ferryman.telemetry import place
from ferryman.telemetry.place import Place
from ferryman.telemetry.redaction import redact

log = logging.getLogger(__name__)

AT_ONCE = 500
"""Letters in one transaction."""


def send(
    writing: Writing,
    letters: Iterable[DeadLetter],
    chosen: Chosen,
    until: float,
    way: Way,
    closed: Collection[str],
) -> int:
    """Sends what ``way`` makes of those that are chosen, and marks them; how many it were when the monotonic time
    ``until`` came. What is not sent by then is not marked; nor is what cannot go, or not to one of the ``closed``
    topics, and that is counted among what is passed over. Raises KafkaException, and what ``way`` raises."""
    sent, wanted = 0, set(chosen.ids)
    for some in _batched(each for each in letters if each.id in wanted):
        if time.monotonic() >= until:
            break
        found = way.going([(each, _home(each, chosen)) for each in some], until)
        with writing.transaction():
            sent += sum(_is_sent(writing, *each, chosen, closed) for each in zip(some, found, strict=False))
    return sent


def _batched(letters: Iterator[DeadLetter]) -> Iterator[Sequence[DeadLetter]]:
    while some := list(islice(letters, AT_ONCE)):
        yield some


def _home(letter: DeadLetter, chosen: Chosen) -> str:
    original = letter.original(chosen.only_topic)
    assert original is not None
    return original.topic


def _place(letter: DeadLetter) -> Mapping[str, Place]:
    told = {"stage": letter.stage, "letter": str(letter.at)}
    if letter.target is not None:
        return place.of_topic(letter.target[0], partition=letter.target[1], key=place.hashed(letter.key), **told)
    return place.at(letter.origin or letter.at, letter.key, **told)


def _is_sent(writing: Writing, letter: DeadLetter, going: Going, chosen: Chosen, closed: Collection[str]) -> bool:
    try:
        if isinstance(going, DataError):
            raise going
        for each in going:
            if is_closed(each.topic, closed):
                raise DataError(f"{each.topic} is an internal topic, to which no letter is sent")
        for each in going:
            writing.produce(each.topic, each.key, each.value, each.headers, each.timestamp, each.partition)
    except (RetriableError, TaskError, KafkaException):
        raise
    except Exception as error:
        log.warning("dead letter %s is not sent: %s", letter.at, redact(str(error)), extra=_place(letter))
        chosen.passed_over[REFUSED] += 1
        return False
    mark = Mark(None, _home(letter, chosen), round(time.time() * 1000))
    writing.mark(letter.id, chosen.doubles(letter.id), mark)
    return True
