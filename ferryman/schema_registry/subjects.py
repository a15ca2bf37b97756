"""How the subject of a schema is named: Confluent's subject name strategies."""

from collections.abc import Mapping
from typing import Literal

from ferryman.errors import DataError

TOPIC, RECORD, TOPIC_RECORD = "TopicNameStrategy", "RecordNameStrategy", "TopicRecordNameStrategy"
STRATEGIES: Mapping[str, str] = {
    f"{package}{name}": name
    for name in (TOPIC, RECORD, TOPIC_RECORD)
    for package in ("", "io.confluent.kafka.serializers.subject.", "io.confluent.kafka.serializers.subject.strategy.")
}
"""The strategies by the names that configs have for them."""


class UnnamedSubject(DataError):
    """A strategy needs a record's name, and the schema is none of a record."""


def subject(strategy: str, topic: str, side: Literal["key", "value"], record: str | None) -> str:
    """The subject; ``record`` is the full name of the schema's record. Raises UnnamedSubject where that is missing."""
    name = STRATEGIES[strategy]
    if name == TOPIC:
        return f"{topic}-{side}"
    if record is None:
        raise UnnamedSubject(
            f"In configuration {side}.subject.name.strategy = {name} the message {side} must be a record"
        )
    return record if name == RECORD else f"{topic}-{record}"
