"""Writes to the status topic without letting anybody wait, and reads its records (KafkaStatusBackingStore).

Of each key only the newest wish is kept: while one is on its way, or Kafka is away, a later one takes its place.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message

from ferryman.facts.statuses import (
    ConnectorStatusRecord,
    StatusRecord,
    TaskStatusRecord,
    TopicUseRecord,
    decode,
    encode,
)
from ferryman.internal_topics.kafka_log import LogRecord
from ferryman.kafka.callbacks import Producer
from ferryman.kafka.refusals import REFUSED, explained
from ferryman.record import Payload
from ferryman.retry import backoff

log = logging.getLogger(__name__)

MayPut = Callable[[ConnectorStatusRecord | TaskStatusRecord], bool]
"""``Statuses.may_put`` of what was read so far; asked in the writer's thread."""
_LOOK, _LONGEST_WAIT = 0.05, 5.0


def decoded(records: Sequence[LogRecord]) -> Iterator[StatusRecord]:
    """Each record as ``Statuses.apply`` takes it; without those that are none."""
    for each in records:
        record = decode(each.key, each.value)
        if record is None:
            at = each.partition, each.offset
            log.warning("ignored partition %d offset %d of the status topic: not a status record", *at)
        else:
            yield record


@dataclass(slots=True)
class _Wish:
    """What a key is to be."""

    record: StatusRecord
    value: Payload
    safe: bool
    tries: int = 0
    not_before: float = 0.0
    """Monotonic seconds."""


class StatusWriter:
    """A producer in a thread of its own. ``close`` ends it."""

    def __init__(self, topic: str, config: Mapping[str, Any], may_put: MayPut) -> None:
        self._topic, self._may_put = topic, may_put
        self._producer = Producer(dict(config))
        self._wishes: dict[bytes, _Wish] = {}
        self._flying: dict[bytes, _Wish] = {}
        self._change = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=f"statuses {topic}", daemon=True)
        self._thread.start()

    def put(self, record: StatusRecord, safe: bool = False) -> None:
        """Queues a record for writing, and returns at once. A ``safe`` one is left out where somebody else has said
        something newer: for UNASSIGNED and FAILED."""
        key, value = encode(record)
        with self._change:
            self._wishes[key] = _Wish(record, value, safe)
            self._change.notify_all()

    def flush(self, within: float) -> bool:
        """Waits until Kafka has everything that was queued; returns whether it has after this many seconds."""
        with self._change:
            return self._change.wait_for(lambda: not self._wishes and not self._flying, within)

    def close(self, within: float) -> bool:
        """Flushes, then ends; what Kafka does not have after so many seconds is given up. Whether it has all."""
        done = self.flush(within)
        with self._change:
            self._closing = True
            self._change.notify_all()
        self._thread.join()
        self._producer.purge()
        return done

    def _run(self) -> None:
        while not self._closing:
            for key, wish in self._due():
                self._send(key, wish)
            if self._flying:
                self._producer.poll(_LOOK)
            else:
                self._wait()

    def _due(self) -> list[tuple[bytes, _Wish]]:
        """What goes out now: one record of a key at a time, so that none overtakes another."""
        now = time.monotonic()
        with self._change:
            due = [
                (key, wish) for key, wish in self._wishes.items() if key not in self._flying and wish.not_before <= now
            ]
            for key, wish in due:
                del self._wishes[key]
                if self._still_wanted(wish):
                    self._flying[key] = wish
            self._change.notify_all()
            return [(key, wish) for key, wish in due if self._flying.get(key) is wish]

    def _still_wanted(self, wish: _Wish) -> bool:
        return not wish.safe or isinstance(wish.record, TopicUseRecord) or self._may_put(wish.record)

    def _wait(self) -> None:
        with self._change:
            if not self._closing and not any(wish.not_before == 0 for wish in self._wishes.values()):
                self._change.wait(_LOOK if self._wishes else None)

    def _send(self, key: bytes, wish: _Wish) -> None:
        try:
            self._producer.produce(self._topic, value=wish.value, key=key, on_delivery=partial(self._told, key))
        except BufferError:
            self._again(key)
        except KafkaException as error:
            self._told(key, error.args[0], None)

    def _told(self, key: bytes, error: KafkaError | None, _: Message | None) -> None:
        if error is None:
            with self._change:
                self._flying.pop(key, None)
                self._change.notify_all()
        elif error.code() in REFUSED:
            log.error("a status could not be written: %s", explained(error, self._topic))
            with self._change:
                self._flying.pop(key, None)
                self._change.notify_all()
        else:
            log.debug("a status will be written again: %s", error.str())
            self._again(key)

    def _again(self, key: bytes) -> None:
        """A later wish for the key is the one that counts."""
        with self._change:
            wish = self._flying.pop(key)
            wish.tries += 1
            wish.not_before = time.monotonic() + backoff.delay(wish.tries, _LONGEST_WAIT)
            self._wishes.setdefault(key, wish)
