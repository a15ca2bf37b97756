"""The bounds of a run, kept in Kafka: a group of their own has them as offsets and metadata.

The command line has nothing that outlives its process, and a container no disk. When it is called again, it goes on
with the bounds that were fixed when it was called first. A run that REST made is gone when it is deleted, and so is a
standalone worker's when that ends, but its offsets stay; a later one of that name goes on behind them only if it was
asked for in the same way.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException
from confluent_kafka import TopicPartition as ClientPartition
from confluent_kafka.admin import AdminClient

from ferryman.api import Part, Span
from ferryman.backfill.making import Run
from ferryman.backfill.request import Request
from ferryman.connector import own_offsets_topic
from ferryman.errors import ConfigError, RequestError
from ferryman.internal_topics import creation, of_worker
from ferryman.kafka.admin import Admin
from ferryman.kafka.clients import QUIET, Clients
from ferryman.record import TopicPartition
from ferryman.retry import coordinator
from ferryman.runs.ranges import Range, Ranges

FORMAT = 2
ANSWER_SECONDS = 30.0


def group(clients: Clients) -> str:
    """The name of the group beside the run's own, whatever group the live connector is in."""
    return f"connect-{clients.connector}-ranges"


def read(clients: Clients, sources: Iterable[TopicPartition], request: Request) -> Ranges | None:
    """The ranges of a run, if it was made before; ``clients`` are those of the run, ``sources`` the partitions that it
    may have. Raises ConfigError if it was made for other bounds, KafkaException if Kafka does not answer."""
    noted = _read(clients, sources, request)
    if not noted:
        return None
    ids = {source.topic: str(note["id"]) for source, (_, note) in noted.items()}
    return Ranges(ids, {source: Range(int(note["first"]), behind) for source, (behind, note) in noted.items()})


def read_part(clients: Clients, topic: str, request: Request) -> Part | None:
    """The same for a run of a source, whose offsets are in a topic."""
    for _, note in _read(clients, [TopicPartition(topic, 0)], request).values():
        return Part(Span.parse(str(note["span"])), {str(key): str(value) for key, value in note["sets"].items()})
    return None


def _read(
    clients: Clients, sources: Iterable[TopicPartition], request: Request
) -> Mapping[TopicPartition, tuple[int, Mapping[str, Any]]]:
    """What was kept of each, with its offset. ConfigError if the run was begun in another way than this one."""
    noted = _noted(clients, sources)
    for _, note in noted.values():
        if note["wish"] != request.wish:
            raise ConfigError.for_key("name", _other(clients.connector, str(note["wish"]), request))
    return noted


def _other(name: str, begun: str, request: Request) -> str:
    return (
        f"{name} was begun with other bounds or other keys ({begun}; this time {request.wish}), and would go on where "
        "that one stopped. Give this run another name"
    )


def _noted(
    clients: Clients, sources: Iterable[TopicPartition]
) -> Mapping[TopicPartition, tuple[int, Mapping[str, Any]]]:
    wanted = [ClientPartition(*source) for source in sorted(sources)]
    consumer = Consumer(clients.group_reader() | QUIET | {"group.id": group(clients)})
    try:
        found = coordinator.ask(lambda: consumer.committed(wanted, timeout=ANSWER_SECONDS)) if wanted else []
    finally:
        consumer.close()
    return {
        TopicPartition(each.topic, each.partition): (each.offset, _note_of(clients, each.metadata))
        for each in found
        if not each.error and each.offset >= 0
    }


def _note_of(clients: Clients, metadata: str | None) -> Mapping[str, Any]:
    try:
        note = json.loads(metadata or "")
        if note["ferryman.run"] == FORMAT:
            return dict(note)
    except (ValueError, TypeError, KeyError):
        pass
    raise ConfigError.for_key(
        "name", f"what the group {group(clients)} holds was written by another version; give another --name"
    )


def keep(clients: Clients, worker_topic: str, run: Run, request: Request) -> None:
    """Keeps the bounds of a new run; ``worker_topic`` is where the worker has sources' offsets. Raises
    KafkaException."""
    if run.ranges is not None:
        _keep(clients, [ClientPartition(*each) for each in _bounds(run.ranges, request)])
    elif run.part is not None:
        own = own_offsets_topic(clients.raw)
        creation.create(Admin(clients.admin()), of_worker.source_offsets(clients.worker, own))
        sets = {"span": run.part.span.dump(), "sets": dict(run.part.sets)}
        _keep(clients, [ClientPartition(own or worker_topic, 0, 0, _note(request, **sets))])


def claim(clients: Clients, worker_topic: str, run: Run, request: Request) -> None:
    """Keeps them unless the run is a dry one. RequestError 409 if there was a run of its name that was asked for
    otherwise, since this one would go on where that one stopped. Raises KafkaException."""
    own = own_offsets_topic(clients.raw)
    sources = run.ranges.of if run.ranges is not None else [TopicPartition(own or worker_topic, 0)]
    for _, note in _noted(clients, sources).values():
        if note["wish"] != request.wish:
            raise RequestError(409, _other(clients.connector, str(note["wish"]), request))
    if not request.dry_run:
        keep(clients, worker_topic, run, request)


def _bounds(ranges: Ranges, request: Request) -> Iterator[tuple[str, int, int, str]]:
    for source, range_ in ranges.of.items():
        yield *source, range_.behind, _note(request, id=ranges.ids[source.topic], first=range_.first)


def _note(request: Request, **facts: Any) -> str:
    return json.dumps({"ferryman.run": FORMAT, **facts, "wish": request.wish})


def _keep(clients: Clients, wanted: list[ClientPartition]) -> None:
    if not wanted:
        return
    admin = AdminClient(clients.admin())
    asked = ConsumerGroupTopicPartitions(group(clients), wanted)
    answer = coordinator.ask(lambda: admin.alter_consumer_group_offsets([asked])[asked.group_id].result())
    for each in answer.topic_partitions:
        if each.error:
            raise KafkaException(each.error)
