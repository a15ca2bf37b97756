"""The truth in the bucket: a head for each partition, moved by compare-and-set (``head``). The group gets a hint.

The order of events is in docs/decisions/0022.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ferryman.api import Assigned, Committed
from ferryman.connectors.s3.commit.by_group import ByGroup, again
from ferryman.connectors.s3.commit.head import Found, Head, Heads
from ferryman.connectors.s3.commit.in_parallel import each
from ferryman.connectors.s3.commit.manifest import CommitNote, Completion, Missing, read_commit_note
from ferryman.connectors.s3.commit.partition_files import Offer, PartitionFiles
from ferryman.connectors.s3.commit.truth import (
    Offsets,
    Opened,
    beyond_kafka,
    check_range,
    created_anew,
    in_range,
    killed_between,
)
from ferryman.errors import Indeterminate, TaskError
from ferryman.record import TopicPartition

log = logging.getLogger(__name__)

Reset = Literal["earliest", "latest"]


@dataclass(frozen=True, slots=True)
class ByHead:
    """The partitions of one connector."""

    heads: Heads
    """Where it stands how far each has got."""
    completion: Completion
    """Completes and aborts uploads."""
    former: ByGroup
    """Knows archives that began where the group's metadata was the truth."""
    reset: Reset | None = None
    """Where the config goes on if Kafka no longer has the next record (consumer.override.*)."""
    _found: dict[TopicPartition, Found] = field(default_factory=dict, init=False, repr=False)
    """The head of each partition as this task left it."""

    def open(self, assigned: Assigned) -> Opened:
        """Completes the uploads that the head names. A partition without one gets one."""
        source = assigned.source
        note = None if assigned.committed is None else read_commit_note(assigned.committed.metadata)
        found = self.heads.read(source)
        if found is None or found.head.offset is None:
            return self._begin(assigned, found, note)
        self._found[source] = found
        missing = self._finish(source)
        head = found.head
        if head.topic_id not in (None, assigned.topic_id):
            raise created_anew(assigned, head.topic_id or "")
        start = self._start(assigned, head.offset or 0)
        if missing:
            return self._again(assigned, missing)
        if assigned.committed is not None and assigned.committed.offset != start:
            log.warning(
                "%s: the archive has got to offset %d, the consumer group to %d; the archive is right",
                *(source, start, assigned.committed.offset),
            )
        if (head.topic_id, head.offset) != (assigned.topic_id, start):
            self._move(source, Head(assigned.topic_id, start))
        return Opened(start)

    def _finish(self, source: TopicPartition) -> list[Missing]:
        head = self._found[source].head
        missing = self.completion.finish(head.entries) if head.entries else []
        if head.entries and not missing:
            self._move(source, Head(head.topic_id, head.offset))
        return missing

    def _start(self, assigned: Assigned, offset: int) -> int:
        if in_range(assigned, offset) or self.reset is None:
            check_range(assigned, offset)
            return offset
        chosen = assigned.end if self.reset == "latest" else assigned.beginning
        log.warning(
            "%s: the archive's offset %d is out of range [%d, %d]; auto.offset.reset=%s means %d",
            *(assigned.source, offset, assigned.beginning, assigned.end, self.reset, chosen),
        )
        return chosen

    def _again(self, assigned: Assigned, missing: Sequence[Missing]) -> Opened:
        if (error := beyond_kafka(assigned, missing)) is not None:
            self.give_up(assigned.source)
            raise error
        redo = again(self.completion, missing, self._found[assigned.source].head.offset or 0)
        return Opened(redo.start, redo)

    def _begin(self, assigned: Assigned, reset: Found | None, note: CommitNote | None) -> Opened:
        """A head for a partition that has none, or was reset; what the group's metadata names is finished first."""
        source = assigned.source
        if reset is not None:
            self._found[source] = reset
        if note is not None and note.head is not None:
            if reset is None:
                self._check_moved(assigned, note.topic_id, note.head)
            note = None
        opened, manifest = self.former.recover(assigned, note)
        start = assigned.start if opened.redo is None else opened.redo.end
        if start is None:
            return opened
        entries = () if opened.redo is None else [missing.entry for missing in opened.redo.missing]
        self._move(source, Head(assigned.topic_id, start, entries))
        if manifest is not None:
            self.former.forget(manifest)
        return Opened(start if opened.redo is None else opened.start, opened.redo)

    def _check_moved(self, assigned: Assigned, topic_id: str, head: tuple[str, str]) -> None:
        bucket, key = head
        if topic_id != assigned.topic_id:
            raise created_anew(assigned, topic_id)
        if bucket != self.completion.bucket.name:
            log.warning(
                "%s was archived in the bucket %s before; in this bucket it goes on at the group's offset",
                assigned.source,
                bucket,
            )
            return
        raise TaskError(
            f"How far the archive of {assigned.source} has got is recorded in the object {key}, but there is no object "
            f"{self.heads.key(assigned.source)}. Put it back (or s3.manifest.prefix, if that was changed); or, to go "
            "on from an offset that you choose, stop the connector and alter its offsets"
        )

    def _move(self, source: TopicPartition, head: Head) -> None:
        self._found[source] = self.heads.move(source, head, self._found.get(source))

    def close(self, source: TopicPartition) -> None:
        """Forgets the partition; its head says what holds."""
        self._found.pop(source, None)
        self.former.close(source)

    def offer(self, partitions: Sequence[PartitionFiles], delivered: Offsets) -> Mapping[TopicPartition, Committed]:
        """Moves the heads on, of several partitions at once; gives what they are at."""
        each(self.completion.pool, lambda partition: self._commit(partition, delivered[partition.source]), partitions)
        commits = {}
        for partition in partitions:
            offset = self._found[partition.source].head.offset
            note = CommitNote(partition.topic_id, head=(self.completion.bucket.name, self.heads.key(partition.source)))
            if offset is not None and offset <= delivered[partition.source]:
                commits[partition.source] = Committed(offset, note.text())
        return commits

    def _commit(self, partition: PartitionFiles, delivered: int) -> None:
        offer = partition.drafted_offer(delivered)
        if offer is None:
            end = partition.offset_without_objects(delivered)
            if end is not None and end > (self._found[partition.source].head.offset or 0):
                self._move(partition.source, Head(partition.topic_id, end))
        elif not offer.accepted:
            self._make(partition, offer)

    def _make(self, partition: PartitionFiles, offer: Offer) -> None:
        self.completion.crash_point("s3.before_head")
        head = Head(partition.topic_id, offer.end, offer.entries, id=offer.id)
        offer.saved = True
        try:
            self._move(partition.source, head)
        except Indeterminate:
            partition.drop_offer()
            raise
        offer.accepted = True
        self.completion.crash_point("s3.after_head")

    def on_group_committed(self, partition: PartitionFiles, commit: Committed) -> None:
        """Nothing follows from it."""

    def on_completed(self, partition: PartitionFiles) -> None:
        """Moves the head to the same offset without anything to complete."""
        head = self._found[partition.source].head
        self._move(partition.source, Head(head.topic_id, head.offset))
        self.completion.crash_point("s3.after_head_done")

    def give_up(self, source: TopicPartition) -> None:
        """Notes it in the head."""
        head = self._found[source].head
        self._move(source, Head(head.topic_id, head.offset, head.entries, lost=True))

    def alter(self, connector: str, offsets: Mapping[TopicPartition, int | None]) -> None:
        """Moves the heads that there are, if none has objects to complete."""
        found = {source: self.heads.read(source) for source in offsets}
        self.former.check_finished(connector, {source: None for source, head in found.items() if head is None})
        there = {source: head for source, head in found.items() if head is not None}
        for source, former in there.items():
            if former.head.entries and not former.head.lost:
                raise killed_between(connector, self.heads.key(source))
        for source, former in there.items():
            self.heads.move(source, Head(None, offsets[source]), former)
