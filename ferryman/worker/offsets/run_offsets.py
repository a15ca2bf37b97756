"""What runs have committed, asked without taking part: a sink's group, the tallies of a source's tasks."""

import logging
from dataclasses import dataclass

from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as ClientPartition

from ferryman.errors import ConfigError, RequestError, TaskError
from ferryman.kafka.clients import QUIET, Clients
from ferryman.plugin_process import ends
from ferryman.record import TopicPartition
from ferryman.retry import coordinator
from ferryman.runs import note, tallies
from ferryman.runs.ranges import Ranges
from ferryman.runs.tallies import Tally
from ferryman.worker.offsets.connector_offsets import ConnectorOffsets

log = logging.getLogger(__name__)
ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class RunOffsets:
    """How far a run is."""

    offsets: dict[TopicPartition, int]
    """The next offsets of its partitions, where there are any."""
    pace: float
    """The part of its time in which it works, as it was noted with them."""
    refused: int
    """How many records errors.tolerance has passed over."""


def committed(clients: Clients, ranges: Ranges) -> RunOffsets:
    """What a run has committed of its partitions. Raises KafkaException if Kafka does not answer."""
    wanted = [ClientPartition(*source) for source in sorted(ranges.of)]
    consumer = Consumer(clients.group_reader() | QUIET)
    try:
        found = coordinator.ask(lambda: consumer.committed(wanted, timeout=ANSWER_SECONDS)) if wanted else []
    finally:
        consumer.close()
    there = {TopicPartition(each.topic, each.partition): each for each in found if not each.error and each.offset >= 0}
    offsets = {source: each.offset for source, each in there.items()}
    unfinished = [source for source, offset in offsets.items() if not ranges.of[source].is_over(offset)]
    notes = {source: note.load(each.metadata)[0] for source, each in there.items()}
    pace = note.least(notes[source] for source in unfinished)
    return RunOffsets(offsets, pace, sum(each.refused for each in notes.values()))


def tallies_of(connector: ConnectorOffsets, ends: bool) -> dict[int, Tally] | None:
    """The tallies of a source's tasks; None of one that comes to no end, which its own code is asked unless ``ends``
    says that it does. Raises RetriableError or KafkaException when nobody answers, RequestError 503 where too many
    wait."""
    if not ends and not _comes_to_an_end(connector):
        return None
    return tallies.tallies_by_task(connector.stores.read().items())


def _comes_to_an_end(connector: ConnectorOffsets) -> bool:
    try:
        return connector.asks(ends.question(connector.clients.raw))
    except (ConfigError, RequestError, TaskError) as error:
        if isinstance(error, RequestError) and error.status == 503:
            raise
        # Code that hangs or dies would do so again, at every check.
        log.warning("it is not known whether connector %s comes to an end: %s", connector.clients.connector, error)
        return False
