"""A file that one process at a time appends to, with checkpoints by which a successor knows how much of it counts."""

import errno
import fcntl
import io
import json
import logging
import os
import stat
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from uuid import uuid4

from ferryman.errors import RetriableError, TaskError

log = logging.getLogger(__name__)

FORMAT = 1
ATTRIBUTE = "user.ferryman.id"
TAIL_BYTES = 4096
DISK_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT})
BEGIN_ANEW = "To start over with the file as it is, stop the connector and delete or alter its offsets."


@dataclass(frozen=True, slots=True)
class FileCheckpoint:
    """What a commit's metadata says of the file."""

    file: str
    """Which file it is: an id in its extended attributes, where there are none its inode."""
    length: int
    """Its bytes when the commit was made."""
    tail: str
    """A digest of the last bytes of these."""

    def text(self, topic_id: str) -> str:
        """The checkpoint as metadata of a partition's offset, some 120 bytes."""
        return json.dumps({"ferryman.file": FORMAT, "topic": topic_id, **asdict(self)}, separators=(",", ":"))


def read_checkpoint(metadata: str) -> tuple[FileCheckpoint, str] | None:
    """The checkpoint in an offset's metadata and the id of its topic; None if somebody else wrote the metadata.

    Raises TaskError for a checkpoint of a later format than this one.
    """
    try:
        fields = json.loads(metadata)
    except ValueError:
        return None
    if not isinstance(fields, Mapping) or "ferryman.file" not in fields:
        return None
    if fields["ferryman.file"] != FORMAT:
        raise TaskError(
            f"The committed offsets were written by a later version of the file sink ({metadata}); upgrade Ferryman"
        )
    return FileCheckpoint(str(fields["file"]), int(fields["length"]), str(fields["tail"])), str(fields["topic"])


class LockedFile:
    """A regular file opened for appending, with an exclusive lock that its holder's death gives up."""

    def __init__(self, path: Path) -> None:
        """Opens or makes the file. Raises RetriableError while another process has the lock, TaskError if it can't."""
        self.path = path
        fresh = not path.exists()
        try:
            self._file = io.FileIO(path, "a+")
        except OSError as error:
            raise TaskError(f"Couldn't find or create file '{path}' for the file sink: {error.strerror}") from error
        try:
            self._lock()
        except BaseException:
            self._file.close()
            raise
        if fresh:
            sync_directory(path.parent)
        self.length = os.fstat(self._file.fileno()).st_size

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RetriableError(f"Another process is writing to '{self.path}' and holds its lock", after=1) from None
        except OSError as error:
            raise TaskError(
                f"'{self.path}' cannot be locked ({error.strerror}); without a lock two processes could append to it"
            ) from error

    def close(self) -> None:
        """Gives up the lock. What was appended stays."""
        self._file.close()

    def append(self, data: bytes) -> None:
        """Appends all or nothing. Raises RetriableError when the disk is full, TaskError when it fails otherwise."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._file.fileno(), rest) :]
        except OSError as error:
            os.ftruncate(self._file.fileno(), self.length)
            if error.errno in DISK_FULL_ERRNOS:
                raise RetriableError(f"No space to write to '{self.path}': {error.strerror}") from error
            raise TaskError(f"Cannot write to '{self.path}': {error.strerror}") from error
        self.length += len(data)

    def sync(self) -> FileCheckpoint:
        """Makes what was appended durable; gives the checkpoint that stands for it.

        Raises TaskError if somebody else has cut, removed or replaced the file, or if the disk fails.
        """
        self._check_unchanged()
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            # After a failed fsync the kernel may have dropped what it could not write: only starting anew is safe.
            raise TaskError(f"'{self.path}' could not be made durable: {error.strerror}") from error
        return FileCheckpoint(self._identity(give=True) or "", self.length, self._tail(self.length))

    def recover(self, checkpoints: Iterable[FileCheckpoint], cut: bool) -> None:
        """Checks that this is the file that the checkpoints speak of and, with ``cut``, cuts it back to what was
        committed.

        The marks of all partitions are committed together; one that is behind belongs to a partition that somebody
        else's member of the group held for a while, so the longest counts. Raises TaskError for another file.
        """
        for checkpoint in sorted(set(checkpoints), key=lambda checkpoint: checkpoint.length):
            self._check(checkpoint)
            keep = checkpoint.length
        if cut and self.length > keep:
            log.info("Cutting '%s' back from %d to the committed %d bytes", self.path, self.length, keep)
            os.ftruncate(self._file.fileno(), keep)
            self.length = keep

    def _check(self, checkpoint: FileCheckpoint) -> None:
        if self._identity(give=False) != checkpoint.file:
            raise TaskError(f"'{self.path}' is not the file of the committed offsets. {BEGIN_ANEW}")
        if self.length < checkpoint.length:
            raise TaskError(
                f"'{self.path}' has {self.length} bytes, but {checkpoint.length} were committed: it was truncated. "
                f"{BEGIN_ANEW}"
            )
        if self._tail(checkpoint.length) != checkpoint.tail:
            raise TaskError(
                f"The bytes of '{self.path}' before position {checkpoint.length} are not those that were committed: "
                f"it was rewritten. {BEGIN_ANEW}"
            )

    def _check_unchanged(self) -> None:
        status = os.fstat(self._file.fileno())
        if status.st_size < self.length:
            raise TaskError(f"'{self.path}' was truncated to {status.st_size} bytes while the file sink wrote to it")
        try:
            there = os.stat(self.path)
        except FileNotFoundError:
            raise TaskError(f"'{self.path}' was removed while the file sink wrote to it") from None
        if (there.st_dev, there.st_ino) != (status.st_dev, status.st_ino):
            raise TaskError(f"'{self.path}' was replaced by another file while the file sink wrote to it")
        self.length = status.st_size

    def _tail(self, length: int) -> str:
        start = max(0, length - TAIL_BYTES)
        return blake2b(os.pread(self._file.fileno(), length - start, start), digest_size=8).hexdigest()

    def _identity(self, give: bool) -> str | None:
        """The file's id in its extended attributes, which no other file inherits; where there are none, its inode."""
        inode = f"inode:{os.fstat(self._file.fileno()).st_ino}"
        if sys.platform != "linux":
            return inode
        try:
            return os.getxattr(self._file.fileno(), ATTRIBUTE).decode()
        except OSError as error:
            if error.errno != errno.ENODATA:
                return inode
        if not give:
            return None
        fresh = uuid4().hex
        try:
            os.setxattr(self._file.fileno(), ATTRIBUTE, fresh.encode(), os.XATTR_CREATE)
        except OSError:
            return inode
        os.fsync(self._file.fileno())
        return fresh


def is_regular(path: Path) -> bool:
    """Whether a path is, or would become, a regular file: not a terminal, pipe or /dev/null."""
    return not path.exists() or stat.S_ISREG(path.stat().st_mode)


def sync_directory(path: Path) -> None:
    """Makes durable which files a folder has."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
