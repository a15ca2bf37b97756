"""Writes the text of each record's value as a line of a file, exactly once; or to standard output, at least once."""

import logging
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from ferryman.api import Assigned, Committed, Examination, Finding, Sink, SinkContext
from ferryman.config import key
from ferryman.connector import SinkConfig
from ferryman.connectors.file import effects
from ferryman.connectors.file.examination import to_write
from ferryman.connectors.file.head import Head, Place, load, recovery, save
from ferryman.connectors.file.lines_writer import lines_in_order
from ferryman.connectors.file.locked_file import BEGIN_ANEW, FileCheckpoint, LockedFile, is_regular, read_checkpoint
from ferryman.effects import Effect
from ferryman.errors import KeyProblem, TaskError, Unfinished
from ferryman.files import allowed_folders
from ferryman.files.allowed_folders import FilePath
from ferryman.record import Batch, TopicPartition
from ferryman.runs.harm import Target

log = logging.getLogger(__name__)


class FileStreamSinkConfig(SinkConfig):
    """The keys of Kafka's FileStreamSinkConnector."""

    file: FilePath | None = key(None, importance="HIGH")
    """Destination filename. If not specified, the standard output will be used."""

    def problems(self) -> Iterable[KeyProblem]:
        """An empty name is not a file."""
        yield from super().problems()
        if self.file == "":
            yield KeyProblem("file", "Invalid value  for configuration file: String must be non-empty")


