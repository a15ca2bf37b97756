"""Whether a topic keeps what goes there: records may be older than its broker keeps any, those of an archive say."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException

from ferryman.kafka.admin import Admin

log = logging.getLogger(__name__)
OLD_MS = 3_600_000
"""Milliseconds before now from which on a record makes us look: no topic that anybody reads keeps its records less."""
ANSWER_SECONDS = 10.0
"""For the broker's answer."""


@dataclass
class Retention:
    """Warns once of each topic whose broker deletes what this task writes there, as it is so old already. The broker
    does so within minutes, and says nothing."""

    admin: Admin
    _kept: dict[str, int | None] = field(default_factory=dict)
    """Milliseconds that a topic keeps a record from its own time on; None if for ever, if it is unknown, or if it was
    warned about."""

    def look(self, topic: str, timestamps: Sequence[int | None]) -> None:
        """Some records that go there, by their timestamps in milliseconds; None and -1 are now. One of them stands for
        all: what is restored is old as a whole."""
        when = timestamps[0]
        if not isinstance(when, int) or when < 0:
            return
        age = round(time.time() * 1000) - when
        if age < OLD_MS:
            return
        if topic not in self._kept and not self._asked(topic):
            return
        kept = self._kept[topic]
        if kept is not None and age > kept:
            self._kept[topic] = None
            log.warning(
                "%s has retention.ms=%d, and gets records whose timestamps are older: the broker will soon delete "
                "them. Set its retention.ms=-1, or message.timestamp.type=LogAppendTime",
                topic,
                kept,
            )

    def _asked(self, topic: str) -> bool:
        """Whether the broker has answered, or never will; a topic that is created by its first record does not exist
        yet."""
        try:
            settings = {name: entry.value for name, entry in self.admin.settings(topic, ANSWER_SECONDS).items()}
        except KafkaException as error:
            reason: KafkaError = error.args[0]
            if reason.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                return False
            log.debug("it cannot be found out how long %s keeps its records: %s", topic, reason.str())
            settings = {}
        finally:
            self.admin.close()
        self._kept[topic] = _milliseconds(settings)
        return True


def _milliseconds(settings: dict[str, str | None]) -> int | None:
    deletes = "delete" in (settings.get("cleanup.policy") or "")
    stamps = settings.get("message.timestamp.type") == "LogAppendTime"
    kept = int(settings.get("retention.ms") or -1)
    return kept if deletes and not stamps and kept >= 0 else None
