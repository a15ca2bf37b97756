"""What a broker refuses for good, and by which limit: answers that are nobody's outage."""

from confluent_kafka import KafkaError

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
    }
)
"""Answers to a produce or create request that trying again does not change."""
PRODUCER_LIMIT = "producer.override.max.request.size"
BROKER_LIMIT = "max.message.bytes"

_ADVICE = {
    KafkaError.MSG_SIZE_TOO_LARGE: (
        "{topic}'s max.message.bytes is what refuses it; raise that. (A batch counts as a whole: "
        "producer.override.batch.size must not be above it either.)"
    ),
    KafkaError.RECORD_LIST_TOO_LARGE: "{topic}'s segment.bytes is what refuses it; raise that",
    KafkaError.INVALID_TIMESTAMP: (
        "{topic}'s message.timestamp.before.max.ms or message.timestamp.after.max.ms is what refuses it"
    ),
    KafkaError.INVALID_RECORD: "a topic with cleanup.policy=compact, for one, takes no record without a key",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "the user of producer.override.* needs the right to write to {topic}",
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: "the user needs the right to write to its transactional id",
    KafkaError.INVALID_REPLICATION_FACTOR: "there are fewer brokers than its replication factor asks for",
    KafkaError.POLICY_VIOLATION: "a policy of the broker (create.topic.policy.class.name) is what refuses it",
}


def explained(error: KafkaError, topic: str) -> str:
    """A broker's refusal with the limit that it is about, by its key, if that is known."""
    advice = _ADVICE.get(error.code())
    return error.str() if advice is None else f"{error.str()}: {advice.format(topic=topic)}"
