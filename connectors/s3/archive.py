"""An archive as tools see it: which objects it has, and which of Kafka's records are in each."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from ferryman.connectors.s3.bucket.bucket import Bucket
from ferryman.connectors.s3.bucket.client import bucket_to_read
from ferryman.connectors.s3.config.bucket_keys import is_aiven
from ferryman.connectors.s3.config.source_config import S3SourceConfig
from ferryman.connectors.s3.restore.contents import Archived, Contents, contents
from ferryman.connectors.s3.restore.lane_reader import LAST_OFFSET
from ferryman.connectors.s3.restore.listing import Lane, Listing, PassedOver, Share, visible
from ferryman.connectors.s3.restore.object_bytes import EMPTY
from ferryman.connectors.s3.restore.outgoing import ORIGINAL as ORIGINAL
from ferryman.connectors.s3.restore.records import ENVELOPE, BadRecord
from ferryman.errors import ConfigError, DataError

Archive = S3SourceConfig
"""Where an archive is, and what is in it."""
SOURCES = {
    False: "io.confluent.connect.s3.source.S3SourceConnector",
    True: "io.aiven.kafka.connect.s3.source.S3SourceConnector",
}
_FORMATS = {".avro": "AvroFormat", ".json": "JsonFormat", ".json.gz": "JsonFormat", ".parquet": "ParquetFormat"}
_BYTES = (".bin", ".bin.gz")


@dataclass(frozen=True, slots=True)
class Examined:
    """One object, read from beginning to end."""

    name: str
    topic: str
    partition: int | None
    start: int | None
    """The offset of its first record, as its name has it."""
    last: int | None
    """An offset that none of its records is behind; None if nothing tells."""
    count: int
    """How many records could be read."""
    offsets: tuple[int, ...] | None = None
    """The offsets of its records, if they tell."""
    damage: tuple[str, ...] = ()
    """What of it cannot be read, and why."""
    misplaced: str = ""
    """Why it is where no sink would have put it; empty if it is not."""


@dataclass
class Look:
    """One listing of an archive: what there is, before anything is read."""

    config: S3SourceConfig
    lanes: list[tuple[Lane, list[Archived]]]
    passed_over: PassedOver
    """Objects that do not belong to the archive."""
    bucket: Bucket = field(repr=False)

    @property
    def topics(self) -> list[str]:
        """The topics that have objects."""
        return sorted({lane.topic for lane, _ in self.lanes})

    def examined(self, topic: str) -> Iterator[Examined]:
        """Every object of a topic, read to its end, and those in its folder that are called as if they were another
        one's. Raises RetriableError while the server is away."""
        how = contents(self.config)
        for lane, objects in self.lanes:
            if lane.topic != topic:
                if self._folder_of(lane) == topic:
                    yield from (_stranger(each, f"it is in the folder of {topic}") for each in objects)
                continue
            starts = sorted({each.place.start for each in objects if each.place.start is not None})
            for each in objects:
                behind = bisect_right(starts, each.place.start or 0)
                yield _examined(self.bucket, how, each, starts[behind] if behind < len(starts) else None)

    def _folder_of(self, lane: Lane) -> str | None:
        """The topic whose folder it is, as Confluent's layout has one for each."""
        config = self.config
        if config.aiven or config.mode == "GENERIC" or config.delim_in_topics:
            return None
        top = f"{config.topics_dir}{config.directory_delim}" if config.topics_dir else ""
        inside = lane.folder.removeprefix(top) if lane.folder.startswith(top) else ""
        return unquote(inside.partition(config.directory_delim)[0]) or None


def source_config(raw: Mapping[str, str]) -> S3SourceConfig:
    """The archive of a connector's config, be it that of the sink that writes it or of the source that reads it.

    Raises ConfigError.
    """
    given = {"name": "archive", **raw}
    name = given.get("connector.class", "")
    if "source" not in name.lower():
        aiven = is_aiven(name)
        given = {key: value for key, value in given.items() if key not in ("topics", "topics.regex", "tasks.max")}
        given["connector.class"] = SOURCES[aiven]
        if aiven:
            given = {"format.output.type": "csv", **given}
    return S3SourceConfig.parse(given)


