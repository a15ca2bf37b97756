"""All that one task counts, as samples under the names that ``ferryman.metrics`` declares."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ferryman.chain.chain import Chain
from ferryman.metrics import connect, ours
from ferryman.metrics.exposition import Sample
from ferryman.metrics.family import Family, Value
from ferryman.metrics.histogram import Histogram
from ferryman.metrics.registry import FAMILIES, OF_ATTRIBUTE
from ferryman.retry.outage import Outage
from ferryman.task.meters.client_statistics import ClientStatistics
from ferryman.task.meters.sinks import SinkMeter
from ferryman.task.meters.sources import SourceMeter
from ferryman.task.meters.tasks import TaskMeter
from ferryman.telemetry.process_usage import CollectorTime, Usage
from ferryman.telemetry.redaction import redact

MOST_STEPS = 100
"""Series of one task about steps and reasons: data of many kinds could give a reason of its own for each."""
LONGEST_REASON = 200
"""Characters of a reason."""
OTHERS = "others"
_FADING = ("-rate", "-avg", "-max", "-min", "-time-ms", "-ratio", "-percentage")
"""How figures over a time end. They change while it passes; what began it changes a total or a count as well."""


def _passes(family: Family) -> bool:
    """Whether it changes while a task does nothing."""
    if family.attribute is None:
        return family in (ours.MEMORY, ours.CPU, ours.TASK_THREADS, ours.TASK_GC)
    return family.attribute.domain != connect.DOMAIN or family.attribute.name.endswith(_FADING)


BACKGROUND = frozenset(family.name for family in FAMILIES.values() if _passes(family))
"""Families that change while a task does nothing: of its process, of clients that keep up their connections, and
figures over a time."""


class Lives(Protocol):
    """Whether a client is there."""

    @property
    def living(self) -> bool:
        """Now."""


@dataclass(slots=True)
class Meters:
    """What one task's process counts."""

    connector: str
    number: int
    kind: str
    """sink or source."""
    partitions: bool = False
    """Whether the lag is reported by partition too."""
    task: TaskMeter = field(default_factory=TaskMeter)
    clients: ClientStatistics = field(default_factory=ClientStatistics)
    admin: tuple[str, Lives] | None = None
    """The admin client, under its id."""
    outage: Callable[[], Outage | None] = lambda: None
    retries: Callable[[], int] = lambda: 0
    parked: Callable[[], bool] = lambda: False
    chain: Chain | None = None
    plugins: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    """Classes and versions: group, attribute, and a step's alias or nothing, to the text."""
    collector: CollectorTime = field(default_factory=CollectorTime)
    usage: Usage = field(default_factory=Usage)
    sink: SinkMeter = field(init=False)
    source: SourceMeter = field(init=False)

    def __post_init__(self) -> None:
        self.sink, self.source = SinkMeter(self.task), SourceMeter(self.task)

    @property
    def key(self) -> tuple[str, str]:
        """The labels of all that is the task's."""
        return self.connector, str(self.number)

    def samples(self) -> Iterator[Sample]:
        """All of them, as they are now; from any thread."""
        own, key = self._sink() if self.kind == "sink" else self._source(), self.key
        for family, value in (*own, *self._task(), *self._errors(), *self._ours()):
            yield family, key, value
        yield from self._texts()
        yield from self._by_stage()
        yield from self._steps()
        yield from self.clients.samples()
        if self.admin is not None:
            client, admin = self.admin
            yield OF_ATTRIBUTE["admin-client-metrics", "connection-count"], (client,), int(admin.living)

    def _sink(self) -> Iterator[tuple[Family, Value | Histogram]]:
        sink = self.sink
        figures: Mapping[str, Value] = {
            "sink-record-read-rate": sink.read.rate,
            "sink-record-read-total": sink.read.total,
            "sink-record-send-rate": sink.sent.rate,
            "sink-record-send-total": sink.sent.total,
            "partition-count": sink.partitions,
            "offset-commit-seq-no": sink.commits,
            "offset-commit-completion-rate": sink.completed.rate,
            "offset-commit-completion-total": sink.completed.total,
            "offset-commit-skip-rate": sink.skipped.rate,
            "offset-commit-skip-total": sink.skipped.total,
            "put-batch-max-time-ms": sink.put.most,
            "put-batch-avg-time-ms": sink.put.mean,
            "sink-record-active-count": sink.active,
            "sink-record-active-count-max": sink.activity.most,
            "sink-record-active-count-avg": sink.activity.mean,
        }
        yield from ((OF_ATTRIBUTE["sink-task-metrics", name], value) for name, value in figures.items())
        yield ours.LAG, sink.lag.total
        yield ours.LAG_MAX, sink.lag.most
        yield ours.OLDEST, self._oldest()
        yield ours.DELIVERY, self.task.latency

    def _oldest(self) -> float:
        oldest = self.sink.oldest
        return self.sink.lag.seconds if oldest is None else max(0.0, time.time() - oldest / 1000)

    def _source(self) -> Iterator[tuple[Family, Value | Histogram]]:
        source = self.source
        figures: Mapping[str, Value] = {
            "source-record-poll-rate": source.polled.rate,
            "source-record-poll-total": source.polled.total,
            "source-record-write-rate": source.written.rate,
            "source-record-write-total": source.written.total,
            "poll-batch-max-time-ms": source.poll.most,
            "poll-batch-avg-time-ms": source.poll.mean,
            "source-record-active-count": source.active,
            "source-record-active-count-max": source.activity.most,
            "source-record-active-count-avg": source.activity.mean,
            "transaction-size-min": source.transaction.least,
            "transaction-size-max": source.transaction.most,
            "transaction-size-avg": source.transaction.mean,
        }
        yield from ((OF_ATTRIBUTE["source-task-metrics", name], value) for name, value in figures.items())
        yield ours.SOURCE_DELIVERY, self.task.latency

    def _task(self) -> Iterator[tuple[Family, Value | Histogram]]:
        task, committed = self.task, self.task.committed
        figures: Mapping[str, Value] = {
            "running-ratio": task.state.part("running"),
            "pause-ratio": task.state.part("paused"),
            "offset-commit-max-time-ms": task.commit.most,
            "offset-commit-avg-time-ms": task.commit.mean,
            "batch-size-max": task.batch.most,
            "batch-size-avg": task.batch.mean,
            "offset-commit-failure-percentage": committed.others,
            "offset-commit-success-percentage": committed.share,
        }
        yield from ((OF_ATTRIBUTE["connector-task-metrics", name], value) for name, value in figures.items())
        yield ours.BATCH, task.batches
        yield ours.COMMIT, task.commits

    def _errors(self) -> Iterator[tuple[Family, Value]]:
        errors = self.task.errors
        figures: Mapping[str, Value] = {
            "total-record-failures": errors.failures,
            "total-record-errors": errors.errors,
            "total-records-skipped": sum(errors.skipped.values()),
            "total-retries": self.retries(),
            "total-errors-logged": errors.logged,
            "deadletterqueue-produce-requests": errors.sent,
            "deadletterqueue-produce-failures": errors.unsent,
            "last-error-timestamp": int(errors.last * 1000),
        }
        return ((OF_ATTRIBUTE["task-error-metrics", name], value) for name, value in figures.items())

    def _ours(self) -> Iterator[tuple[Family, Value]]:
        outage = self.outage()
        since = None if outage is None else outage.since
        yield ours.IN_DOUBT, self.task.in_doubt
        yield ours.BACKING_OFF, int(since is not None)
        yield ours.TRIES, 0 if outage is None else outage.tries
        yield ours.SINCE, 0.0 if since is None else time.monotonic() - since
        yield ours.PARKED, int(self.parked())
        used = self.usage.look()
        yield ours.MEMORY, used.memory
        yield ours.CPU, used.cpu
        yield ours.TASK_THREADS, used.threads
        yield ours.TASK_GC, round(self.collector.seconds, 3)

    def _texts(self) -> Iterator[Sample]:
        for (group, attribute, alias), text in self.plugins.items():
            yield OF_ATTRIBUTE[group, attribute], (*self.key, *([alias] if alias else []), text), 1

    def _by_stage(self) -> Iterator[Sample]:
        for family, counts in ((ours.SKIPPED, self.task.errors.skipped), (ours.LETTERS, self.task.errors.letters)):
            for stage, count in counts.copy().items():
                yield family, (*self.key, stage), count
        if self.partitions:
            for source, lag in self.sink.lag.of.items():
                yield ours.LAG_OF, (*self.key, redact(source.topic), str(source.partition)), lag

    def _steps(self) -> Iterator[Sample]:
        if self.chain is None:
            return
        for side, forms in (("key", self.chain.key_forms), ("value", self.chain.value_forms)):
            found: dict[tuple[str, str, str], int] = {}
            for planned, count in forms.counts.copy().items():
                reason = redact(planned.reason or "")[:LONGEST_REASON]
                step = (planned.name, planned.form, reason)
                if step not in found and len(found) >= MOST_STEPS:
                    step = (OTHERS, planned.form, OTHERS)
                found[step] = found.get(step, 0) + count
            for (name, form, reason), count in found.items():
                yield ours.FORMS, (*self.key, side, name, form, reason), count
