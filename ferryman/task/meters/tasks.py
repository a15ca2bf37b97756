"""What sinks and sources count alike: batches, commits, bad records, dead letters, how long things take."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ferryman.metrics import ours
from ferryman.metrics.histogram import Histogram
from ferryman.metrics.windows import Recent, Sampling
from ferryman.task.meters.state_clock import StateClock


@dataclass(slots=True)
class Errors:
    """The bad records of a task (Kafka Connect's ErrorHandlingMetrics)."""

    failures: int = 0
    errors: int = 0
    logged: int = 0
    sent: int = 0
    """Dead letters."""
    unsent: int = 0
    """Dead letters that the broker did not accept."""
    last: float = 0.0
    """When the last failure was, in seconds since 1970."""
    skipped: Counter[str] = field(default_factory=Counter)
    """By stage."""
    letters: Counter[str] = field(default_factory=Counter)
    """Dead letters that the broker has, by stage."""

    def failed(self, count: int) -> None:
        """So many records have failed."""
        self.failures += count
        self.last = time.time()


@dataclass(slots=True)
class TaskMeter:
    """One task, for as long as its process lives."""

    sampling: Sampling = field(default_factory=Sampling)
    state: StateClock = field(default_factory=StateClock)
    errors: Errors = field(default_factory=Errors)
    batch: Recent = field(init=False)
    batches: Histogram = field(default_factory=lambda: Histogram(ours.SIZES))
    commit: Recent = field(init=False)
    """Milliseconds."""
    commits: Histogram = field(default_factory=lambda: Histogram(ours.SECONDS))
    committed: Recent = field(init=False)
    """1 for a commit that went well, 0 for another."""
    latency: Histogram = field(default_factory=lambda: Histogram(ours.SECONDS))
    in_doubt: int = 0

    def __post_init__(self) -> None:
        self.batch, self.commit, self.committed = (Recent(self.sampling) for _ in range(3))

    def doubts(self, count: int) -> None:
        """This many messages are in doubt."""
        self.in_doubt = count

    def batch_of(self, records: int) -> None:
        """So many records were handed over at once."""
        self.batch.record(records)
        self.batches.observe(records)

    @contextmanager
    def committing(self) -> Iterator[None]:
        """While this lasts, offsets are committed; it has failed if it raises."""
        began = time.monotonic()
        try:
            yield
        except BaseException:
            self.took(time.monotonic() - began, failed=True)
            raise
        self.took(time.monotonic() - began)

    def took(self, seconds: float, *, failed: bool = False) -> None:
        """A commit took this long; ``failed`` says that it was not made, or only partly, or that this is unknown."""
        self.committed.record(not failed)
        if not failed:
            self.commit.record(1000 * seconds)
            self.commits.observe(seconds)
