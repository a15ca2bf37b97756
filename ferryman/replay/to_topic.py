"""Sends letters back to the topics of their records: each with its mark, in one transaction."""

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from ferryman.dead_letters.letter import ATTEMPTS, DeadLetter
from ferryman.dead_letters.mark import Mark
from ferryman.record import Payload
from ferryman.replay.choosing import Chosen
from ferryman.replay.marks import Writing

AT_ONCE = 500
"""Letters in one transaction."""


def send(writing: Writing, letters: Iterable[DeadLetter], chosen: Chosen, until: float) -> int:
    """Sends those that are chosen, and marks them; how many it were when the monotonic time ``until`` came. What is
    not sent by then is not marked. Raises KafkaException."""
    sent, wanted = 0, set(chosen.ids)
    for some in _batched(each for each in letters if each.id in wanted):
        if time.monotonic() >= until:
            break
        with writing.transaction():
            for each in some:
                _send(writing, each, chosen)
        sent += len(some)
    return sent


def _batched(letters: Iterator[DeadLetter]) -> Iterator[Sequence[DeadLetter]]:
    while some := list(islice(letters, AT_ONCE)):
        yield some


def _send(writing: Writing, letter: DeadLetter, chosen: Chosen) -> None:
    original = letter.original(chosen.only_topic)
    assert original is not None
    attempts: tuple[str, Payload] = (ATTEMPTS, str(letter.attempts + 1).encode())
    writing.produce(original.topic, letter.key, letter.value, [*letter.headers, attempts], letter.timestamp)
    writing.mark(letter.id, chosen.doubles(letter.id), Mark(None, original.topic, round(time.time() * 1000)))
