"""What a sink task commits to its group: what the sink says is durable, as far as it was delivered and is news."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ferryman.api import Committed, Sink
from ferryman.errors import Indeterminate, RetriableError
from ferryman.record import TopicPartition
from ferryman.task.meters.sinks import SinkMeter
from ferryman.task.setup.crash_points import crash_point
from ferryman.task.sink.offset_ledger import OffsetLedger

log = logging.getLogger(__name__)

GroupOffsets = Mapping[TopicPartition, Committed]
"""Offsets for the group, with metadata."""


@dataclass
class Commits:
    """The commits of one session."""

    sink: Sink[Any]
    ledger: OffsetLedger
    commit: Callable[[GroupOffsets], bool]
    """Asks the group and waits for the answer; false if it refused."""
    meter: SinkMeter = field(default_factory=SinkMeter)
    _metadata: dict[TopicPartition, str] = field(default_factory=dict)
    """What the group holds beside the offsets: an offset that changes nothing but this is sent, too."""

    @property
    def plain(self) -> bool:
        """Whether the sink has no part in commits, so that what it took may be committed while it is busy."""
        ours = ("flush", "pre_commit", "committed")
        return all(getattr(type(self.sink), name) is getattr(Sink, name) for name in ours)

    def began(self, metadata: Mapping[TopicPartition, str]) -> None:
        """Partitions were assigned; the group holds this metadata of theirs, empty where it has none."""
        self._metadata |= metadata

    def deliverable(self, within: Sequence[TopicPartition] | None = None) -> dict[TopicPartition, int]:
        """The offsets that the sink is asked about: of all partitions, or of those given."""
        offsets = self.ledger.committable()
        if within is None:
            return dict(offsets)
        return {source: offsets[source] for source in within if source in offsets}

    def durable(self, offsets: Mapping[TopicPartition, int]) -> GroupOffsets:
        """On the sink's thread: what it says may be committed; nothing when it cannot say now."""
        try:
            return self.sink.pre_commit(offsets) or {}
        except Indeterminate:
            raise
        except RetriableError as error:
            log.warning("nothing committed this time: %s", error)
            return {}

    def send(self, wanted: GroupOffsets) -> GroupOffsets | None:
        """On the loop's thread: commits these offsets, as far as they were delivered and are news to the group.

        Returns what the group has accepted, of which the sink is to be told; None if it refused.
        """
        commit = self.ledger.commit({source: each.offset for source, each in wanted.items()})
        news = {
            source: wanted[source]
            for source, offset in commit.offsets.items()
            if self._is_news(source, offset, wanted[source].metadata)
        }
        if not news:
            return {}
        crash_point("sink.before_commit")
        if not self._committed(news):
            return None
        crash_point("sink.after_commit")
        self.ledger.committed(commit)
        self.meter.durable(commit.offsets)
        self.meter.is_active(self.ledger.active())
        self._metadata.update({source: each.metadata for source, each in news.items()})
        return news

    def _committed(self, news: GroupOffsets) -> bool:
        """Whether the group has accepted them."""
        self.meter.commits += 1
        began, accepted = time.monotonic(), False
        try:
            accepted = self.commit(news)
        finally:
            self.meter.task.took(time.monotonic() - began, failed=not accepted)
        (self.meter.completed if accepted else self.meter.skipped).add(1)
        return accepted

    def accepted(self, news: GroupOffsets) -> None:
        """On the sink's thread: tells the sink what the group has accepted."""
        if news:
            self.sink.committed(news)

    def _is_news(self, source: TopicPartition, offset: int, metadata: str) -> bool:
        position = self.ledger.position(source)
        return position is None or position.committed != offset or self._metadata.get(source, "") != metadata
