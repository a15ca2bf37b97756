"""The system that a connector reads or writes, which its plugin checks."""

from collections.abc import Iterator, Sequence
from typing import Any

from confluent_kafka import KafkaException

from ferryman.api import Sink, Source
from ferryman.connector import SinkConfig
from ferryman.doctor.job import Job
from ferryman.errors import TaskError
from ferryman.findings import Examination, Finding, left_out
from ferryman.kafka import client_config
from ferryman.kafka.admin import Admin
from ferryman.kafka.clients import QUIET
from ferryman.kafka.subscription import Subscription
from ferryman.plugins import catalog


def findings(job: Job) -> Iterator[Finding]:
    """What the connector's own class finds; that it says nothing, if it says nothing."""
    plugin = catalog.connector(job.raw["connector.class"])
    assert plugin is not None
    if not _examines(plugin):
        yield left_out(
            job.raw["connector.class"],
            "the connector's class does not say how to check its system; only its config was checked",
        )
        return
    config = plugin.config_class.parse(job.raw)
    topics = _topics(job, config) if isinstance(config, SinkConfig) else ()
    yield from plugin.examine(config, Examination(job.subject, job.raw, topics, job.read_only, job.seconds))


def _examines(plugin: type[Any]) -> bool:
    base: type[Any] = Sink if issubclass(plugin, Sink) else Source
    return bool(plugin.examine.__func__ is not base.examine.__func__)


def _topics(job: Job, config: SinkConfig) -> Sequence[str]:
    """Topics of a pattern are asked for; if Kafka does not list them, another check reports why."""
    if config.topics:
        return config.topics
    admin = Admin(QUIET | client_config.admin(job.worker, job.subject, job.raw).values)
    try:
        return Subscription(admin, config, job.worker).topics()
    except (KafkaException, TaskError):
        return ()
    finally:
        admin.close()
