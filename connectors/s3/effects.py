"""What objects the S3 sink would make of records, and what the S3 source asks the bucket first; no server is asked.

Records go the sink's own way, up to where bytes would be uploaded.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from ferryman.connectors.s3.bucket.bucket import Bucket
from ferryman.connectors.s3.commit import head
from ferryman.connectors.s3.commit.intake import Intake
from ferryman.connectors.s3.commit.open_file import File
from ferryman.connectors.s3.commit.partition_files import PartitionFiles
from ferryman.connectors.s3.config.sink_config import S3SinkConfig
from ferryman.connectors.s3.config.source_config import S3SourceConfig
from ferryman.connectors.s3.layout.layout import layout
from ferryman.connectors.s3.restore import positions
from ferryman.connectors.s3.restore.listing import Lane, Listing, Share
from ferryman.effects import Effect
from ferryman.errors import DataError
from ferryman.record import Batch, in_order

_OPEN = "; it stays open until it is closed by time, more records or the end"
_EACH_COMMIT = "; it is closed by the next commit"


def objects(config: S3SinkConfig, connector: str, batches: Sequence[Batch]) -> Iterator[Effect]:
    """The objects, those that records close and those that are open then, and the records that no object can hold."""
    found = layout(config)
    passed: list[Effect] = []

    def passed_over(batch: Batch, index: int) -> None:
        place = f"{batch.source}@{batch.offsets[index]}"
        passed.append(Effect("passed over", place, "the value is null, and null values are ignored"))

    intake = Intake(found, config.schema_compatibility, config.nulls, passed_over)
    for source, same in groupby(batches, lambda batch: batch.source):
        partition = PartitionFiles(source, "", connector, found.names.key)
        yield from _refused(intake, partition, list(same))
        closed = len(partition.closed)
        partition.rotate()
        for number, generation in enumerate(partition.closed):
            rest = "" if number < closed else _EACH_COMMIT if found.rotation.each_commit else _OPEN
            yield from (_object(config, file, rest) for file in generation.files)
    yield from passed
    if config.conditional_writes:
        prefix = head.folder(config.manifest_prefix, "CLUSTER-ID", connector)
        yield Effect("offsets", f"s3://{config.bucket}/{prefix}", "a head for each partition, moved by If-Match")
    else:
        yield Effect("offsets", "the group", "the offset, with the objects' names in its metadata")


def _refused(intake: Intake, partition: PartitionFiles, batches: Sequence[Batch]) -> Iterator[Effect]:
    """Takes what can be taken; tells the rest."""
    with suppress(DataError):
        intake.take_all(partition, batches)
        return
    for batch in in_order(batches):
        for index in range(len(batch)):
            try:
                # What was taken before is passed over when it comes again.
                intake.take_all(partition, [batch.slice(index, index + 1)])
            except DataError as error:
                yield Effect("refused", f"{batch.source}@{batch.offsets[index]}", str(error))


def _object(config: S3SinkConfig, file: File, rest: str) -> Effect:
    file.finish()
    key, offsets, size = file.identity.key(file.offsets.first), file.offsets, len(file.buffer)
    side = f" of {file.destination.side}" if file.destination.side else ""
    records = f"{offsets.count:,} {'record' if offsets.count == 1 else 'records'}{side}"
    text = f"{records}, offsets {offsets.first} to {offsets.last} of {file.identity.source}, {size:,} bytes{rest}"
    details = {
        "bucket": config.bucket,
        "key": key,
        "partition": str(file.identity.source),
        "first_offset": offsets.first,
        "last_offset": offsets.last,
        "records": offsets.count,
        "bytes": size,
        "open": bool(rest),
    }
    return Effect("object", f"s3://{config.bucket}/{key}", text, details)


@dataclass
class _Listener:
    """A client that hears what is asked, and finds nothing."""

    asked: list[Mapping[str, str]] = field(default_factory=list)

    def list_objects_v2(self, **parameters: str) -> Mapping[str, Any]:
        """As boto3's client has it."""
        self.asked.append(parameters)
        return {}


def listings(config: S3SourceConfig) -> Iterator[Effect]:
    """The requests of the first look, and the source partitions that come of it."""
    client, where = _Listener(), f" at {config.store_url}" if config.store_url else ""
    # Nothing is there, so that the listing is all that is asked.
    list(Listing(Bucket(client, config.bucket), Share(config), lambda seconds: False).lanes())
    for asked in client.asked:
        text = ", ".join(f"{name}={value}" for name, value in asked.items())
        yield Effect("request", f"ListObjectsV2{where}", text, asked)
    lane = positions.partition_of(config.bucket, Lane("a folder", "a topic", 0))
    yield Effect("offsets", str(dict(lane)), "the object, how many of its records were read, whether these are all")
