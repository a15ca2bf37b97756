"""Reads a text file as it grows, a record a line; or standard input."""

import io
import logging
import os
import select
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from ferryman.api import Examination, Finding, Offset, Part, Partition, Source, SourceContext, Span
from ferryman.config import Int, NonEmpty, Str, key
from ferryman.connector import SourceConfig
from ferryman.connectors.file import effects
from ferryman.connectors.file.examination import to_read
from ferryman.connectors.file.history import part
from ferryman.connectors.file.lines_reader import LineCutter, Lines
from ferryman.effects import Effect
from ferryman.errors import ConfigError, TaskError
from ferryman.files import allowed_folders
from ferryman.files.allowed_folders import FilePath
from ferryman.record import Batch, LazyRecords, Record, Rows
from ferryman.runs import topics
from ferryman.runs.harm import Target
from ferryman.schema import STRING

log = logging.getLogger(__name__)

FILENAME = "filename"
POSITION = "position"
PIECE_BYTES = 1 << 18
WAIT_SECONDS = 0.2
"""Seconds between two checks of a file that does not grow."""
FROM_THE_BEGINNING = "To read the file from its beginning, stop the connector, delete its offsets and resume it"
LARGEST_POSITION = (1 << 63) - 1


STDIN = 0
"""Standard input. A task's process has another ``sys.stdin``, but the worker's is still open under this number."""


class FileStreamSourceConfig(SourceConfig):
    """The keys of Kafka's FileStreamSourceConnector."""

    file: FilePath | None = key(None, importance="HIGH")
    """Source filename. If not specified, the standard input will be used."""
    topic: Annotated[Str, NonEmpty] = key(importance="HIGH")
    """The topic to publish data to."""
    batch_size: Int = key(2000, at_least=1, importance="LOW")
    """The maximum number of records the source task can read from the file each time it is polled."""

    @property
    def written_topics(self) -> tuple[str, ...]:
        """One."""
        return (self.topic,)


