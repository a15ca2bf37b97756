"""Drives the S3 sink as the runtime does: partitions, what their group has committed, a bucket, kills in between."""

import gzip
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
import fastavro
import polars as pl
from botocore.config import Config

from ferryman.connectors.s3.sink import S3SinkConnector
from ferryman.errors import Indeterminate, RetriableError
from ferryman.record import Batch, Data, Headers, Rows, TopicPartition
from ferryman.schema import Schema
from tests.connectors.sink_world import Killed, LogWorld, batch_at

CONFLUENT = "io.confluent.connect.s3.S3SinkConnector"
AIVEN = "io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector"
P0, P1 = TopicPartition("orders", 0), TopicPartition("orders", 1)
MANIFESTS = "_ferryman/"
HEADS = "_ferryman-heads/"
BY_GROUP = {"enable.conditional.writes": "false"}
"""A server that does not compare, so that the group's offsets are the truth."""
TEMPORARY = re.compile(r"-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


@dataclass(frozen=True)
class Log:
    """One record of a Kafka partition."""

    value: Any
    timestamp: int = 1_700_000_000_000
    key: Any = None
    headers: Headers = ()


def client(url: str) -> Any:
    """A client of the test's server."""
    return boto3.client(
        "s3",
        endpoint_url=url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
    )


@dataclass
class World(LogWorld[S3SinkConnector, Log]):
    """A bucket, Kafka partitions with their logs, what their group has committed, and the process of the sink."""

    url: str
    bucket: str
    more: Mapping[str, str] = field(default_factory=dict)
    schema: Schema | None = None
    key_schema: Schema | None = None
    logs: dict[TopicPartition, list[Log]] = field(default_factory=lambda: {P0: [], P1: []}, kw_only=True)
    topic: str | None = None
    as_data: Callable[[Schema | None, Sequence[Any]], Data] = Rows
    read: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    """What was in objects, by key and ETag, which changes with their bytes."""

    def __post_init__(self) -> None:
        self.s3 = client(self.url)
        self.s3.create_bucket(Bucket=self.bucket)

    @property
    def usual(self) -> dict[str, str]:
        return {
            "name": "archive",
            "connector.class": CONFLUENT,
            "topics": "orders",
            "s3.bucket.name": self.bucket,
            "store.url": self.url,
            "aws.access.key.id": "test",
            "aws.secret.access.key": "test",
            "storage.class": "io.confluent.connect.s3.storage.S3Storage",
            "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
            "flush.size": "3",
            "s3.part.retries": "0",
            **self.more,
        }

    def config(self) -> Any:
        """The parsed config."""
        return S3SinkConnector.config_class.parse(self.raw)

    def made(self) -> S3SinkConnector:
        return S3SinkConnector(self.config(), self.context())

    def gone(self, sink: S3SinkConnector) -> None:
        sink._silence()
        sink._pool.shutdown(wait=True, cancel_futures=True)

    def batch(self, source: TopicPartition, start: int, records: Sequence[Log]) -> Batch:
        headers = [record.headers for record in records]
        values = [record.value for record in records]
        made = batch_at(
            source,
            start,
            Rows(self.schema, values) if None in values else self.as_data(self.schema, values),
            key=Rows(self.key_schema, [record.key for record in records]),
            timestamps=[record.timestamp for record in records],
            headers=headers if any(headers) else None,
        )
        return replace(made, topic=self.topic or source.topic)

    def live(self, act: Callable[[], object]) -> None:
        """Runs the task with restarts, as the runtime does."""
        try:
            act()
        except Killed:
            self.kill()
            self.die_at = None
            self.live(self.begin)
        except Indeterminate:
            self.running.stop()
            self.sink = None
            # The new one may die as well: what had no answer is finished when it opens.
            self.live(self.begin)
        except RetriableError:
            pass

    def listed(self, prefix: str = "") -> dict[str, str]:
        """The names and ETags of all visible objects but manifests and heads."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        # While it writes an object, S3Proxy lists the file that it will rename, with an id behind the name and no ETag.
        every = [each for page in pages for each in page.get("Contents", []) if "ETag" in each]
        found = {each["Key"]: each["ETag"] for each in every}
        return {
            key: found[key]
            for key in sorted(found)
            if not TEMPORARY.search(key) and (prefix in (MANIFESTS, HEADS) or not key.startswith((MANIFESTS, HEADS)))
        }

    def objects(self, prefix: str = "") -> list[str]:
        """The names of all visible objects but manifests and heads."""
        return [*self.listed(prefix)]

    def get(self, key: str) -> bytes:
        """An object's bytes."""
        return bytes(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def heads(self) -> dict[TopicPartition, dict[str, Any]]:
        """What the heads say, by partition."""
        found = {}
        for key in self.objects(HEADS):
            *_, topic, partition = key.removesuffix(".json").split("/")
            found[TopicPartition(topic, int(partition))] = json.loads(self.get(key))
        return found

    def archived(self) -> dict[TopicPartition, int]:
        """How far the archive of each partition has got, by whatever is the truth."""
        if BY_GROUP.items() <= self.raw.items():
            return {source: each.offset for source, each in self.group.items()}
        return {source: int(head["offset"] or 0) for source, head in self.heads().items()}

    def contents(self) -> dict[str, list[Any]]:
        """The records in each object."""
        found = self.listed()
        for key, tag in found.items():
            if (key, tag) not in self.read:
                self.read[key, tag] = records(key, self.get(key))
        return {key: self.read[key, tag] for key, tag in found.items()}

    def uploads(self) -> list[str]:
        """The keys of open uploads."""
        return sorted(each["Key"] for each in self.s3.list_multipart_uploads(Bucket=self.bucket).get("Uploads", []))

    def abort_uploads(self) -> None:
        """What a bucket's rule does to uploads that stay open."""
        for each in self.s3.list_multipart_uploads(Bucket=self.bucket).get("Uploads", []):
            self.s3.abort_multipart_upload(Bucket=self.bucket, Key=each["Key"], UploadId=each["UploadId"])


def records(key: str, data: bytes) -> list[Any]:
    """The records in an object of any format."""
    if key.endswith(".parquet"):
        return pl.read_parquet(io.BytesIO(data)).to_dicts()
    if key.endswith(".avro"):
        return list(fastavro.reader(io.BytesIO(data)))
    if key.endswith(".gz"):
        data = gzip.decompress(data)
    return [json.loads(line) for line in data.splitlines()]


def use_aiven(world: World, **more: str) -> None:
    """Gives the world one of Aiven's configs, which has none of Confluent's keys."""
    world.whole = {
        "name": "archive",
        "connector.class": AIVEN,
        "topics": "orders",
        "aws.s3.bucket.name": world.bucket,
        "aws.s3.endpoint": world.url,
        "aws.s3.region": "us-east-1",
        "aws.access.key.id": "test",
        "aws.secret.access.key": "test",
        **more,
    }
