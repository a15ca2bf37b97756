"""Deletes single offsets of a consumer group, for which librdkafka's admin client has no call in Python."""

from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from kafka import TopicPartition as ClientPartition
from kafka import errors
from kafka.admin import KafkaAdminClient

from ferryman.errors import RetriableError
from ferryman.record import TopicPartition
from ferryman.retry import coordinator

_PATIENCE = 30
"""Seconds for the cluster to answer."""
_NOTHING_THERE = (KafkaError.GROUP_ID_NOT_FOUND, KafkaError.UNKNOWN_TOPIC_OR_PART)


def delete(client: Mapping[str, Any], group: str, partitions: Iterable[TopicPartition]) -> None:
    """The group forgets these partitions and keeps the others as they are. ``client`` are kafka-python's settings
    (``client_settings.translated``). Raises librdkafka's KafkaException with what a broker answers, RetriableError if
    none does."""
    try:
        admin = KafkaAdminClient(**client, bootstrap_timeout_ms=_PATIENCE * 1000)
        try:
            coordinator.ask(lambda: _delete(admin, group, [ClientPartition(*each) for each in partitions]))
        finally:
            admin.close()
    except errors.KafkaError as error:
        raise RetriableError(f"offsets of group {group} cannot be deleted: {error!r}") from error


def _delete(admin: Any, group: str, partitions: list[ClientPartition]) -> None:
    try:
        answers = list(admin.delete_group_offsets(group, partitions).values())
    except errors.BrokerResponseError as error:
        answers = [type(error)]
    for answer in answers:
        if answer is not errors.NoError and answer.errno not in _NOTHING_THERE:
            raise KafkaException(KafkaError(answer.errno))