class FileStreamSourceConnector(Source[FileStreamSourceConfig]):
    """The source and its one task. The position is in bytes; nothing but whole lines is ever handed over."""

    config_class = FileStreamSourceConfig
    classes = ("org.apache.kafka.connect.file.FileStreamSourceConnector",)

    _file: io.RawIOBase | None = None
    _warned = False

    def start(self) -> None:
        """Reads the offset. Raises TaskError if its position is no number."""
        name = self.config.file
        offset = None if name is None else self.context.offset({FILENAME: name})
        run = self.context.run
        first = 0 if run is None else run.span.first or 0
        position = first if offset is None else offset.get(POSITION)
        if not _is_long(position):
            raise TaskError("Offset position is the incorrect type")
        self._partition = None if name is None else {FILENAME: name}
        self._position = int(position or 0)
        self._cutter = LineCutter(self._position)
        self._ready = Lines([], [])
        self._taken = 0
        self._behind = None if run is None else run.span.behind
        self._most = self.config.batch_size if run is None else run.most(self.config.batch_size)

    @classmethod
    def history(cls, config: FileStreamSourceConfig, raw: Mapping[str, str], wanted: Span) -> Part:
        """By positions in bytes: the lines of a file have no times."""
        if config.file is None:
            raise ConfigError.for_key("file", "standard input is read once, and keeps no history")
        return part(Path(config.file), wanted)

    @classmethod
    def target(cls, config: FileStreamSourceConfig, raw: Mapping[str, str]) -> Target:
        """The topic."""
        return topics.target(raw, "topic", names=[config.topic])

    @classmethod
    def explain(cls, config: FileStreamSourceConfig, context: SourceContext) -> Iterable[Effect]:
        """The file, and its offset."""
        return effects.of_source(config, FILENAME, POSITION)

    @classmethod
    def examine(cls, config: FileStreamSourceConfig, examination: Examination) -> Iterable[Finding]:
        """Whether the file can be read."""
        return to_read(config.file)

    @classmethod
    def supports_exactly_once(cls, config: FileStreamSourceConfig) -> bool:
        """A file's lines arrive once; standard input is read once, and a line that was not committed is lost."""
        return config.file is not None

    @classmethod
    def alter_offsets(
        cls, config: FileStreamSourceConfig, offsets: Sequence[tuple[Partition | None, Offset | None]]
    ) -> bool:
        """Refuses, with the messages of Kafka's connector, what no file could be read from."""
        if config.file is None:
            raise ConfigError.for_key(
                "file",
                "Offsets cannot be modified if the 'file' configuration is unspecified. "
                "This is because stdin is used for input and offsets are not tracked.",
            )
        for partition, offset in offsets:
            if offset is not None:  # whatever has got into the offsets may be forgotten
                _check_offset(offset)
                _check_partition(partition)
        return True

    def poll(self) -> Sequence[Record]:
        """The next lines as records."""
        return [record for batch in self.poll_batches() for record in batch.records()]

    def poll_batches(self) -> Sequence[Batch]:
        """Up to batch.size lines; waits a second when there are none. Raises TaskError for a file cut or replaced."""
        if self._taken >= len(self._ready.texts):
            self._read()
        start, stop = self._taken, min(self._taken + self._most, len(self._ready.texts))
        if start == stop:
            return []
        self._taken = stop
        return [self._batch(self._ready.texts[start:stop], self._ready.positions[start:stop])]

    def progress(self, batches: Sequence[Batch]) -> Iterator[tuple[Partition, Offset | None]]:
        """The place behind the last line, which stands for all of the poll."""
        if batches and self._partition is not None:
            yield self._partition, {POSITION: self._ready.positions[self._taken - 1]}

    def at_end(self) -> bool:
        """A run is, when all lines of its part were handed over."""
        if self._behind is None or self._taken < len(self._ready.texts):
            return False
        # What is read up to the bound may end in a carriage return, and the letter behind it says whose it is.
        return self._position > self._behind or self._cutter.position >= self._behind

    def stop(self) -> None:
        """Closes the file."""
        if self._file is not None and self.config.file is not None:
            self._file.close()
        self._file = None

    def _read(self) -> None:
        file = self._opened()
        data = self._next_piece(file) if file is not None else b""
        self._ready, self._taken = self._cutter.feed(data).up_to(self._behind), 0
        if not data:
            self._check_unchanged(file)
            self.context.stopping(WAIT_SECONDS)

    def _opened(self) -> io.RawIOBase | None:
        if self._file is None:
            if self.config.file is None:
                self._file = io.FileIO(STDIN, closefd=False)
            else:
                self._file = self._open_at_position(Path(self.config.file))
        return self._file

    def _open_at_position(self, path: Path) -> io.RawIOBase | None:
        allowed_folders.check_again(str(path))
        try:
            file = io.FileIO(path, opener=_without_waiting)
        except FileNotFoundError:
            if not self._warned:
                log.warning("Couldn't find file %s for the file source, waiting for it to be created", path)
            self._warned = True
            return None
        except OSError as error:
            raise TaskError(f"Cannot read '{path}': {error.strerror}") from error
        if file.seekable():
            self._check_length(os.fstat(file.fileno()).st_size, self._position)
            file.seek(self._position)
        return file

    def _next_piece(self, file: io.RawIOBase) -> bytes:
        if self.config.file is None and not _readable(file, WAIT_SECONDS):
            return b""
        # The character after a run's part tells whether a carriage return before it ends a line.
        left = PIECE_BYTES if self._behind is None else min(PIECE_BYTES, self._behind + 1 - self._position)
        data = file.read(max(0, left)) or b""
        self._position += len(data)
        return data

    def _check_unchanged(self, file: io.RawIOBase | None) -> None:
        if file is None or self.config.file is None or not file.seekable():
            return
        status = os.fstat(file.fileno())
        self._check_length(status.st_size, self._position)
        try:
            there = os.stat(self.config.file)
        except FileNotFoundError:
            return
        if (there.st_dev, there.st_ino) != (status.st_dev, status.st_ino):
            raise TaskError(f"'{self.config.file}' was replaced by another file. {FROM_THE_BEGINNING}")

    def _check_length(self, length: int, position: int) -> None:
        if length < position:
            raise TaskError(
                f"'{self.config.file}' has {length} bytes, but was already read up to {position}: it was "
                f"truncated or replaced. {FROM_THE_BEGINNING}"
            )

    def _batch(self, texts: list[str], positions: list[int]) -> Batch:
        now, topic, partition, count = int(time.time() * 1000), self.config.topic, self._partition, len(texts)

        def build(index: int) -> Record:
            return Record(
                topic=topic,
                value=texts[index],
                value_schema=STRING,
                timestamp=now,
                source_partition=partition,
                source_offset=None if partition is None else {POSITION: positions[index]},
            )

        return Batch(
            topic=topic,
            partition=None,
            key=Rows(None, [None] * count),
            value=Rows(STRING, texts),
            timestamps=[now] * count,
            origin=LazyRecords(count, build),
            positions=range(count),
        )


def _without_waiting(path: str, flags: int) -> int:
    """A named pipe that nobody writes to must not hold up a pause or a stop; of a file there is nothing to wait for."""
    return os.open(path, flags | os.O_NONBLOCK)


def _readable(file: io.RawIOBase, within: float) -> bool:
    """Whether there is something to read, or nothing any more, within so many seconds."""
    waiting = select.poll()
    waiting.register(file, select.POLLIN)
    return bool(waiting.poll(within * 1000))


def _is_long(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST_POSITION


def _check_offset(offset: Mapping[str, Any]) -> None:
    if POSITION not in offset:
        raise ConfigError.for_key(POSITION, "Offset objects should either be null or contain the key 'position'")
    if not _is_long(offset[POSITION]):
        raise ConfigError.for_key(
            POSITION, "The value for the 'position' key in the offset is expected to be a Long value"
        )
    if offset[POSITION] < 0:
        raise ConfigError.for_key(
            POSITION, "The value for the 'position' key in the offset should be a non-negative value"
        )


def _check_partition(partition: Mapping[str, Any] | None) -> None:
    if partition is None:
        raise ConfigError.for_key(FILENAME, "Partition objects cannot be null")
    if FILENAME not in partition:
        raise ConfigError.for_key(FILENAME, "Partition objects should contain the key 'filename'")
