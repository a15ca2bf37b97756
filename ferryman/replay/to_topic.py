"""Sends letters back to the topics of their records: each with its mark, in one transaction."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from ferryman.dead_letters.letter import ATTEMPTS, DeadLetter
from ferryman.dead_letters.mark import Mark
from ferryman.errors import RetriableError, TaskError
from ferryman.record import Payload
from ferryman.replay.choosing import UNEDITED, Chosen
from ferryman.replay.marks import Writing
from ferryman.telemetry.redaction import redact

log = logging.getLogger(__name__)

AT_ONCE = 500
"""Letters in one transaction."""


def send(
    writing: Writing,
    letters: Iterable[DeadLetter],
    chosen: Chosen,
    until: float,
    edit: Callable[[str, Payload], Payload],
) -> int:
    """Sends those that are chosen, with the values that ``edit`` makes of theirs in a topic, and marks them; how many
    it were when the monotonic time ``until`` came. What is not sent by then is not marked, and what cannot be edited
    is counted among what is passed over. Raises KafkaException."""
    sent, wanted = 0, set(chosen.ids)
    for some in _batched(each for each in letters if each.id in wanted):
        if time.monotonic() >= until:
            break
        with writing.transaction():
            sent += sum(_is_sent(writing, each, chosen, edit) for each in some)
    return sent


def _batched(letters: Iterator[DeadLetter]) -> Iterator[Sequence[DeadLetter]]:
    while some := list(islice(letters, AT_ONCE)):
        yield some


def _is_sent(writing: Writing, letter: DeadLetter, chosen: Chosen, edit: Callable[[str, Payload], Payload]) -> bool:
    original = letter.original(chosen.only_topic)
    assert original is not None
    try:
        value = edit(original.topic, letter.value)
    except (RetriableError, TaskError):
        raise
    except Exception as error:
        log.warning("dead letter %s cannot be edited: %s", letter.id, redact(str(error)))
        chosen.passed_over[UNEDITED] += 1
        return False
    attempts: tuple[str, Payload] = (ATTEMPTS, str(letter.attempts + 1).encode())
    writing.produce(original.topic, letter.key, value, [*letter.headers, attempts], letter.timestamp)
    writing.mark(letter.id, chosen.doubles(letter.id), Mark(None, original.topic, round(time.time() * 1000)))
    return True
