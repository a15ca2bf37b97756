"""Tries records alone, in a process that may die of them: decodes and transforms them, and delivers nothing.

Which of them are to be tried, in which pieces, and what follows from a death is the worker's
(``worker.processes.crashes``). A record that is tried by itself goes through the steps one by one, so that the note
tells which of them dies.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as ClientPartition

from ferryman.chain.chain import Chain
from ferryman.chain.decoded_letters import edited_values
from ferryman.chain.narrowing import Failure, Stage
from ferryman.errors import RetriableError
from ferryman.kafka import client_config
from ferryman.kafka.raw_batches import by_partition
from ferryman.plugins.catalog import names
from ferryman.record import Polled
from ferryman.retry import backoff
from ferryman.task.crash_evidence.at_work import CONVERT, Offsets
from ferryman.task.setup.control import Control
from ferryman.task.sink.group import readable

LONGEST_WAIT = 10.0
"""Seconds between two tries while another system is away."""
POLL_SECONDS = 0.5
"""Seconds between two checks whether it is to stop."""
AT_ONCE = 500
"""Records that are asked of the client at once."""
Records = Callable[[Polled], Polled | None]
"""Which of the records that were read are to be tried: for dead letters the records in them."""


def _as_it_is(polled: Polled) -> Polled:
    return polled


def run(
    ranges: Sequence[Offsets], chain: Chain, consumer: Mapping[str, Any], control: Control, records: Records = _as_it_is
) -> None:
    """Tries all records of these ranges, and reports each range that is done. Raises errors that another try cannot
    mend."""
    for offsets in ranges:
        attempt = 0
        while not control.stopping:
            try:
                for polled in filter(None, map(records, _read(offsets, consumer, control))):
                    _try(offsets, chain, polled, control)
            except RetriableError:
                attempt += 1
                control.wait(backoff.delay(attempt, LONGEST_WAIT))
            else:
                control.tell("tried", {"first": offsets.first, "last": offsets.last})
                break
    if not control.stopping:
        control.tell("ended", {})


def _try(offsets: Offsets, chain: Chain, polled: Polled, control: Control) -> None:
    if offsets.first < offsets.last:
        there = offsets._replace(first=polled.offsets[0], last=polled.offsets[-1])
        with control.at_work.on(CONVERT, [there]):
            _transform(chain, polled)
    else:
        for stage, plugin, step in _steps(polled, chain):
            with control.at_work.on(stage, [offsets], names(type(plugin))[0]):
                step()


def _transform(chain: Chain, polled: Polled) -> None:
    chain.transform(chain.decode(polled)[0])


def _steps(polled: Polled, chain: Chain) -> Iterator[tuple[Stage, Any, Callable[[], object]]]:
    topic = polled.topic if polled.originals is None else polled.originals[0].topic
    yield Stage.KEY_CONVERTER, chain.key, lambda: _failing(lambda: chain.key.decode(topic, polled.keys))
    yield Stage.VALUE_CONVERTER, chain.value, lambda: _failing(lambda: _decode_value(chain, topic, polled))
    yield Stage.HEADER_CONVERTER, chain.header, lambda: chain.decode(polled)
    for count, step in enumerate(chain.steps, 1):
        part = replace(chain, steps=chain.steps[:count])
        yield Stage.TRANSFORMATION, step.transform, partial(_transform, part, polled)


def _decode_value(chain: Chain, topic: str, polled: Polled) -> None:
    """As the chain would: what kills a process may be the value that an edit makes."""
    failures = list[Failure]()
    if chain.editing is not None and polled.originals is not None:
        polled, failures = edited_values(polled, chain.editing)
    if not failures:
        chain.value.decode(topic, polled.values)


def _failing(step: Callable[[], object]) -> None:
    """A bad record that crashes no process is left to the task."""
    try:
        step()
    except RetriableError:
        raise
    except Exception:
        return


def _read(offsets: Offsets, settings: Mapping[str, Any], control: Control) -> Iterator[Polled]:
    """The records from Kafka, without any group. Raises RetriableError while there is no answer."""
    with closing(Consumer({**client_config.alone(settings), "enable.partition.eof": True})) as consumer:
        consumer.assign([ClientPartition(offsets.topic, offsets.partition, offsets.first)])
        while not control.stopping:
            first = consumer.poll(POLL_SECONDS)
            found = [] if first is None else [first, *consumer.consume(AT_ONCE - 1, 0)]
            try:
                records = [message for message in found if readable(message)]
            except KafkaException as error:
                raise RetriableError(str(error)) from error
            for polled in by_partition(records):
                if count := sum(offset <= offsets.last for offset in polled.offsets):
                    yield polled.slice(0, count)
                if count < len(polled):
                    return
            if len(records) < len(found):
                return  # the end of the partition has come
