"""A connector's connection to Kafka: its clients, its topics, its group or its transactional ids, its dead letter
queue."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaException

from ferryman.connector import SinkConfig, SourceConfig
from ferryman.doctor.job import Job
from ferryman.doctor.kafka import client as clients
from ferryman.doctor.kafka import needs, topics, transactions
from ferryman.doctor.kafka.client import Client, Side
from ferryman.doctor.kafka.of_worker import internal, transactional
from ferryman.doctor.kafka.reach import Reached, versions
from ferryman.doctor.kafka.topics import Wanted
from ferryman.doctor.kafka.unanswered import Unanswered
from ferryman.errors import TaskError
from ferryman.findings import Finding, left_out, mend, warning
from ferryman.internal_topics import of_worker
from ferryman.kafka import client_config, subscription, topic_creation
from ferryman.kafka.topic_creation import TopicGroup
from ferryman.plugins import catalog
from ferryman.settings.worker_keys import WorkerConfig

_QUEUE = "errors.deadletterqueue.topic"


def findings(job: Job) -> Iterator[Finding]:
    """All findings about a connector's way to Kafka."""
    plugin = catalog.connector(job.raw["connector.class"])
    assert plugin is not None
    config = plugin.config_class.parse(job.raw)
    sink = isinstance(config, SinkConfig)
    asking = {side: clients.of_connector(side, job.worker, job.subject, job.raw, sink) for side in _sides(config)}
    reached = Reached(job.seconds)
    yield from reached.look([*asking.values()])
    try:
        if isinstance(config, SinkConfig):
            yield from _of_sink(job, config, asking, reached)
        else:
            yield from _of_source(job, config, asking, reached)
    except Unanswered as error:
        yield mend("kafka", str(error), "try again when the brokers are well")


def _sides(config: Any) -> Sequence[Side]:
    if isinstance(config, SinkConfig) and not _queue(config):
        return ("consumer", "admin")
    return ("consumer", "producer", "admin")


def _queue(config: SinkConfig | SourceConfig) -> str:
    tolerant = isinstance(config, SinkConfig) or config.errors_tolerance == "all"
    return config.errors_deadletterqueue_topic_name if tolerant else ""


def _of_sink(job: Job, config: SinkConfig, asking: Mapping[Side, Client], reached: Reached) -> Iterator[Finding]:
    consumer = asking["consumer"]
    if client_config.protocol(consumer.values) == client_config.CONSUMER and "consumer" in reached.clusters:
        yield from versions(consumer, job.seconds, consumer_groups=True)
    names: Sequence[str] = ()
    if "admin" in reached.clusters:
        names, none = _read(job, config, reached)
        yield from none
    wanted = [Wanted(name, "topics", written=False) for name in names]
    queue = _queue(config)
    wanted += [_dead_letters(config)] if queue else []
    there = yield from _topics(wanted, asking, reached)
    group = str(consumer.values["group.id"])
    yield from reached.rights([*needs.of_sink(names, group, queue)], there)


def _read(job: Job, config: SinkConfig, reached: Reached) -> tuple[Sequence[str], Sequence[Finding]]:
    """The topics that are read, and what to report if there are none."""
    if config.topics:
        return config.topics, ()
    subject = f"topics.regex {config.topics_regex}"
    try:
        known = reached.clusters["admin"].admin.list_topics(timeout=job.seconds).topics
        names, _ = subscription.topics_to_read(config, job.worker, known)
    except (KafkaException, TaskError) as error:
        return (), (mend(subject, f"its topics cannot be found out: {error}", "try again when the brokers are well"),)
    if names:
        return names, ()
    said = f"none of the {len(known)} topics that {reached.clusters['admin'].client.user} may see matches"
    return (), (warning(subject, said, "make such a topic, grant Describe on it, or correct topics.regex"),)


def _of_source(job: Job, config: SourceConfig, asking: Mapping[Side, Client], reached: Reached) -> Iterator[Finding]:
    worker = WorkerConfig.parse(job.worker)
    offsets = internal(of_worker.source_offsets(job.worker, config.offsets_storage_topic or ""))
    names = config.written_topics
    if not names:
        yield left_out("topics", "its config does not say which topics it writes to")
    groups = topic_creation.groups(job.raw) if worker.topic_creation_enable else []
    wanted = [_written(name, groups) for name in names]
    queue = _queue(config)
    wanted += [offsets, *([_dead_letters(config)] if queue else [])]
    there = yield from _topics(wanted, asking, reached)
    yield from reached.rights([*needs.of_source(names, offsets.name, queue)], there)
    if worker.transactional_sources and "producer" in reached.clusters:
        yield from _transactions(job, asking["producer"], config.tasks_max)


def _written(name: str, groups: Sequence[TopicGroup]) -> Wanted:
    group = next((each for each in groups if each.matches(name)), None)
    if group is None:
        return Wanted(name, "the connector's key for it", written=True)
    key = f"topic.creation.{group.name}.replication.factor"
    return Wanted(name, "", True, made_by_us=True, replicas=group.replication_factor, replicas_key=key)


def _dead_letters(config: SinkConfig | SourceConfig) -> Wanted:
    factor = config.errors_deadletterqueue_topic_replication_factor
    name, key = config.errors_deadletterqueue_topic_name, f"{_QUEUE}.replication.factor"
    return Wanted(name, f"{_QUEUE}.name", True, made_by_us=True, replicas=factor, replicas_key=key, kept=True)


def _topics(
    wanted: Sequence[Wanted], asking: Mapping[Side, Client], reached: Reached
) -> Generator[Finding, None, Mapping[str, bool]]:
    """Yields what there is to say of them; returns which are there."""
    cluster = reached.clusters.get("admin")
    if cluster is None:
        return {}
    found = cluster.topics([each.name for each in wanted])
    largest = int(asking["producer"].values["message.max.bytes"]) if "producer" in asking else None
    brokers, servers = reached.brokers["admin"], cluster.client.servers
    for each in wanted:
        known = cluster.settings(each.name) if found[each.name].there else None
        yield from topics.judged(each, found[each.name], known, brokers, servers, largest)
    return {name: topic.there for name, topic in found.items()}


def _transactions(job: Job, producer: Client, tasks: int) -> Iterator[Finding]:
    first = str(client_config.source_producer(job.worker, job.subject, 0, job.raw).values["transactional.id"])
    prefix = first.removesuffix("0")
    for number in sorted({0, tasks - 1}):
        yield from transactional(producer, "producer", f"{prefix}{number}", job.seconds)
    if job.read_only:
        yield left_out(f"producer: transactional id {prefix}…", "--read-only: no transaction was begun and aborted")
    else:
        yield from transactions.tried(producer, prefix, job.seconds)
