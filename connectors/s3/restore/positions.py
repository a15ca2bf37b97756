"""How far a lane was read, as source offsets say it: ours, and those that Confluent's and Aiven's sources left."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ferryman.connectors.s3.config.source_config import S3SourceConfig
from ferryman.connectors.s3.config.source_names import Names
from ferryman.connectors.s3.restore.contents import Archived
from ferryman.connectors.s3.restore.listing import Lane
from ferryman.errors import ConfigError, TaskError
from ferryman.record import Offset, Partition

VERSION = 1
BUCKET, FOLDER, TOPIC, PARTITION = "bucket", "folder", "topic", "partition"
OBJECT, RECORD, END, NEXT = "object", "record", "end", "next"
Committed = Callable[[Partition], Offset | None]


@dataclass(frozen=True, slots=True)
class Position:
    """Behind a record of an object."""

    order: tuple[int, str]
    """The object's place in its lane, by start offset and name."""
    record: int
    """How many of its records are passed."""
    end: bool
    """Whether these are all."""
    following: int | None = None
    """The offset behind that of the last record that was passed; None where records tell no offsets."""

    def is_past(self, found: Archived) -> bool:
        """Whether nothing of an object is left to read."""
        return found.order < self.order or (self.end and found.order == self.order)

    def skip(self, found: Archived) -> int:
        """How many of an object's records are passed."""
        return self.record if found.order == self.order else 0


def partition_of(bucket: str, lane: Lane) -> Partition:
    """A lane as a source partition."""
    found: dict[str, Any] = {BUCKET: bucket, FOLDER: lane.folder, TOPIC: lane.topic}
    return found if lane.partition is None else {**found, PARTITION: lane.partition}


def offset_of(position: Position) -> Offset:
    """A position as a source offset."""
    found = {"version": VERSION, OBJECT: position.order[1], RECORD: position.record, END: position.end}
    return found if position.following is None else {**found, NEXT: position.following}


def position_of(offset: Offset, names: Names) -> Position:
    """The position of a source offset of ours. Raises TaskError for one that cannot be understood."""
    if offset.get("version") != VERSION:
        raise TaskError(f"The source offset {dict(offset)} is of a newer version, or not of this connector")
    name = str(offset[OBJECT])
    place = names.place(name)
    start = -1 if place is None or place.start is None else place.start
    following = None if offset.get(NEXT) is None else int(offset[NEXT])
    return Position((start, name), int(offset[RECORD]), bool(offset[END]), following)


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where lanes begin, by what is committed."""

    config: S3SourceConfig
    names: Names
    committed: Committed

    def of(self, lane: Lane, objects: list[Archived]) -> Position | None:
        """The position that is committed for a lane; else what a JVM's source left for its folder or its objects."""
        ours = self.committed(partition_of(self.config.bucket, lane))
        if ours is not None:
            return position_of(ours, self.names)
        if self.config.aiven:
            return self._aivens(objects)
        folder = self.committed({FOLDER: lane.folder})
        if folder is not None and folder.get("lastFileRead") is not None:
            return _confluents(folder, objects)
        return None

    def _aivens(self, objects: list[Archived]) -> Position | None:
        # Aiven's source notes how many records of each object are read. It takes one after the other, so only of the
        # last one may some be left.
        for found in reversed(objects):
            offset = self.committed({BUCKET: self.config.bucket, "objectKey": found.listed.key})
            if offset is not None and _number(offset.get("recordCount")):
                return Position(found.order, _number(offset["recordCount"]), end=False)
        return None


def _confluents(offset: Mapping[str, Any], objects: list[Archived]) -> Position | None:
    # Confluent's source reads the files of a folder by name, those of all partitions.
    last = str(offset["lastFileRead"])
    end = str(offset.get("eof")).lower() == "true"
    read_ones = [found for found in objects if found.listed.key <= last]
    if not read_ones:
        return None
    newest = max(read_ones, key=lambda found: found.order)
    if newest.listed.key == last and not end:
        return Position(newest.order, _number(offset.get("fileOffset")), end=False)
    return Position(newest.order, 0, end=True)


def _number(value: Any) -> int:
    text = str(value).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def check(partition: Partition | None, offset: Offset | None) -> None:
    """Raises ConfigError for an offset that the source could not start from."""
    if offset is None:
        return
    if partition is None:
        raise ConfigError.for_key(FOLDER, "Partition objects cannot be null")
    if set(partition) not in ({BUCKET, FOLDER, TOPIC}, {BUCKET, FOLDER, TOPIC, PARTITION}):
        raise ConfigError.for_key(
            FOLDER, f"Partition objects should contain the keys '{BUCKET}', '{FOLDER}', '{TOPIC}' and '{PARTITION}'"
        )
    if offset.get("version") != VERSION or set(offset) - {NEXT} != {"version", OBJECT, RECORD, END}:
        raise ConfigError.for_key(
            OBJECT, f"Offset objects should contain 'version' {VERSION} and the keys '{OBJECT}', '{RECORD}' and '{END}'"
        )
    if not _is_count(offset[RECORD]) or not isinstance(offset[END], bool):
        raise ConfigError.for_key(RECORD, f"'{RECORD}' should be a number of records, and '{END}' true or false")
    if not _is_count(offset.get(NEXT, 0)):
        raise ConfigError.for_key(NEXT, f"'{NEXT}' should be the offset of the record that comes next, or be left out")
    if not str(offset[OBJECT]).startswith(str(partition[FOLDER])):
        raise ConfigError.for_key(OBJECT, f"The object {offset[OBJECT]} is not in the folder {partition[FOLDER]}")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
