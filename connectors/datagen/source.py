"""Invents records: by an Avro schema with hints, or a whole crowdfunding platform's events. Resumes exactly."""

import json
import logging
import random as entropy
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from ferryman.api import Examination, Finding, Offset, Part, Partition, Source, SourceContext, Span
from ferryman.config import Int, Long, Str, Text, key
from ferryman.connector import SourceConfig
from ferryman.connectors.datagen.avro_hints import Blueprint, HintError, blueprint
from ferryman.connectors.datagen.crowdfunding import SEASON, STREAMS, season
from ferryman.connectors.datagen.timetable import timetable
from ferryman.effects import Effect
from ferryman.errors import ConfigError, KeyProblem, TaskError
from ferryman.files.allowed_folders import FilePath
from ferryman.findings import ok
from ferryman.record import Batch, Header, Headers, LazyRecords, Record, Rows
from ferryman.runs import topics
from ferryman.runs.harm import Target
from ferryman.schema import INT64, OPTIONAL_STRING, STRING, Schema

log = logging.getLogger(__name__)

CROWDFUNDING = "crowdfunding"
SOURCES = ("schema.string", "schema.filename", "quickstart")
MUST_SET = f"Must set exactly one of {', '.join(SOURCES)}"
TASK, GENERATION, ITERATION, SEED = "task.id", "task.generation", "current.iteration", "random.seed"
MOST_RECORDS_A_POLL = 5000
"""Records a poll, and so a transaction, at most."""
_SHOWN_RECORDS = 3
_LARGEST = 1 << 63
BLOCK_RECORDS = 256
"""Records by a schema that are made from one random source, as a season of the crowdfunding world is."""


