"""What sinks, sources and connectors are told about where they run, and what they can ask for there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ferryman.record import Batch, Offset, Partition, Record, TopicPartition
from ferryman.runs.span import SourceRun


@dataclass(frozen=True, slots=True)
class Committed:
    """An offset as the group commits it."""

    offset: int
    """The next record to read."""
    metadata: str = ""
    """The sink's own, up to 4,096 bytes; the group gives it back when the partition is assigned again."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """A partition that a sink task now owns."""

    source: TopicPartition
    topic_id: str
    """Tells a re-created topic from the old one of that name."""
    committed: Committed | None
    """What the group holds for it; None if nothing was ever committed."""
    beginning: int
    """The offset of the oldest record that is still there; 0 of a run, which passes over what no longer is."""
    end: int
    """The offset after the newest record."""
    start: int | None = None
    """Where reading begins unless the sink says otherwise: the group's offset, or, if there is none or it is out of
    range, the end of the topic that auto.offset.reset names; None if that should be an error."""


Report = Callable[[Batch, int, Exception], None]
Bad = tuple[Batch, int, Exception]
"""A record, as its batch and its index there, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class TaskContext:
    """What sinks and sources are told about the task that they are part of."""

    connector: str
    task: int
    """The task's number, from 0."""
    cluster: str
    """The Kafka cluster's id."""
    raw: Mapping[str, str] = field(repr=False)
    """The task's config as strings, references resolved."""
    crash_point: Callable[[str], None] = field(default=lambda name: None, repr=False)
    """Marks a durable step by name; there a test may have the process killed."""


class History(Protocol):
    """Records of the task's partitions, read again beside the group by the same converters and transforms. What these
    cannot take is left out."""

    def begin(self, source: TopicPartition, offset: int) -> None:
        """A partition is to be read from an offset on."""

    def end(self, source: TopicPartition) -> None:
        """The task no longer owns it."""

    def read(
        self, wanted: Mapping[TopicPartition, int], until: float
    ) -> Sequence[tuple[TopicPartition, Sequence[Batch], int]]:
        """What follows of these partitions, none of it at or behind the offset that is wanted, with the next offset to
        be read. Waits for it until a moment of ``time.monotonic``, and may return nothing."""


class Reached(Protocol):
    """How far a connector has got, as recorded beside its data."""

    def offsets(self) -> Mapping[TopicPartition, int]:
        """Its next offsets; none for partitions that it has not written. Raises RetriableError and others if they
        cannot be read."""

    def close(self) -> None:
        """Lets everything go."""


@dataclass(frozen=True, slots=True)
class SinkContext(TaskContext):
    """What a sink is given beside its config: where it reports records that it alone could find guilty, and ways to
    commit early."""

    report: Report = field(kw_only=True, repr=False)
    """The errant-record reporter (KIP-610): record ``index`` of a batch is dead-lettered, or fails the task."""
    report_all: Callable[[Sequence[Bad]], None] = field(kw_only=True, repr=False)
    """The same for several records, whose dead letters are waited for together."""
    request_commit: Callable[[], None] = field(kw_only=True, repr=False)
    """Asks the loop to run its usual commit soon."""
    commit: Callable[[Mapping[TopicPartition, Committed]], None] = field(kw_only=True, repr=False)
    """Commits these offsets and metadata now and waits for the broker's answer, for sinks that must record something in
    the group before they write; allowed in ``open`` and in put. Raises Indeterminate when there is no answer."""
    in_doubt: Callable[[int], None] = field(kw_only=True, default=lambda count: None, repr=False)
    """Reports, as a metric, how many messages are in doubt."""
    leased: Callable[[], bool] = field(kw_only=True, default=lambda: True, repr=False)
    """Whether the task is still this worker's, as far as it knows. A put that does its work in many steps which nothing
    can take back looks before each, and raises Unfinished when it is not: the rest comes again."""
    history: History | None = field(kw_only=True, default=None, repr=False)
    """The records of the partitions once more; in runs only."""
    group_protocol: Literal["classic", "consumer"] = field(kw_only=True, default="classic")
    """The protocol of the sink's group. With ``consumer`` (KIP-848) offsets that a member commits late may replace
    those of its successor, metadata included, so nothing may rely on them."""


class TransactionContext(Protocol):
    """How a source ends transactions itself (KIP-618). A transaction goes on over polls until it is ended here; what is
    open when the task ends is aborted. Asked for both at once, the task fails."""

    def commit(self) -> None:
        """Commits the transaction at the end of this poll."""

    def commit_after(self, record: Record) -> None:
        """Commits it behind a record that this poll or a later one returns, also if a transform drops it."""

    def abort(self) -> None:
        """Takes back what the transaction holds at the end of this poll. Its offsets are committed nevertheless: the
        records do not come again."""

    def abort_after(self, record: Record) -> None:
        """Aborts it behind a record that this poll or a later one returns, as ``commit_after``."""


@dataclass(frozen=True, slots=True)
class SourceContext(TaskContext):
    """What a source is given beside its config."""

    offset: Callable[[Partition], Offset | None] = field(kw_only=True, repr=False)
    """The offset that was committed for a partition; None if none was."""
    stopping: Callable[[float], bool] = field(kw_only=True, repr=False)
    """Waits up to so many seconds; true at once when the task is asked to stop. For waits inside poll."""
    transaction: TransactionContext | None = field(kw_only=True, default=None, repr=False)
    """Ends transactions, with transaction.boundary=connector; None otherwise, and on a worker without transactions."""
    run: SourceRun | None = field(kw_only=True, default=None)
    """The part of the source's history that this run hands over; None for a source that is not a run."""


@dataclass(frozen=True, slots=True)
class ConnectorContext:
    """What a connector is given beside its config. All of it may be used from any thread of its process."""

    connector: str
    raw: Mapping[str, str] = field(repr=False)
    """The connector's config as it was posted. References to config providers stay references, also in the tasks'
    configs that are made from it: they are resolved when a task starts."""
    request_task_reconfiguration: Callable[[], None] = field(kw_only=True, repr=False)
    """Has ``task_configs`` called again soon. Several requests may be met by one call."""
    raise_error: Callable[[Exception], None] = field(kw_only=True, repr=False)
    """The connector cannot go on: it has failed with this error, and is stopped. Its tasks go on."""
    stopping: Callable[[float], bool] = field(kw_only=True, repr=False)
    """Waits up to so many seconds; true at once when the connector is to stop, or has failed."""
    offsets: Callable[[Sequence[Partition]], list[Offset | None]] = field(kw_only=True, repr=False)
    """The offsets that are committed now for partitions of a source; None where none is. Each call asks the
    worker for all that the connector has. Raises RetriableError if it cannot be read, TaskError for a sink."""
