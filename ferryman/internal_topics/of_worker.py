"""The internal topics of a distributed worker and their clients, by its settings."""

from collections.abc import Mapping, Sequence

from ferryman.internal_topics.creation import InternalTopic
from ferryman.internal_topics.kafka_log import KafkaLog, Received
from ferryman.internal_topics.status_topic import MayPut, StatusWriter
from ferryman.internal_topics.writers import FencedWriter
from ferryman.kafka import client_config
from ferryman.kafka.clients import LOG
from ferryman.settings.settings import Settings
from ferryman.settings.worker_keys import WorkerConfig, internal_topic


def topics(settings: Settings) -> Sequence[InternalTopic]:
    """The topics as they are to be."""
    given, values = settings.distributed, settings.values
    configs, offsets, statuses = (internal_topic(values, kind) for kind in ("config", "offset", "status"))
    return (
        InternalTopic("config", given.config_storage_topic, 1, given.config_storage_replication_factor, configs),
        InternalTopic(
            "offset",
            given.offset_storage_topic,
            given.offset_storage_partitions,
            given.offset_storage_replication_factor,
            offsets,
        ),
        InternalTopic(
            "status",
            given.status_storage_topic,
            given.status_storage_partitions,
            given.status_storage_replication_factor,
            statuses,
        ),
    )


def source_offsets(worker: Mapping[str, str], own: str = "") -> InternalTopic:
    """Where a source's offsets are kept; ``worker`` are the worker's settings as text, ``own`` is the topic that the
    connector names, if it names one."""
    config = WorkerConfig.parse(worker)
    return InternalTopic(
        "offset",
        own or config.offset_storage_topic,
        config.offset_storage_partitions,
        config.offset_storage_replication_factor,
        internal_topic(worker, "offset"),
        "offsets.storage.topic" if own else "",
    )


def config_log(settings: Settings, received: Received) -> KafkaLog:
    """The config topic. Where writes are fenced, what a fenced leader left unfinished is not received."""
    return _log(settings, settings.distributed.config_storage_topic, "configs", received)


def status_log(settings: Settings, received: Received) -> KafkaLog:
    """The status topic, to be read."""
    return _log(settings, settings.distributed.status_storage_topic, "statuses", received)


def leader_writer(settings: Settings) -> FencedWriter | None:
    """Who writes as the only leader; None where exactly.once.source.support is disabled."""
    if not settings.distributed.fenced_writes:
        return None
    config = LOG | client_config.leader_producer(settings.values).values
    return FencedWriter(settings.distributed.config_storage_topic, config)


def status_writer(settings: Settings, may_put: MayPut) -> StatusWriter:
    """Who writes statuses."""
    config = LOG | client_config.internal_producer(settings.values, "statuses").values
    return StatusWriter(settings.distributed.status_storage_topic, config, may_put)


def _log(settings: Settings, topic: str, purpose: str, received: Received) -> KafkaLog:
    committed = settings.distributed.fenced_writes
    consumer = LOG | client_config.internal_consumer(settings.values, purpose, committed).values
    return KafkaLog(topic, consumer, LOG | client_config.internal_producer(settings.values, purpose).values, received)
