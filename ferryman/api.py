"""What a plugin author imports: sinks, sources, transforms and predicates, each a config class and few methods.

A sink implements ``put``, a source ``poll``; the rest of Kafka Connect's lifecycle is there for whom it helps. Plugins
see single records; one that wants speed takes whole batches instead.
"""

from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, Literal, TypeVar

from ferryman.config import Config
from ferryman.connector import ConnectorConfig, SinkConfig, SourceConfig
from ferryman.context import Assigned as Assigned
from ferryman.context import Bad as Bad
from ferryman.context import Committed as Committed
from ferryman.context import ConnectorContext as ConnectorContext
from ferryman.context import Reached as Reached
from ferryman.context import Report as Report
from ferryman.context import SinkContext as SinkContext
from ferryman.context import SourceContext as SourceContext
from ferryman.context import TaskContext as TaskContext
from ferryman.context import TransactionContext as TransactionContext
from ferryman.effects import Effect
from ferryman.errors import ConfigError, DataError
from ferryman.findings import Examination as Examination
from ferryman.findings import Finding as Finding
from ferryman.record import Batch, Polled, Record, TopicPartition, batches, in_order
from ferryman.record import Offset as Offset
from ferryman.record import Partition as Partition
from ferryman.runs.harm import Again, ByVersion, RunIntoLive, Target
from ferryman.runs.span import Part as Part
from ferryman.runs.span import Span as Span


class BadRecords(DataError):
    """These of the records that a put was given are bad; all others may be good. For ``atomic`` sinks that know which:
    errors.tolerance applies to the bad ones, and the others come again, together."""

    def __init__(self, found: Sequence[Bad]) -> None:
        batch, index, error = found[0]
        super().__init__(
            f"{len(found)} of the records cannot be accepted; {batch.source}@{batch.offsets[index]}: {error}"
        )
        self.found = found
        """The batch, the record's index in it, and what is wrong."""


SinkC = TypeVar("SinkC", bound=SinkConfig)
SourceC = TypeVar("SourceC", bound=SourceConfig)
StepC = TypeVar("StepC", bound=Config)
ConnectorC = TypeVar("ConnectorC", bound=ConnectorConfig)


class Connector(Generic[ConnectorC]):
    """A connector as an object that runs beside its tasks: for sinks and sources that name its class as ``connector``.

    It has a process of its own on the worker that owns the connector, from start or RESUME to PAUSE, STOP, another
    config, or the end. One thread makes all calls. An exception from any of them fails the connector; it is started
    again later, unless the error is a ConfigError or TaskError, which need somebody to act.
    """

    def __init__(self, config: ConnectorC, context: ConnectorContext) -> None:
        self.config = config
        self.context = context

    def start(self) -> None:
        """Called once, before anything else. What watches for changes begins here, on a thread of the connector's."""

    @abstractmethod
    def task_configs(self) -> Sequence[Mapping[str, str]]:
        """The configs of the tasks, at most ``tasks.max``; usually ``self.context.raw`` and a few keys more. Called
        after start, and whenever it was asked for."""

    def stop(self) -> None:
        """Called once, after everything else, even when start failed."""


