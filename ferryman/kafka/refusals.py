"""What a broker refuses for good, and by which limit: answers that are not outages."""

import re
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException

REFUSED = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.INVALID_TIMESTAMP,
        KafkaError.INVALID_RECORD,
        KafkaError.INVALID_CONFIG,
        KafkaError.INVALID_PARTITIONS,
        KafkaError.INVALID_REPLICATION_FACTOR,
        KafkaError.POLICY_VIOLATION,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError._UNKNOWN_PARTITION,
    }
)
"""Answers to a produce or create request that trying again does not change."""
METADATA_SECONDS = 5.0
"""Seconds that the broker has to say what it thinks of a topic."""
_UNTOLD = frozenset({KafkaError._UNKNOWN_TOPIC, KafkaError._INCONSISTENT})
"""Answers behind which a broker's refusal may stand."""
_NAME = re.compile(r"(?!\.{1,2}\Z)[a-zA-Z0-9._-]{1,249}")
_NAMES = "a topic's name is up to 249 letters, digits, dots, dashes and underscores"
_LONGEST_SHOWN = 300
"""Characters of a name that an error shows."""
PRODUCER_LIMIT = "producer.override.max.request.size"
BROKER_LIMIT = "max.message.bytes"

_WHAT = {
    KafkaError.MSG_SIZE_TOO_LARGE: "a record, or a batch of them, is larger than the broker accepts",
    KafkaError.RECORD_LIST_TOO_LARGE: "a batch of records is larger than the broker accepts",
    KafkaError.INVALID_TIMESTAMP: "a record's timestamp is further from the broker's clock than the broker accepts",
    KafkaError.INVALID_RECORD: "the broker does not accept such a record",
    KafkaError.INVALID_CONFIG: "the broker does not know such a topic setting, or does not accept its value",
    KafkaError.INVALID_PARTITIONS: "the broker does not create a topic with this number of partitions",
    KafkaError.INVALID_REPLICATION_FACTOR: "the broker does not create a topic with this number of replicas",
    KafkaError.POLICY_VIOLATION: "a policy of the broker forbids it",
    KafkaError.TOPIC_EXCEPTION: "the broker does not accept a topic of that name",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "the user has no right to the topic",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "the user has no right to do that in the cluster",
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: "the user has no right to the transactional id",
    KafkaError.SASL_AUTHENTICATION_FAILED: "the broker refuses the user's login",
    KafkaError._UNKNOWN_PARTITION: "a record is for a partition that its topic does not have",
}
_ADVICE = {
    KafkaError.MSG_SIZE_TOO_LARGE: (
        "{topic}'s max.message.bytes is the limit; raise it. (A batch counts as a whole: "
        "{keys}batch.size must not be above it either.)"
    ),
    KafkaError.RECORD_LIST_TOO_LARGE: "{topic}'s segment.bytes is the limit; raise it",
    KafkaError.INVALID_TIMESTAMP: (
        "{topic}'s message.timestamp.before.max.ms or message.timestamp.after.max.ms is the limit"
    ),
    KafkaError.INVALID_RECORD: "a topic with cleanup.policy=compact, for example, accepts no record without a key",
    KafkaError.INVALID_CONFIG: "the settings of {topic} are the reason",
    KafkaError.INVALID_PARTITIONS: "the number of partitions that {topic} should have is the reason",
    KafkaError.INVALID_REPLICATION_FACTOR: "there are fewer brokers than its replication factor requires",
    KafkaError.POLICY_VIOLATION: "a policy of the broker (create.topic.policy.class.name) is the reason",
    KafkaError.TOPIC_EXCEPTION: f"{{topic}} is not accepted; {_NAMES}",
    # Brokers say so of a topic that does not exist, too, to a user who may write to it but not create it.
    KafkaError.TOPIC_AUTHORIZATION_FAILED: (
        "the user of {keys}* needs the right to write to {topic}; if there is no such topic, create it, or have a "
        "source do so with topic.creation.default.partitions and topic.creation.default.replication.factor"
    ),
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "the user needs the right IdempotentWrite, or to create topics",
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: (
        "the user needs the right to write to its transactional id, or the worker "
        "exactly.once.source.support=disabled, with which sources deliver at least once"
    ),
    KafkaError.SASL_AUTHENTICATION_FAILED: "see {keys}sasl.jaas.config",
    KafkaError._UNKNOWN_PARTITION: (
        "{topic} has fewer partitions than the connector asks for; give it as many, or have the connector leave the "
        "choice to the producer"
    ),
}


def explained(error: KafkaError, topic: str, keys: str = "producer.override.") -> str:
    """A broker's refusal with the limit that it is about, by its key, if that is known; ``keys`` is the prefix of the
    producer's settings."""
    advice = _ADVICE.get(error.code())
    return error.str() if advice is None else f"{error.str()}: {advice.format(topic=topic, keys=keys)}"


def as_refusal(error: KafkaError, topic: str) -> str:
    """One of REFUSED as what it is, with the broker's own words and the limit that it is about."""
    return f"{_WHAT[error.code()]}, and trying again would not help: {error.name()}: {explained(error, topic)}"


def problem_of_name(topic: str) -> str | None:
    """Why no broker takes a record for a topic of this name (``Topic.validate`` of org.apache.kafka.common.internals);
    None if one may."""
    if _NAME.fullmatch(topic):
        return None
    shown = topic if len(topic) <= _LONGEST_SHOWN else f"{topic[:_LONGEST_SHOWN]}… ({len(topic)} characters)"
    return f"no broker accepts a topic of the name {shown!r}: {_NAMES}"


class Client(Protocol):
    """A producer or consumer, or whatever else asks brokers."""

    def list_topics(self, topic: str, timeout: float) -> Any: ...


def behind(error: KafkaError, topic: str, client: Client) -> KafkaError:
    """The broker's reason for an error with a topic, if it is one of REFUSED; else the error as it is.

    Of a topic that the client could not find it says only that (UNKNOWN_TOPIC), or in a transaction that a message was
    not delivered. Whether the broker's answer comes before a message is handed over or after it decides which of these
    the client says, or whether it has the reason.
    """
    if error.code() not in _UNTOLD:
        return error
    try:
        found = client.list_topics(topic, METADATA_SECONDS).topics[topic].error
    except (KafkaException, KeyError):
        return error
    return error if found is None or found.code() not in REFUSED else found
