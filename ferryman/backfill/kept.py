"""The bounds of a run of the command line, kept in Kafka: a group of their own has them as offsets and metadata.

The command has nothing that outlives its process, and a container no disk. When it is called again, it goes on with the
bounds that were fixed when it was called first.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException
from confluent_kafka import TopicPartition as ClientPartition
from confluent_kafka.admin import AdminClient

from ferryman.api import Part, Span
from ferryman.backfill.request import Request
from ferryman.errors import ConfigError
from ferryman.kafka.clients import QUIET, Clients
from ferryman.record import TopicPartition
from ferryman.retry import coordinator
from ferryman.runs.ranges import Range, Ranges

FORMAT = 1
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
    """What was kept of each, with its offset."""
    wanted = [ClientPartition(*source) for source in sorted(sources)]
    consumer = Consumer(clients.group_reader() | QUIET | {"group.id": group(clients)})
    try:
        found = coordinator.ask(lambda: consumer.committed(wanted, timeout=ANSWER_SECONDS)) if wanted else []
    finally:
        consumer.close()
    noted = {
        TopicPartition(each.topic, each.partition): (each.offset, _noted(clients, each.metadata))
        for each in found
        if not each.error and each.offset >= 0
    }
    for _, note in noted.values():
        if note["wish"] != _wish(request):
            raise ConfigError.for_key(
                "name",
                f"{clients.connector} was begun with other bounds ({note['wish']}); give this run another --name",
            )
    return noted


def _noted(clients: Clients, metadata: str | None) -> Mapping[str, Any]:
    try:
        note = json.loads(metadata or "")
        if note["ferryman.run"] == FORMAT:
            return dict(note)
    except (ValueError, TypeError, KeyError):
        pass
    raise ConfigError.for_key(
        "name", f"what the group {group(clients)} holds was written by another version; give another --name"
    )


def _wish(request: Request) -> str:
    """What was asked for, as far as it decides about ranges."""
    offsets = sorted([*source, *range_] for source, range_ in request.offsets.items())
    positions = "" if request.positions is None else f" positions={json.dumps(request.positions)}"
    return f"from={request.begins} to={request.ends} offsets={json.dumps(offsets) if offsets else ''}{positions}"[:2000]


def keep(clients: Clients, ranges: Ranges, request: Request) -> None:
    """Keeps the ranges of a new run. Raises KafkaException."""
    wanted = [
        ClientPartition(*source, range_.behind, _note(ranges.ids[source.topic], range_, request))
        for source, range_ in ranges.of.items()
    ]
    _keep(clients, wanted)


def keep_part(clients: Clients, topic: str, part: Part, request: Request) -> None:
    """The same for a run of a source."""
    note = {"ferryman.run": FORMAT, "span": part.span.dump(), "sets": dict(part.sets), "wish": _wish(request)}
    _keep(clients, [ClientPartition(topic, 0, 0, json.dumps(note))])


def _keep(clients: Clients, wanted: list[ClientPartition]) -> None:
    admin = AdminClient(clients.admin())
    asked = ConsumerGroupTopicPartitions(group(clients), wanted)
    answer = coordinator.ask(lambda: admin.alter_consumer_group_offsets([asked])[asked.group_id].result())
    for each in answer.topic_partitions:
        if each.error:
            raise KafkaException(each.error)


def _note(topic_id: str, range_: Range, request: Request) -> str:
    return json.dumps({"ferryman.run": FORMAT, "id": topic_id, "first": range_.first, "wish": _wish(request)})
