"""The worker's own way to Kafka: its cluster, and in a group its internal topics, its group, its transactional id."""

from collections.abc import Iterator

from kafka.errors import KafkaError

from ferryman.doctor.job import Job
from ferryman.doctor.kafka import client as clients
from ferryman.doctor.kafka import needs, topics
from ferryman.doctor.kafka.client import Client
from ferryman.doctor.kafka.needs import acl
from ferryman.doctor.kafka.protocol import Protocol
from ferryman.doctor.kafka.reach import Reached, versions
from ferryman.doctor.kafka.topics import Wanted
from ferryman.errors import ConfigError
from ferryman.findings import Finding, left_out, mend, ok
from ferryman.internal_topics import of_worker
from ferryman.internal_topics.creation import InternalTopic
from ferryman.kafka.client_config import leader_transactional_id
from ferryman.settings import settings
from ferryman.settings.modes import DISTRIBUTED


def findings(job: Job) -> Iterator[Finding]:
    """All findings about a worker's way to Kafka."""
    client = clients.of_worker(job.worker)
    reached = Reached(job.seconds)
    yield from reached.look([client])
    if not reached.clusters:
        return
    yield from versions(client, job.seconds, consumer_groups=False)
    if job.distributed:
        yield from _of_group(job, reached, client)


def _of_group(job: Job, reached: Reached, client: Client) -> Iterator[Finding]:
    given = settings.parse(job.worker, DISTRIBUTED)
    wanted = [internal(each) for each in of_worker.topics(given)]
    cluster, brokers = reached.clusters["worker"], reached.brokers["worker"]
    there = cluster.topics([each.name for each in wanted])
    for each in wanted:
        known = cluster.settings(each.name) if there[each.name].there else None
        yield from topics.judged(each, there[each.name], known, brokers, client.servers, None)
    names = [each.name for each in wanted]
    yield from reached.rights(
        [*needs.of_worker(names, given.distributed.group_id)], {name: topic.there for name, topic in there.items()}
    )
    if given.distributed.fenced_writes:
        yield from transactional(client, "worker", leader_transactional_id(given.distributed.group_id), job.seconds)


def internal(topic: InternalTopic) -> Wanted:
    """An internal topic as it is to be."""
    return Wanted(
        topic.name,
        topic.key,
        written=True,
        made_by_us=True,
        replicas=topic.replication_factor,
        replicas_key=f"{topic.kind}.storage.replication.factor",
        compacted=True,
        single=topic.kind == "config",
    )


def transactional(client: Client, side: str, name: str, seconds: float) -> Iterator[Finding]:
    """Whether the client may describe a transactional id, which it may if it may write to it."""
    subject = f"{side}: transactional id {name}"
    try:
        protocol = Protocol(client, seconds)
        try:
            may = protocol.may_look_at(name)
        finally:
            protocol.close()
    except (ConfigError, KafkaError) as error:
        yield left_out(subject, str(error) or type(error).__name__)
        return
    if may:
        yield ok(subject, f"{client.user} may Describe it")
    else:
        command = acl(client.user, client.servers, "transactional-id", name, ["WRITE"])
        yield mend(subject, f"{client.user} may not Write", command)
