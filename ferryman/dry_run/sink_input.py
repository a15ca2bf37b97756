"""Records for a sink to be tried with: lines of a sample, or the newest of its topics; through its transforms."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from confluent_kafka import KafkaException

from ferryman.chain import builder, chain_config
from ferryman.chain.chain import Chain, assembled
from ferryman.chain.narrowing import Failure
from ferryman.connector import SinkConfig
from ferryman.dry_run.sample_lines import JSON, BadLine, read
from ferryman.dry_run.subject import Subject
from ferryman.effects import Effect
from ferryman.errors import ConfigError, FerrymanError, RetriableError
from ferryman.kafka import client_config, subscription
from ferryman.kafka.admin import Admin
from ferryman.kafka.clients import QUIET
from ferryman.kafka.newest import ANSWER_SECONDS, Extent, Newest
from ferryman.kafka.raw_batches import by_partition
from ferryman.record import Batch, Polled, Record, batches

MAX_RECORDS = 10_000
"""Records at most."""
MAX_LINE_BYTES = 64 << 20
"""Bytes of a line at most."""


@dataclass
class SinkInput:
    """What comes to put, and what does not."""

    batches: list[Batch] = field(default_factory=list)
    """As a sink gets them: those of one origin one after the other."""
    effects: list[Effect] = field(default_factory=list)
    """What became of the other records."""
    records: int = 0
    """How many there were."""

    def add(self, polled: Polled, decoded: Sequence[Batch], failures: Sequence[Failure], chain: Chain) -> None:
        """Takes what was polled together through the transforms."""
        done, failed = chain.transform(decoded) if decoded else ([], [])
        failed = [*failures, *failed]
        self.batches += done
        self.records += len(polled)
        for each in failed:
            self.effects.append(Effect("refused", str(each.coordinates), f"{each.stage.value}: {each.error}"))
        there = {position for batch in done for position in batch.positions} | {each.position for each in failed}
        for position in sorted(set(range(len(polled))) - there):
            place = f"{polled.source}@{polled.offsets[position]}"
            self.effects.append(Effect("passed over", place, "a transform drops it"))


def of_lines(subject: Subject, lines: BinaryIO) -> SinkInput:
    """The records on the lines, decoded as ``ferryman transform`` does. Raises BadLine, ConfigError."""
    config = subject.checked()
    parsed = chain_config.parse(subject.raw)
    if parsed.problems:
        raise ConfigError(*parsed.problems)
    chain = assembled(JSON, JSON, JSON, parsed.steps, builder.planner(subject.plugin))
    taken = SinkInput()
    assert isinstance(config, SinkConfig)
    for source, records in _by_partition(_records(lines, taken), config.topics).items():
        polled = _polled(source, records)
        taken.add(polled, batches(records, polled, range(len(records))), [], chain)
    if not taken.records:
        raise BadLine("it contains no record: a sample has one JSON record per line")
    return taken


def _records(lines: BinaryIO, taken: SinkInput) -> Iterator[tuple[int, Record]]:
    number = count = 0
    while line := lines.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            raise BadLine(f"line {number}: it is longer than {MAX_LINE_BYTES} bytes")
        if not line.strip():
            continue
        count += 1
        if count > MAX_RECORDS:
            raise BadLine(f"line {number}: a sample has at most {MAX_RECORDS:,} records")
        try:
            yield number, read(line.rstrip(b"\n"))
        except BadLine as error:
            raise BadLine(f"line {number}: {error}") from None
        except FerrymanError as error:
            taken.records += 1
            taken.effects.append(Effect("refused", f"line {number}", str(error)))


def _by_partition(
    found: Iterable[tuple[int, Record]], topics: Sequence[str]
) -> Mapping[tuple[str, int], Sequence[Record]]:
    """The records of each partition, with everything that Kafka's records have."""
    partitions: dict[tuple[str, int], list[Record]] = {}
    now = int(time.time() * 1000)
    for number, record in found:
        topic = record.topic or (topics[0] if topics else "")
        if not topic:
            raise BadLine(f"line {number}: it names no topic, and with topics.regex there is no default")
        partition = record.partition or 0
        before = partitions.setdefault((topic, partition), [])
        following = (before[-1].offset or 0) + 1 if before else 0
        offset = following if record.offset is None else record.offset
        if offset < following or partition < 0:
            raise BadLine(f"line {number}: {topic}-{partition}@{offset} cannot come after the lines before it")
        timestamp = now if record.timestamp is None else record.timestamp
        before.append(replace(record, topic=topic, partition=partition, offset=offset, timestamp=timestamp))
    return partitions


def _polled(source: tuple[str, int], records: Sequence[Record]) -> Polled:
    offsets, times = [each.offset or 0 for each in records], [each.timestamp for each in records]
    return Polled(*source, offsets, times, [None] * len(records), [b""] * len(records))


def of_topics(subject: Subject, count: int) -> SinkInput:
    """About the last ``count`` records of each of the sink's topics, read without a group and decoded by its
    converters. Raises ConfigError without a worker, RetriableError when Kafka does not answer."""
    config = subject.checked()
    if subject.worker is None:
        raise ConfigError.for_key("", "--from-topic needs --worker, whose file says how to connect to Kafka")
    assert isinstance(config, SinkConfig)
    values = subject.worker.values
    client = client_config.sink_consumer(values, subject.name, 0, subject.raw).values
    chain = builder.chain(subject.raw, values, subject.plugin)
    admin = Admin(QUIET | client_config.admin(values, subject.name, subject.raw).values)
    taken = SinkInput()
    for topic in config.topics or _matching(config, values, admin):
        with closing(Newest(client, topic, "the topic")) as reader:
            extent = Extent()
            found = list(reader.messages(count, time.monotonic() + ANSWER_SECONDS, extent))
        if not found:
            taken.effects.append(Effect("note", topic, "is empty, or does not exist"))
        for polled in by_partition(found):
            taken.add(polled, *chain.decode(polled), chain)
    return taken


def _matching(config: SinkConfig, values: Mapping[str, str], admin: Admin) -> Sequence[str]:
    try:
        return subscription.topics_to_read(config, values, admin.list_topics(timeout=ANSWER_SECONDS).topics)[0]
    except KafkaException as error:
        raise RetriableError(f"the topics cannot be listed: {error.args[0].str()}") from None
