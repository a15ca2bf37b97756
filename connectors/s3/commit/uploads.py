"""Uploads what files hold: closed ones to their end, open ones by whole parts, and more when memory runs short."""

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from ferryman.connectors.s3.bucket.bucket import Bucket
from ferryman.connectors.s3.commit.in_parallel import each
from ferryman.connectors.s3.commit.open_file import SMALLEST_PART_BYTES, File
from ferryman.connectors.s3.commit.partition_files import PartitionFiles
from ferryman.errors import FerrymanError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Uploads:
    """The uploads of one task."""

    bucket: Bucket
    """Where they go."""
    pool: Executor
    """Uploads several files at a time."""
    crash_point: Callable[[str], None]
    """Marks each durable step for tests."""
    part_size: int
    """Bytes in a part."""
    memory: int
    """Bytes that all files together may hold."""

    def upload_due(self, partitions: Sequence[PartitionFiles]) -> bool:
        """Uploads what is due; true if files were closed by that. May be called again after an error."""
        self._relieve(partitions)
        closing = _closing(partitions)
        growing = [
            file for partition in partitions for file in partition.growing_files() if len(file.buffer) >= self.part_size
        ]
        if not closing and not growing:
            return False
        self.crash_point("s3.before_upload")
        self._each(lambda file: file.close(self.bucket, self.part_size), closing)
        self._each(lambda file: file.send(self.bucket, self.part_size), growing)
        self.crash_point("s3.after_upload")
        return bool(closing)

    def _relieve(self, partitions: Sequence[PartitionFiles]) -> None:
        while (held := sum(partition.held_bytes for partition in partitions)) > self.memory:
            closing = _closing(partitions)
            if closing:
                self._each(lambda file: file.close(self.bucket, self.part_size), closing)
            elif not self._shrink(partitions):
                fullest = max(partitions, key=lambda partition: partition.held_bytes)
                if not fullest.open:
                    return
                log.info(
                    "%s: %d files hold %d of %d bytes in memory and are closed early (s3.memory.bytes)",
                    *(fullest.source, len(fullest.open), held, self.memory),
                )
                fullest.rotate()

    def _shrink(self, partitions: Sequence[PartitionFiles]) -> bool:
        """Encodes, and uploads where that makes whole parts, what open files hold; false if it frees next to nothing.

        It is worth an eighth of the memory at least, or Parquet files would end up with a row group for each batch.
        """
        before = sum(partition.held_bytes for partition in partitions)
        for partition in partitions:
            partition.distribute()
        files = [file for partition in partitions for file in partition.growing_files()]
        for file in files:
            file.squeeze()
        self._each(
            lambda file: file.send_all(self.bucket), [each for each in files if len(each.buffer) >= SMALLEST_PART_BYTES]
        )
        return before - sum(partition.held_bytes for partition in partitions) >= self.memory // 8

    def abort(self, partitions: Iterable[PartitionFiles]) -> None:
        """Throws away the uploads that no commit can have made valid. Failing to do so does no harm."""
        files = [file for partition in partitions for file in partition.files_not_offered() if file.upload is not None]
        try:
            self._each(lambda file: file.abort(self.bucket), files[:1])
            self._each(lambda file: file.abort(self.bucket), files[1:])
        except FerrymanError as error:
            log.warning("%s (%d open uploads are left to the bucket's rules)", error, len(files))

    def _each(self, act: Callable[[File], None], files: Sequence[File]) -> None:
        each(self.pool, act, files)


def _closing(partitions: Sequence[PartitionFiles]) -> list[File]:
    return [
        file
        for partition in partitions
        for generation in partition.closed
        for file in generation.files
        if not file.closed
    ]