def at_url(url: str, more: Mapping[str, str]) -> S3SourceConfig:
    """The archive of Confluent's layout below ``s3://bucket/prefix``; its names and its first record tell the formats.

    ``more`` are further keys, such as ``store.url``. Raises ConfigError if it is no such URL, or nothing is there.
    """
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    raw = {
        "connector.class": SOURCES[False],
        "s3.bucket.name": bucket,
        "topics.dir": prefix.strip("/"),
        "format.class": "JsonFormat",
        "s3.credentials.provider.class": "DefaultCredentialsProvider",
        **more,
    }
    if not url.startswith("s3://"):
        raise ConfigError.for_key("", f"{url}: write s3://bucket/prefix, or a connector's file")
    found = _by_names(source_config(raw))
    config = source_config({**raw, **found})
    if found["format.class"] != "ByteArrayFormat" and _is_enveloped(config):
        return source_config({**raw, "format.class": found["format.class"], "store.envelope": "true"})
    return config


def _by_names(config: S3SourceConfig) -> dict[str, str]:
    """The keys that names of objects tell: formats, and whether keys and headers are beside the values."""
    bucket, counts, found = bucket_to_read(config), Counter[str](), dict[str, str]()
    prefix = f"{config.topics_dir}/" if config.topics_dir else ""
    for listed in visible(bucket, config, prefix):
        file = listed.key.rpartition("/")[2]
        name = next((name for end, name in _FORMATS.items() if file.endswith(end)), None)
        if name is None and file.endswith(_BYTES):
            name = "ByteArrayFormat"
        side = next((side for side in ("keys", "headers") if f".{side}." in file), None)
        if name is not None and side is not None:
            found |= {f"store.kafka.{side}": "true", f"{side}.format.class": name}
        elif name is not None:
            counts[name] += 1
    if not counts:
        raise ConfigError.for_key("", f"s3://{config.bucket}/{prefix} has no objects of an archive")
    return {**found, "format.class": counts.most_common(1)[0][0]}


def _is_enveloped(config: S3SourceConfig) -> bool:
    bucket, how = bucket_to_read(config), contents(config)
    for _, objects in Listing(bucket, Share(config), lambda seconds: False).lanes():
        for each in objects:
            if each.place.tombstones:
                continue
            try:
                first = next(how.open(bucket, each, 0).pieces, None)
            except DataError:
                continue
            if first is not None and not isinstance(first, BadRecord):
                value = first.value.slice(0, 1).rows().values[0]
                return isinstance(value, dict) and value.keys() >= set(ENVELOPE)
    return False


def look(config: S3SourceConfig) -> Look:
    """What is in an archive. Raises RetriableError while the server is away."""
    bucket = bucket_to_read(config)
    listing = Listing(bucket, Share(config), lambda seconds: False)
    lanes = list(listing.lanes())
    return Look(config, lanes, listing.passed_over, bucket)


def _stranger(found: Archived, why: str) -> Examined:
    place = found.place
    misplaced = f"{why}, and its name is that of an object of {place.topic}"
    return Examined(found.listed.key, place.topic, place.partition, place.start, None, 0, misplaced=misplaced)


def _examined(bucket: Bucket, how: Contents, found: Archived, following: int | None) -> Examined:
    offsets, count, damage = list[int](), 0, list[str]()
    opened = how.open(bucket, found, 0)
    if missing := how.missing(found):
        damage.append(f"there is no object of its {' and '.join(missing)}")
        opened = how.open(bucket, found, 0)
    known = True
    try:
        for piece in opened.pieces:
            if isinstance(piece, BadRecord):
                damage.append(f"record {piece.at}: {piece.error}")
                count += 1
                continue
            count += len(piece)
            known = known and piece.offsets is not None
            offsets += piece.offsets or ()
    except DataError as error:
        damage.append(f"{error} (its first {count} records can be read)" if count else str(error))
    if not count and not damage and found.place.start is not None:
        damage.append(EMPTY)
    noted = opened.source.metadata.get(LAST_OFFSET, "")
    last = int(noted) if noted.isdigit() and len(noted) < 20 else None if following is None else following - 1
    place = found.place
    exact = tuple(offsets) if known and offsets else None
    return Examined(found.listed.key, place.topic, place.partition, place.start, last, count, exact, tuple(damage))