class Sink(Generic[SinkC]):
    """A sink connector and its task. ``put`` (or ``put_batch``) takes records; everything else is optional.

    Raise RetriableError for another system's failure: the same records come again after a back-off. Raise DataError for
    a record's own fault, from an ``atomic`` sink only: the batch is narrowed down to the guilty records, unless
    BadRecords names them. Anything else fails the task.
    """

    config_class: ClassVar[type[SinkConfig]] = SinkConfig
    classes: ClassVar[tuple[str, ...]] = ()
    """The Java class names whose configs this connector takes, the most usual first."""
    task_classes: ClassVar[tuple[str, ...]] = ()
    """What their tasks are called, in the same order; without it Task stands in place of Connector."""
    connector: ClassVar[type[Connector[Any]] | None] = None
    """The connector as an object that runs, for one that watches something; then its own ``task_configs`` is called."""
    atomic: ClassVar[bool] = False
    """Whether a put that raised has written nothing, so that the same records may be tried again in smaller pieces."""
    truth: ClassVar[str] = "the group's offsets"
    """Where it stands how far the sink has got, for ``ferryman explain``."""
    columnar: ClassVar[bool] = False
    """Whether ``put_batch`` takes columns as they are; other sinks get rows."""
    takes_maps: ClassVar[bool] = False
    """Whether ``put_batch`` takes Maps, columns of what has no schema, as they are; other sinks get rows for them."""
    keeps_back: ClassVar[bool] = False
    """Whether what was put is durable only when its offset is committed, since it is kept back until then. So it is for
    all sinks that have a ``flush``."""
    any_order: ClassVar[bool] = False
    """Whether ``put_batches`` takes all records of one schema as one batch, whatever lies between them, and puts them
    in order by their positions where that matters. Other sinks get them in the order of their offsets, cut wherever a
    schema changes."""
    shares: ClassVar[bool] = True
    """Whether another connector may write to its target at the same time, without either waiting for the other or
    undoing what it has written. Only then are dead letters replayed into that target."""
    fetch_min_bytes: ClassVar[int] = 1
    """How many bytes the broker waits for, half a second at most, unless consumer.override.fetch.min.bytes says
    otherwise. More for a sink whose work shows only later: few large fetches and puts cost less than many small."""

    def __init__(self, config: SinkC, context: SinkContext) -> None:
        self.config = config
        self.context = context

    @classmethod
    def task_configs(cls, config: SinkC, raw: Mapping[str, str]) -> list[Mapping[str, str]]:
        """The configs of the tasks; by default tasks.max copies."""
        return [raw] * config.tasks_max

    @classmethod
    def target(cls, config: SinkC, raw: Mapping[str, str], topics: Collection[str]) -> Target:
        """Where records of these topics go, for ``ferryman backfill``. Unknown places count as those of all others."""
        return Target(None)

    @classmethod
    def again(cls, config: SinkC, raw: Mapping[str, str]) -> Again:
        """What a second time does to a target. ``older`` promises to obey ``ferryman.run.fold``; ConfigError if it
        cannot."""
        return "twice"

    @classmethod
    def by_version(cls, config: SinkC, raw: Mapping[str, str], field: str) -> ByVersion:
        """What a run does that is to compare records with what the target has, by this field of their values. A sink
        that has this obeys ``ferryman.run.version.field``; ConfigError if it cannot."""
        name = config.connector_class.rpartition(".")[2]
        raise ConfigError.for_key("version_field", f"{name} compares no versions: leave out version_field")

    @classmethod
    def check_run(cls, config: SinkC, context: TaskContext, run: RunIntoLive) -> None:
        """Looks, before a run into its live connector's target is made, whether it may go on there. Raises UnsafeRun
        with what its tasks would fail with; nothing where the target does not answer."""

    @classmethod
    def reached(cls, config: SinkC, context: TaskContext, connector: str) -> Reached | None:
        """How far another connector with such a config is, for a sink that keeps this together with its data: a run
        gives way to its live connector by it. None where only the group knows. It is asked from a thread of its own."""
        return None

    @classmethod
    def needs_classic_group(cls, config: SinkC) -> str | None:
        """Why group.protocol=consumer is refused, if it is: the sink's truth is in the metadata of commits."""
        return None

    @classmethod
    def explain(cls, config: SinkC, context: SinkContext, batches: Sequence[Batch]) -> Iterable[Effect] | None:
        """What the sink would do with these records, for ``ferryman explain``; None if it does not say. It does none of
        it, always waits with a timeout, and may raise what a put would."""
        return None

    @classmethod
    def examine(cls, config: SinkC, examination: Examination) -> Iterable[Finding]:
        """Looks at the system that the config names, for ``ferryman doctor``: whether it is there, lets us in, and does
        what delivery rests on. Each finding is told as it is yielded; what is written meanwhile is taken away again."""
        return ()

    @classmethod
    def alter_offsets(cls, config: SinkC, context: SinkContext, offsets: Mapping[TopicPartition, int | None]) -> bool:
        """Moves (None: forgets) the positions that the sink itself keeps. True if they are altered everywhere."""
        return True

    def start(self) -> None:
        """Called once, before anything else."""

    def stop(self) -> None:
        """Called once, after everything else, even when start failed."""

    def open(self, partitions: Sequence[Assigned]) -> Mapping[TopicPartition, int]:
        """The task now owns these partitions. Returns where to start, for those partitions where the sink knows better
        than the group; None is as good as nowhere."""
        return {}

    def close(self, partitions: Sequence[TopicPartition]) -> None:
        """The task no longer owns these partitions; their last commit has been tried."""

    def put(self, records: Sequence[Record]) -> None:
        """Takes records, from any of the task's partitions."""
        raise NotImplementedError(f"{type(self).__name__} implements none of put, put_batch and put_batches")

    def put_batch(self, batch: Batch) -> None:
        """Takes a batch of one partition; for sinks that work on whole batches or on columns."""
        self.put(list(batch.records()))

    def put_batches(self, batches: Sequence[Batch]) -> int:
        """Takes the first of what was polled together, or more of it at once, and returns how many.

        Sinks of single records get all of it with one put. Whatever is raised, none was taken.
        """
        if type(self).put_batch is Sink.put_batch:
            self.put([record for batch in batches for record in batch.records()])
            return len(batches)
        self.put_batch(batches[0])
        return 1

    def flush(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Makes everything put so far durable; called before offsets are committed."""

    def end(self) -> None:
        """All was put, and no more comes (in runs): the next commit closes what is open only for more to come."""

    def pre_commit(self, offsets: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, Committed]:
        """What to commit, given the next offset of each partition after everything put; may be less, or none."""
        self.flush(offsets)
        return {source: Committed(offset) for source, offset in offsets.items()}

    def committed(self, offsets: Mapping[TopicPartition, Committed]) -> None:
        """The group has accepted these offsets."""


class Source(Generic[SourceC]):
    """A source connector and its task. ``poll`` returns records; everything else is optional.

    Records and their source offsets are committed in one Kafka transaction a poll, unless the worker does without them;
    then the offsets of a poll follow when all of its records are there. Raise RetriableError for another system's
    failure: poll is called again after a back-off.
    """

    config_class: ClassVar[type[SourceConfig]] = SourceConfig
    classes: ClassVar[tuple[str, ...]] = ()
    task_classes: ClassVar[tuple[str, ...]] = ()
    connector: ClassVar[type[Connector[Any]] | None] = None
    columnar: ClassVar[bool] = False
    """Whether ``poll_batches`` hands over columns; what others hand over is worked on as rows."""

    def __init__(self, config: SourceC, context: SourceContext) -> None:
        self.config = config
        self.context = context

    @classmethod
    def task_configs(cls, config: SourceC, raw: Mapping[str, str]) -> list[Mapping[str, str]]:
        """The configs of the tasks; by default a single one."""
        return [raw]

    @classmethod
    def alter_offsets(cls, config: SourceC, offsets: Sequence[tuple[Partition | None, Offset | None]]) -> bool:
        """Refuses offsets that this source could not start from, by ConfigError. True if it keeps none elsewhere."""
        return True

    @classmethod
    def explain(cls, config: SourceC, context: SourceContext) -> Iterable[Effect] | None:
        """What the first task would ask for first if nothing had ever been committed, for ``ferryman explain``; None if
        the source does not say. It contacts no other system."""
        return None

    @classmethod
    def supports_exactly_once(cls, config: SourceC) -> bool | None:
        """Whether each record arrives once with this config: it does if the source goes on exactly where its offset
        says. None if it does not say, and then exactly.once.support=required is refused."""
        return None

    @classmethod
    def ends_transactions(cls, config: SourceC) -> bool:
        """Whether the source can end transactions itself with this config (transaction.boundary=connector), by
        ``self.context.transaction``."""
        return False

    @classmethod
    def examine(cls, config: SourceC, examination: Examination) -> Iterable[Finding]:
        """Looks at the system that the config names, for ``ferryman doctor``: whether it is there, lets us in, and does
        what delivery rests on. Each finding is told as it is yielded; what is written meanwhile is taken away again."""
        return ()

    @classmethod
    def history(cls, config: SourceC, raw: Mapping[str, str], wanted: Span) -> Part:
        """Where to find again a part of what the source has handed over, or could have, for ``ferryman backfill``: with
        bounds that do not move. A source that implements this promises to obey ``self.context.run``, and to implement
        ``at_end``. ConfigError for a part that there is not, naming from, to or positions; it may block for a while."""
        raise ConfigError.for_key("connector.class", f"{cls.__name__} keeps no history that could be run again")

    @classmethod
    def target(cls, config: SourceC, raw: Mapping[str, str]) -> Target:
        """Where the records go, for ``ferryman backfill``; see ``ferryman.runs.topics``. Unknown places count as those
        of all others."""
        return Target(None)

    @classmethod
    def ends(cls, config: SourceC) -> bool:
        """Whether the source comes to an end by itself with this config, and then says ``at_end``; it is STOPPED when
        all of its tasks have."""
        return False

    def start(self) -> None:
        """Called once, before anything else; ``self.context.offset`` says where to go on."""

    def stop(self) -> None:
        """Called once, after everything else, even when start failed."""

    def poll(self) -> Sequence[Record]:
        """The next records, returned or yielded; waits a little when there are none. None is as good as no record."""
        raise NotImplementedError(f"{type(self).__name__} implements neither poll nor poll_batches")

    def poll_batches(self) -> Sequence[Batch]:
        """The next records as batches; for sources that make many records at once."""
        records = list(self.poll() or ())
        return batches(records, records, range(len(records)))

    def progress(self, batches: Sequence[Batch]) -> Iterator[tuple[Partition, Offset | None]]:
        """How far the source has got with these batches: source partitions and offsets, the latest first.

        Of each partition the first one counts. Records that a transform drops are included: they need no second look.
        """
        previous: Partition | None = None
        for batch in reversed(in_order(batches)):
            assert not isinstance(batch.origin, Polled)
            for position in reversed(batch.positions):
                record = batch.origin[position]
                if record.source_partition is not None and record.source_partition is not previous:
                    previous = record.source_partition
                    yield previous, record.source_offset

    def at_end(self) -> bool:
        """Whether this task has handed over everything there is, and no more will come; asked after each poll of a
        source that comes to an end. An open transaction is committed then."""
        return False

    def committed(self) -> None:
        """All records that were handed over are in Kafka, and their offsets."""


class Transform(Generic[StepC]):
    """One step of a chain: changes records one by one, or drops them by returning None.

    A ``sided`` transform is named ``…$Key`` or ``…$Value`` in configs and changes that side of a record only.
    """

    config_class: ClassVar[type[Config]] = Config
    classes: ClassVar[tuple[str, ...]] = ()
    sided: ClassVar[bool] = False
    any_order: ClassVar[bool] = False
    """Whether records may come in another order than that of their offsets: all of one schema first, then the next."""
    takes_maps: ClassVar[bool] = False
    """Whether a step that takes columns also takes Maps, those of what has no schema."""

    def __init__(self, config: StepC, side: Literal["key", "value"] = "value") -> None:
        self.config = config
        self.side = side

    def rows_reason(self) -> str | None:
        """Why the step needs its batches as rows; None when it also takes columns."""
        return f"{type(self).__name__} works on single records"

    @abstractmethod
    def apply(self, record: Record) -> Record | None:
        """The record changed, itself, or None to drop it. Raises DataError if it cannot be transformed."""

    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        """A whole batch; every record of it or none when one raises.

        The result is one batch for each topic, partition and pair of schemas; records keep their positions.
        """
        changed, positions = [], []
        for record, position in zip(batch.records(), batch.positions, strict=True):
            result = self.apply(record)
            if result is not None:
                changed.append(result)
                positions.append(position)
        return batches(changed, batch.origin, positions)


class Predicate(Generic[StepC]):
    """Decides for each record whether a transform applies to it, by that record alone."""

    config_class: ClassVar[type[Config]] = Config
    classes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, config: StepC) -> None:
        self.config = config

    @abstractmethod
    def test(self, record: Record) -> bool:
        """Whether the predicate holds for the record."""

    def test_batch(self, batch: Batch) -> Sequence[bool]:
        """The same for each record of a batch."""
        return [self.test(record) for record in batch.records()]