class FileStreamSinkConnector(Sink[FileStreamSinkConfig]):
    """The sink and its one task.

    Every commit covers all the task's partitions and says how long the file was, so a successor can cut off what was
    written and not committed. It is made in the head beside the file (``head``), and then told to the group. Before the
    first line of a partition the group is told its position and the present length: a group that says nothing of the
    file says that its offsets were altered, or that nothing of the partition was ever written.
    """

    config_class = FileStreamSinkConfig
    truth = "a head beside the file, written with each commit; standard output has none"
    shares = False
    classes = ("org.apache.kafka.connect.file.FileStreamSinkConnector",)
    atomic = True
    any_order = True
    columnar = True
    takes_maps = True

    _file: LockedFile | None = None
    _stream: BinaryIO | None = None
    _head: Head | None = None
    """What is written beside the file; None where nothing can be."""
    _begun: bool = False
    """Whether it is ours: written since the file was locked."""
    _cut: bool = False
    """Whether the file was cut back to what counts, or would have been if there had been more."""

    def start(self) -> None:
        """Nothing is opened yet, except what is no regular file."""
        self._topic_ids: dict[TopicPartition, str] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._next: dict[TopicPartition, int] = {}
        if self.config.file is None:
            self._stream = sys.stdout.buffer
        elif not is_regular(Path(self.config.file)):
            allowed_folders.check_again(self.config.file)
            self._stream = open(self.config.file, "ab", buffering=0)  # noqa: SIM115

    @classmethod
    def task_configs(cls, config: FileStreamSinkConfig, raw: Mapping[str, str]) -> list[Mapping[str, str]]:
        """Always one: two tasks would write into one another's file."""
        return [raw]

    @classmethod
    def explain(cls, config: FileStreamSinkConfig, context: SinkContext, batches: Sequence[Batch]) -> Iterable[Effect]:
        """The lines."""
        return effects.of_sink(config, batches)

    @classmethod
    def target(cls, config: FileStreamSinkConfig, raw: Mapping[str, str], topics: Collection[str]) -> Target:
        """The file, or standard output."""
        return Target(frozenset({("",) if config.file is None else (str(Path(config.file).resolve()),)}), "file")

    @classmethod
    def examine(cls, config: FileStreamSinkConfig, examination: Examination) -> Iterable[Finding]:
        """Whether the file, and the head beside it, can be written."""
        return to_write(config.file)

    def open(self, partitions: Sequence[Assigned]) -> Mapping[TopicPartition, int]:
        """Locks the file and cuts it back to the committed length.

        Raises RetriableError while another process has the lock, TaskError if the file, or a topic, is not the one that
        the committed offsets speak of.
        """
        if self._stream is not None:
            return {}
        checkpoints = {assigned.source: _checkpoint(assigned) for assigned in partitions}
        starts = self._recover(partitions, checkpoints)
        self._topic_ids |= {assigned.source: assigned.topic_id for assigned in partitions}
        offsets = {
            assigned.source: starts.get(assigned.source, assigned.committed.offset)
            for assigned in partitions
            if assigned.committed is not None and checkpoints[assigned.source] is not None
        }
        here = {assigned.source: assigned for assigned in partitions}
        self._committed |= {
            source: offset for source, offset in offsets.items() if here[source].beginning <= offset <= here[source].end
        }
        known = {source: self._committed[source] for source in starts if source in self._committed}
        self._begin_head({each.source: each.start for each in partitions if each.start is not None} | known)
        return known

    def _recover(
        self, partitions: Sequence[Assigned], checkpoints: Mapping[TopicPartition, FileCheckpoint | None]
    ) -> Mapping[TopicPartition, int]:
        """Locks the file and cuts it back; where the head lets partitions begin."""
        path = self._path
        allowed_folders.check_again(str(path))
        first = self._file is None
        if first and any(checkpoints.values()) and not path.exists():
            raise TaskError(f"'{path}' is gone, but lines of it were committed. Put it back. {BEGIN_ANEW}")
        file = self._file or LockedFile(path)
        try:
            # Not before the lock: its former holder may have written until it gave that up.
            self._head = load(path) if first else self._head
            found = recovery(partitions, checkpoints, self._head)
            if found.checkpoints:
                self._check_order(first, partitions)
                file.recover(found.checkpoints, cut=first)
                self._cut = True
        except BaseException:
            if first:
                file.close()
                self._head = None
            raise
        self._file = file
        return found.starts

    def _check_order(self, first: bool, partitions: Sequence[Assigned]) -> None:
        if not first and not self._cut:
            names = ", ".join(str(assigned.source) for assigned in partitions)
            raise TaskError(
                f"Lines of {names} may be at the end of '{self._path}' that were never committed, and others follow "
                "them already; the task must start anew to cut them off"
            )

    @property
    def _path(self) -> Path:
        return Path(self.config.file or "")

    def _begin_head(self, starts: Mapping[TopicPartition, int]) -> None:
        """Says in the head where partitions begin that have come."""
        assert self._file is not None
        former = self._head
        checkpoint = self._file.sync() if not self._begun or former is None else former.checkpoint
        same = former is not None and former.checkpoint.file == checkpoint.file
        try:
            self._move_head(checkpoint, starts, former.places if former is not None and same else {})
            self._begun = True
        except TaskError as error:
            if self.context.group_protocol != "classic" or former is not None:
                self._head = None
                raise TaskError(
                    f"{error}. Let the worker write to that folder; or, if there is no head yet and there should "
                    "be none, use a group of the classic protocol, whose offsets are safe without it"
                ) from error
            log.warning("%s; only the group's offsets say how much of the file counts", error)

    def _move_head(
        self, checkpoint: FileCheckpoint, offsets: Mapping[TopicPartition, int], former: Mapping[TopicPartition, Place]
    ) -> None:
        places = {source: Place(self._topic_ids[source], offset) for source, offset in offsets.items()}
        head = Head(checkpoint, {**former, **places})
        if head != self._head:
            save(self._path, head)
            self._head = head

    def put_batches(self, batches: Sequence[Batch]) -> int:
        """Writes all lines at once, or none of them."""
        data = lines_in_order(batches)
        if self._stream is not None:
            self._stream.write(data)
            return len(batches)
        if self._file is None:
            raise TaskError(f"'{self.config.file}' is not open: the task has no partitions")
        self._commit_baseline(batches)
        self.context.crash_point("file.before_write")
        self._file.append(data)
        for batch in batches:
            following = batch.polled.offsets[batch.positions[-1]] + 1
            self._next[batch.source] = max(following, self._next.get(batch.source, 0))
        self.context.crash_point("file.after_write")
        return len(batches)

    def _commit_baseline(self, batches: Sequence[Batch]) -> None:
        firsts: dict[TopicPartition, int] = {}
        for batch in batches:
            if batch.source not in self._committed:
                first = batch.polled.offsets[batch.positions[0]]
                firsts[batch.source] = min(first, firsts.get(batch.source, first))
        if not firsts:
            return
        assert self._file is not None
        self.context.commit(self._commits(self._file.sync(), {**self._committed, **self._next, **firsts}))
        if any(source not in self._committed for source in firsts):
            # Records before these were dropped and do not count as delivered yet: the usual commit knows how far.
            self.context.request_commit()
            raise Unfinished(f"The length of '{self.config.file}' is not committed yet", after=0)

    def pre_commit(self, offsets: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, Committed]:
        """Makes the file durable, then the head. Gives the offsets of all partitions held, also unchanged ones, each
        with the file's length.

        Nothing while less counts as delivered than was written: such an offset would not go with that length.
        """
        if self._stream is not None:
            self._stream.flush()
            return super().pre_commit(offsets)
        if self._file is None or any(offset < self._next.get(source, 0) for source, offset in offsets.items()):
            return {}
        checkpoint = self._file.sync()
        self.context.crash_point("file.after_flush")
        positions = {**self._committed, **self._next, **offsets}
        ours = {source: offset for source, offset in positions.items() if source in self._topic_ids}
        if self._head is not None:
            self._move_head(checkpoint, ours, self._head.places)
            self.context.crash_point("file.after_head")
        return self._commits(checkpoint, ours)

    def _commits(
        self, checkpoint: FileCheckpoint, positions: Mapping[TopicPartition, int]
    ) -> Mapping[TopicPartition, Committed]:
        return {
            source: Committed(offset, checkpoint.text(self._topic_ids[source]))
            for source, offset in positions.items()
            if source in self._topic_ids
        }

    def committed(self, offsets: Mapping[TopicPartition, Committed]) -> None:
        """From now on these partitions may be written."""
        if self._file is not None:
            self._committed |= {
                source: committed.offset for source, committed in offsets.items() if source in self._topic_ids
            }

    def close(self, partitions: Sequence[TopicPartition]) -> None:
        """Forgets the partitions; with the last one goes the lock.

        Raises TaskError if only some are taken away and lines of theirs are not committed: they will be read again, so
        the file must be cut back, and the other partitions read again with it.
        """
        dirty = [source for source in partitions if self._next.get(source, 0) > self._committed.get(source, 0)]
        for source in partitions:
            for known in (self._topic_ids, self._committed, self._next):
                known.pop(source, None)
        if not self._topic_ids or dirty:
            self._release()
        if self._topic_ids and dirty:
            raise TaskError(
                f"{', '.join(map(str, dirty))} went to another member of the group before its lines in "
                f"'{self.config.file}' were committed; the task must start anew to cut them off"
            )

    def stop(self) -> None:
        """Gives up the file."""
        self._release()
        if self._stream is not None and self._stream is not sys.stdout.buffer:
            self._stream.close()

    def _release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file, self._head = None, None
            self._begun = self._cut = False


def _checkpoint(assigned: Assigned) -> FileCheckpoint | None:
    """The checkpoint of an assigned partition's last commit. Raises TaskError if that was of another topic of this
    name."""
    found = None if assigned.committed is None else read_checkpoint(assigned.committed.metadata)
    if found is None:
        return None
    checkpoint, topic_id = found
    if topic_id != assigned.topic_id:
        raise TaskError(
            f"Topic {assigned.source.topic} was created anew (its id was {topic_id} and is {assigned.topic_id}), "
            f"so the committed offset of {assigned.source} does not apply to it. {BEGIN_ANEW}"
        )
    return checkpoint
