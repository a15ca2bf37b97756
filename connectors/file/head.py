"""The head beside a sink's file: how much of the file counts, and where each partition goes on. Only the holder of the
file's lock reads or writes it, so it is right whatever the group says."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from ferryman.api import Assigned
from ferryman.connectors.file.locked_file import DISK_FULL_ERRNOS, FileCheckpoint, sync_directory
from ferryman.errors import RetriableError, TaskError
from ferryman.record import TopicPartition

FORMAT = 1


class Place(NamedTuple):
    """Where a partition goes on."""

    topic_id: str
    """Tells its topic from an earlier or later one of that name."""
    offset: int
    """The next record to write."""


@dataclass(frozen=True, slots=True)
class Head:
    """What counts: so much of the file, which holds the records before these places."""

    checkpoint: FileCheckpoint
    """The file and its length."""
    places: Mapping[TopicPartition, Place]
    """Where each partition goes on that was ever written."""

    def data(self) -> bytes:
        """The head as it is written into its file."""
        places = [[*source, *place] for source, place in sorted(self.places.items())]
        return json.dumps(
            {"format": FORMAT, "mark": asdict(self.checkpoint), "places": places}, separators=(",", ":")
        ).encode()

    @classmethod
    def read(cls, path: Path, data: bytes) -> "Head":
        """From what was written. Raises TaskError for a later version's, and for what is no head."""
        try:
            fields = json.loads(data)
            if fields["format"] != FORMAT:
                raise TaskError(f"'{path}' was written by a later version of the file sink; upgrade Ferryman")
            places = {TopicPartition(topic, int(number)): Place(id, at) for topic, number, id, at in fields["places"]}
            return cls(FileCheckpoint(**fields["mark"]), places)
        except (ValueError, KeyError, TypeError) as error:
            raise TaskError(
                f"'{path}' should say how much of the file beside it counts, but cannot be read ({error!r}). Put "
                "the former file back; or remove it, and the group's committed offsets will count"
            ) from None


class Recovery(NamedTuple):
    """What a new owner of the file is to make of what it finds."""

    checkpoints: Sequence[FileCheckpoint]
    """What the file must have been at these lengths; the longest is what counts. None: all of the file."""
    starts: Mapping[TopicPartition, int]
    """Where the head lets partitions begin; the group tells it for all others."""


def recovery(
    partitions: Sequence[Assigned], checkpoints: Mapping[TopicPartition, FileCheckpoint | None], head: Head | None
) -> Recovery:
    """Whose word counts for each partition.

    The head's, if the group's commit speaks of the same file, however old or young that commit is. The group's where it
    speaks of another file, which is an error then, and where it says nothing of a file: its offsets were altered, or
    there are none. Without a head the group's.
    """
    starts, alone = {}, []
    for assigned in partitions:
        checkpoint = checkpoints[assigned.source]
        if checkpoint is None:
            continue
        place = None if head is None or head.checkpoint.file != checkpoint.file else head.places.get(assigned.source)
        if place is None or place.topic_id != assigned.topic_id:
            alone.append(checkpoint)
        else:
            starts[assigned.source] = place.offset
    return Recovery([*alone, head.checkpoint] if starts and head is not None else alone, starts)


def path_of(file: Path) -> Path:
    """Where the head of a file is."""
    return file.with_name(f".{file.name}.ferryman")


def load(file: Path) -> Head | None:
    """The head of a file; None without one. Raises TaskError if it cannot be read."""
    path = path_of(file)
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as opened:
            return Head.read(path, opened.read())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TaskError(
            f"'{path}', which says how much of the file counts, cannot be read: {error.strerror}"
        ) from error


def save(file: Path, head: Head) -> None:
    """Writes the head: all of it or, after a crash, the former one. Raises RetriableError when the disk is full,
    TaskError if it cannot be written."""
    path = path_of(file)
    fresh = path.with_name(f"{path.name}~")
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644), "wb") as opened:
            opened.write(head.data())
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(fresh, path)
        sync_directory(path.parent)
    except OSError as error:
        if error.errno in DISK_FULL_ERRNOS:
            raise RetriableError(f"No space to write '{path}': {error.strerror}") from error
        raise TaskError(
            f"'{path}', which says how much of the file counts, cannot be written: {error.strerror}"
        ) from error