class DatagenConfig(SourceConfig):
    """The keys of Confluent's DatagenConnector."""

    refused = {  # noqa: RUF012
        "output.data.format": "it belongs to Confluent Cloud's managed connector; set value.converter instead"
    }

    kafka_topic: Str = key("", importance="HIGH")
    """Topic to write to; required, except with quickstart=crowdfunding, whose topics begin with it (crowdfunding.)."""
    max_interval: Long = key(500, names=("max.interval", "maxInterval"), importance="HIGH")
    """Longest time between two records in milliseconds: each waits a random part of it. 0 or less: no wait at all."""
    throughput: Int = key(-1, importance="LOW")
    """Number of records a second from each task, evenly; max.interval has no effect then. -1: as max.interval says."""
    iterations: Int = key(-1, importance="HIGH")
    """Number of records from each task, or less than 1 for unlimited."""
    schema_string: Text = key("", importance="HIGH")
    """The literal JSON-encoded Avro schema to use."""
    schema_filename: FilePath = key("", importance="HIGH")
    """File with the Avro schema to use."""
    schema_keyfield: Str = key("", importance="HIGH")
    """Name of the field to use as the record key."""
    quickstart: Str = key("", importance="HIGH")
    """Name of the built-in world to use: crowdfunding."""
    random_seed: Long | None = key(None, importance="LOW")
    """Two connectors with the same seed produce the same data; each task's is its own. By default any number."""

    def problems(self) -> Iterable[KeyProblem]:
        """One schema must be given, fit for making values, and hold the key field."""
        yield from super().problems()
        given = [name for name in SOURCES if getattr(self, name.replace(".", "_"))]
        if len(given) != 1:
            yield from (KeyProblem(name, MUST_SET) for name in given or SOURCES)
        elif self.quickstart:
            yield from self._quickstart_problems()
        else:
            yield from self._schema_problems(given[0])

    def _quickstart_problems(self) -> Iterator[KeyProblem]:
        if self.quickstart.lower() != CROWDFUNDING:
            text = (
                f"Invalid value {self.quickstart} for configuration quickstart: String must be one of: {CROWDFUNDING}. "
                "For other records, write their Avro schema to a file and name the file in schema.filename"
            )
            yield KeyProblem("quickstart", text)
        if self.schema_keyfield:
            yield KeyProblem(
                "schema.keyfield", "schema.keyfield cannot be combined with quickstart, which has keys of its own"
            )

    def _schema_problems(self, source: str) -> Iterator[KeyProblem]:
        if not self.kafka_topic:
            text = 'Missing required configuration "kafka.topic" which has no default value.'
            yield KeyProblem("kafka.topic", text)
        try:
            schema = self.blueprint().schema
        except OSError as error:
            yield KeyProblem(source, f"Unable to find the schema file {self.schema_filename}: {error.strerror}")
        except HintError as error:
            yield from (KeyProblem(source, f"{source}: {problem}") for problem in error.problems)
        else:
            if self.schema_keyfield and self.schema_keyfield not in schema.by_name:
                fields = ", ".join(schema.by_name)
                text = f"schema.keyfield: the schema has no field {self.schema_keyfield}, but {fields}"
                yield KeyProblem("schema.keyfield", text)

    @property
    def written_topics(self) -> tuple[str, ...]:
        """One, or those of the quickstart."""
        if self.quickstart:
            return tuple(f"{self.kafka_topic or CROWDFUNDING}.{name}" for name in STREAMS)
        return (self.kafka_topic,)

    def blueprint(self) -> Blueprint:
        """The blueprint of the schema given. Raises HintError, OSError."""
        return blueprint(self.schema_string or Path(self.schema_filename).read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of record."""

    topic: str
    """Where it goes."""
    key_schema: Schema
    """The schema of its keys."""
    value_schema: Schema
    """The schema of its values."""


Invented = tuple[int, Any, Any]
"""A record: the number of its stream, its key and its value."""


@dataclass
class World:
    """Records by number. They are made in blocks, each a function of its number alone; the last one is kept."""

    streams: Sequence[Stream]
    """The kinds of record."""
    size: int
    """How many records a block has."""
    block: Callable[[int], Sequence[Invented]]
    """Makes a block by its number."""
    _kept: tuple[int, Sequence[Invented]] = (-1, ())

    def records(self, start: int, stop: int) -> Sequence[Invented]:
        """The records from number start up to stop."""
        invented: list[Invented] = []
        while start < stop:
            number, within = divmod(start, self.size)
            if self._kept[0] != number:
                self._kept = number, self.block(number)
            piece = self._kept[1][within : within + stop - start]
            invented += piece
            start += len(piece)
        return invented


def world(config: DatagenConfig, seed: int, task: int) -> World:
    """The world that a task's records come from."""
    identity = f"{seed}/{task}"
    if config.quickstart:
        prefix = config.kafka_topic or CROWDFUNDING
        streams = [Stream(f"{prefix}.{name}", STRING, schema) for name, schema in STREAMS.items()]
        return World(streams, SEASON, lambda number: season(_source(identity, number), identity, number))
    plan, field = config.blueprint(), config.schema_keyfield
    make, key_schema = plan.make, plan.schema.by_name[field].schema if field else OPTIONAL_STRING

    def block(number: int) -> list[Invented]:
        random = _source(identity, number)
        values = [make(random, index) for index in range(number * BLOCK_RECORDS, (number + 1) * BLOCK_RECORDS)]
        return [(0, value[field] if field else None, value) for value in values]

    return World([Stream(config.kafka_topic, key_schema, plan.schema)], BLOCK_RECORDS, block)


def _source(identity: str, number: int) -> Random:
    return Random(f"{identity}/{number}")  # noqa: S311


class DatagenConnector(Source[DatagenConfig]):
    """The source and its tasks, each with a world of its own."""

    config_class = DatagenConfig
    classes = ("io.confluent.kafka.connect.datagen.DatagenConnector", "DatagenSource")

    def start(self) -> None:
        """Goes on where the committed offset says, with the seed that it says."""
        self._partition = {TASK: self.context.task}
        offset = self.context.offset(self._partition) or {}
        self._generation = generation = int(offset.get(GENERATION, 0))
        self._same_headers = (Header(GENERATION, generation, INT64), Header(TASK, self.context.task, INT64))
        run = self.context.run
        self._iteration = int(offset.get(ITERATION, 0 if run is None else run.span.first or 0))
        self._limit = self.config.iterations if run is None else run.span.behind or 0
        self._bounded = run is not None or self._limit >= 1
        self._most = MOST_RECORDS_A_POLL if run is None else run.most(MOST_RECORDS_A_POLL)
        self._told = False
        self._seed = int(offset.get(SEED, self._chosen_seed()))
        try:
            self._world = world(self.config, self._seed, self.context.task)
        except (HintError, OSError) as error:
            raise TaskError(f"The schema can no longer be used: {error}") from error
        # A run does not take the time that its records once took; the loop that polls keeps its rate.
        throughput, longest = (self.config.throughput, self.config.max_interval) if run is None else (-1, 0)
        self._timetable = timetable(throughput, longest / 1000, time.monotonic())

    def _chosen_seed(self) -> int:
        seed = self.config.random_seed
        return entropy.SystemRandom().getrandbits(62) if seed is None else seed

    @classmethod
    def history(cls, config: DatagenConfig, raw: Mapping[str, str], wanted: Span) -> Part:
        """By the numbers of records, which each task counts for itself."""
        if wanted.begins is not None or wanted.ends is not None:
            key = "from" if wanted.begins is not None else "to"
            raise ConfigError.for_key(
                key, "invented records have no history in time: give positions, which are numbers from 0"
            )
        if config.random_seed is None:
            text = "random.seed is not set, so the same records cannot be made again: set it to the seed in the offsets"
            raise ConfigError.for_key("random.seed", text)
        limit = config.iterations if config.iterations >= 1 else None
        behind = limit if wanted.behind is None else wanted.behind if limit is None else min(limit, wanted.behind)
        if behind is None:
            raise ConfigError.for_key("positions", "records are invented without end: give positions with an end")
        first = min(wanted.first or 0, behind)
        return Part(Span(first=first, behind=behind, records=(behind - first) * config.tasks_max))

    @classmethod
    def target(cls, config: DatagenConfig, raw: Mapping[str, str]) -> Target:
        """The topic, or all that the built-in world writes."""
        if config.quickstart:
            return topics.target(raw, "kafka.topic", prefixes=[f"{config.kafka_topic or CROWDFUNDING}."])
        return topics.target(raw, "kafka.topic", names=[config.kafka_topic])

    @classmethod
    def task_configs(cls, config: DatagenConfig, raw: Mapping[str, str]) -> list[Mapping[str, str]]:
        """tasks.max copies: each task makes as many records as the config says."""
        return [raw] * config.tasks_max

    @classmethod
    def explain(cls, config: DatagenConfig, context: SourceContext) -> Iterable[Effect]:
        """Its first records, made but not sent. Without random.seed a task chooses another seed."""
        source = cls(config, context)
        source.start()
        first = source._world.records(0, _SHOWN_RECORDS)
        how = "such as " if config.random_seed is None else ""
        for number, key_value, value in first:
            text = json.dumps(value, default=str, ensure_ascii=False)
            yield Effect("record", source._world.streams[number].topic, f"{how}key {key_value}, value {text}")
        yield Effect("offsets", json.dumps({TASK: context.task}), ", ".join((GENERATION, ITERATION, SEED)))

    @classmethod
    def examine(cls, config: DatagenConfig, examination: Examination) -> Iterable[Finding]:
        """There is no system."""
        return [ok("datagen", "its records are invented: there is no other system")]

    @classmethod
    def supports_exactly_once(cls, config: DatagenConfig) -> bool:
        """They do: a record is a function of its number, and that is its offset."""
        return True

    @classmethod
    def alter_offsets(cls, config: DatagenConfig, offsets: Sequence[tuple[Partition | None, Offset | None]]) -> bool:
        """Refuses offsets that name no task or no iteration, or from which no task could start."""
        for partition, offset in offsets:
            if partition is None or not _is_count(partition.get(TASK)):
                raise ConfigError.for_key(
                    TASK, f"Partition objects should contain the key '{TASK}', the number of a task"
                )
            if offset is not None and not _is_count(offset.get(ITERATION)):
                raise ConfigError.for_key(
                    ITERATION, f"Offset objects should either be null or contain the key '{ITERATION}', a number from 0"
                )
            for name, fits in ((GENERATION, _is_count), (SEED, _is_long)):
                if offset is not None and name in offset and not fits(offset[name]):
                    raise ConfigError.for_key(name, f"The value for the '{name}' key in the offset should be a number")
        return True

    def poll(self) -> Sequence[Record]:
        """The next records one by one."""
        return [record for batch in self.poll_batches() for record in batch.records()]

    def poll_batches(self) -> Sequence[Batch]:
        """The records that are due, a batch for each topic; none once all iterations are made."""
        count = self._due()
        start, stop = self._iteration, self._iteration + count
        if not count:
            return []
        self._iteration = stop
        return self._batches(self._world.records(start, stop), start)

    def progress(self, batches: Sequence[Batch]) -> Iterator[tuple[Partition, Offset | None]]:
        """Every record of a poll has the offset of the whole poll, so that none needs to be checked."""
        if batches:
            yield self._partition, self._offset(self._iteration)

    def at_end(self) -> bool:
        """A run is, when the task has made all records of its part."""
        return self._bounded and self._iteration >= self._limit

    def _offset(self, iteration: int) -> Offset:
        return {GENERATION: self._generation + 1, ITERATION: iteration, SEED: self._seed}

    def _due(self) -> int:
        left = min(self._most, self._limit - self._iteration) if self._bounded else self._most
        if left <= 0:
            self._tell_end()
            self.context.stopping(1.0)
            return 0
        wait = self._timetable.wait(time.monotonic())
        if wait > 0 and self.context.stopping(wait):
            return 0
        return self._timetable.due(time.monotonic(), left)

    def _tell_end(self) -> None:
        if not self._told:
            log.info("all %d records of this task have been made", self._limit)
        self._told = True

    def _batches(self, invented: Sequence[Invented], start: int) -> list[Batch]:
        streams, now = self._world.streams, int(time.time() * 1000)
        indices: list[list[int]] = [[] for _ in streams]
        for index, each in enumerate(invented):
            indices[each[0]].append(index)
        origin = self._lazy_records(invented, start, now)
        return [
            self._batch(stream, [invented[index] for index in chosen], chosen, origin, start, now)
            for stream, chosen in zip(streams, indices, strict=True)
            if chosen
        ]

    def _batch(
        self,
        stream: Stream,
        invented: Sequence[Invented],
        indices: Sequence[int],
        origin: LazyRecords,
        start: int,
        now: int,
    ) -> Batch:
        return Batch(
            topic=stream.topic,
            partition=None,
            key=Rows(stream.key_schema, [record[1] for record in invented]),
            value=Rows(stream.value_schema, [record[2] for record in invented]),
            timestamps=[now] * len(invented),
            headers=None if self.config.quickstart else [self._headers(start + index) for index in indices],
            origin=origin,
            positions=indices,
        )

    def _lazy_records(self, invented: Sequence[Invented], start: int, now: int) -> LazyRecords:
        # The records of a poll are spread over topics, so the last record of the last batch need not be the latest:
        # each carries the offset after the whole poll, which is committed with them in one transaction.
        partition, streams, headed = self._partition, self._world.streams, not self.config.quickstart
        offset = self._offset(start + len(invented))

        def build(index: int) -> Record:
            number, key_value, value = invented[index]
            stream = streams[number]
            return Record(
                topic=stream.topic,
                key=key_value,
                key_schema=stream.key_schema,
                value=value,
                value_schema=stream.value_schema,
                timestamp=now,
                headers=self._headers(start + index) if headed else (),
                source_partition=partition,
                source_offset=offset,
            )

        return LazyRecords(len(invented), build)

    def _headers(self, iteration: int) -> Headers:
        return (*self._same_headers, Header(ITERATION, iteration, INT64))


def _is_count(value: Any) -> bool:
    return _is_long(value) and 0 <= value < _LARGEST


def _is_long(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -_LARGEST <= value < _LARGEST
