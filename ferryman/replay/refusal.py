"""What the brokers refuse of letters on their way to topics: all that is for a topic, or single records. Pure."""

from collections.abc import Sequence

from confluent_kafka import KafkaError

from ferryman.kafka.refusals import explained

_ABSENT = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC})
_ABOUT_TOPICS = _ABSENT | {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.TOPIC_EXCEPTION,
}
_ABOUT_RECORDS = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.INVALID_TIMESTAMP,
        KafkaError.INVALID_RECORD,
        KafkaError._UNKNOWN_PARTITION,
    }
)


class Refusal(Exception):
    """That one of a topic's brokers takes something not, now or ever; its text says what to do about it."""

    def __init__(self, topic: str, reason: KafkaError) -> None:
        self.topic = topic
        self.is_about_topic = reason.code() in _ABOUT_TOPICS
        """Whether it is about all that is for the topic."""
        super().__init__(f"{topic}: {_text(topic, reason)}")


def is_absence(reason: KafkaError) -> bool:
    """Whether an answer says that there is no such topic: one that the broker makes by itself may come soon."""
    return reason.code() in _ABSENT


def of(answers: Sequence[tuple[str, KafkaError]]) -> Refusal | None:
    """The first of these answers about topics that is a refusal; None if it is another trouble."""
    known = _ABOUT_TOPICS | _ABOUT_RECORDS
    return next((Refusal(topic, reason) for topic, reason in answers if reason.code() in known), None)


def _text(topic: str, reason: KafkaError) -> str:
    if is_absence(reason):
        return "there is no such topic, and the brokers do not create topics by themselves; create it"
    return explained(reason, topic)
