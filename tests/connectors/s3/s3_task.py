"""Drives the S3 sink as the runtime does: partitions, what their group has committed, a bucket, kills in between."""

import gzip
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import boto3
import fastavro
import polars as pl
from botocore.config import Config

from ferryman.api import Assigned, Committed, SinkContext
from ferryman.connectors.s3.sink import S3SinkConnector
from ferryman.errors import DataError, Indeterminate, RetriableError
from ferryman.record import Batch, Data, Headers, Polled, Rows, TopicPartition
from ferryman.schema import Schema

CONFLUENT = "io.confluent.connect.s3.S3SinkConnector"
AIVEN = "io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector"
P0, P1 = TopicPartition("orders", 0), TopicPartition("orders", 1)
MANIFESTS = "_ferryman/"
TEMPORARY = re.compile(r"-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


class Killed(BaseException):
    """The process died here."""


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
class World:
    """A bucket, Kafka partitions with their logs, what their group has committed, and the process of the sink."""

    url: str
    bucket: str
    more: Mapping[str, str] = field(default_factory=dict)
    schema: Schema | None = None
    key_schema: Schema | None = None
    logs: dict[TopicPartition, list[Log]] = field(default_factory=lambda: {P0: [], P1: []})
    group: dict[TopicPartition, Committed] = field(default_factory=dict)
    positions: dict[TopicPartition, int] = field(default_factory=dict)
    beginning: int = 0
    topic_id: str = "id-1"
    topic: str | None = None
    die_at: tuple[str, int] | None = None
    requested: bool = False
    reported: list[tuple[int, str]] = field(default_factory=list)
    sink: S3SinkConnector | None = None
    as_data: Callable[[Schema | None, Sequence[Any]], Data] = Rows
    whole: Mapping[str, str] | None = None
    visited: list[str] = field(default_factory=list)
    read: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    """What was in objects, by key and ETag, which changes with their bytes."""

    def __post_init__(self) -> None:
        self.s3 = client(self.url)
        self.s3.create_bucket(Bucket=self.bucket)

    @property
    def raw(self) -> dict[str, str]:
        """The connector's config, ``whole`` or the usual one with ``more``."""
        if self.whole is not None:
            return dict(self.whole)
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

    def crash_point(self, name: str) -> None:
        """Dies if this is the point and the time."""
        self.visited.append(name)
        if self.die_at is None or self.die_at[0] != name:
            return
        self.die_at = (name, self.die_at[1] - 1)
        if self.die_at[1] <= 0:
            raise Killed(name)

    def context(self) -> SinkContext:
        """The sink's context."""
        return SinkContext(
            connector="archive",
            task=0,
            cluster="c",
            raw=self.raw,
            crash_point=self.crash_point,
            report=lambda batch, index, error: self.reported.append((batch.offsets[index], str(error))),
            request_commit=self.request,
            commit=lambda wanted: None,
        )

    def request(self) -> None:
        """The sink wants a commit soon."""
        self.requested = True

    def config(self) -> Any:
        """The parsed config."""
        return S3SinkConnector.config_class.parse(self.raw)

    def begin(self, *sources: TopicPartition) -> S3SinkConnector:
        """A new process starts and gets the partitions."""
        self.kill()
        self.sink = S3SinkConnector(self.config(), self.context())
        self.sink.start()
        owned = sources or tuple(self.logs)
        starts = self.sink.open([self.assigned(source) for source in owned])
        self.positions = {
            source: starts.get(source, self.group[source].offset if source in self.group else self.beginning)
            for source in owned
        }
        return self.sink

    def assigned(self, source: TopicPartition) -> Assigned:
        """The partition as the group sees it."""
        end = len(self.logs[source])
        return Assigned(source, self.topic_id, self.group.get(source), self.beginning, end, self.beginning)

    def kill(self) -> None:
        """The process is gone; nothing is done for it."""
        if self.sink is not None:
            self.sink._silence()
            self.sink._pool.shutdown(wait=True, cancel_futures=True)
            self.sink = None

    def end(self) -> None:
        """The task stops in order."""
        self.commit()
        self.running.close(list(self.positions))
        self.running.stop()
        self.sink = None

    @property
    def running(self) -> S3SinkConnector:
        """The sink."""
        assert self.sink is not None
        return self.sink

    def produce(self, source: TopicPartition, *records: Log) -> None:
        """Appends to a partition."""
        self.logs[source] += records

    def batch(self, source: TopicPartition, start: int, records: Sequence[Log]) -> Batch:
        """Records from an offset on."""
        count = len(records)
        offsets = list(range(start, start + count))
        stamps = [record.timestamp for record in records]
        polled = Polled(*source, offsets, stamps, [None] * count, [b""] * count)
        headers = [record.headers for record in records]
        values = [record.value for record in records]
        return Batch(
            topic=self.topic or source.topic,
            partition=source.partition,
            key=Rows(self.key_schema, [record.key for record in records]),
            value=Rows(self.schema, values) if None in values else self.as_data(self.schema, values),
            timestamps=stamps,
            headers=headers if any(headers) else None,
            origin=polled,
            positions=range(count),
        )

    def put(self, source: TopicPartition, count: int = 1_000_000) -> None:
        """Hands over the next records, and what is guilty of a data error to nobody."""
        start = self.positions[source]
        waiting = [(start, self.logs[source][start : start + count])]
        while waiting:
            at, records = waiting.pop()
            if not records:
                continue
            try:
                self.running.put_batch(self.batch(source, at, records))
            except DataError as error:
                if len(records) == 1:
                    self.reported.append((at, str(error)))
                else:
                    middle = len(records) // 2
                    waiting += [(at + middle, records[middle:]), (at, records[:middle])]
                    continue
            self.positions[source] = at + len(records)

    def commit(self, answered: bool = True, accepted: bool = True) -> None:
        """The loop's commit. Raises Indeterminate if it gets no answer; refused, nothing happened."""
        self.requested = False
        wanted = self.running.pre_commit(dict(self.positions))
        wanted = {source: each for source, each in wanted.items() if each.offset <= self.positions[source]}
        news = {source: each for source, each in wanted.items() if self.group.get(source) != each}
        if not accepted or not news:
            return
        for source, each in news.items():
            assert source not in self.group or each.offset >= self.group[source].offset
            assert len(each.metadata.encode()) <= 4096
        self.group |= news
        if not answered:
            raise Indeterminate("the answer never came")
        self.running.committed(news)

    def drain(self) -> None:
        """Reads everything, with as many commits as that takes."""
        for _ in range(3):
            for source in self.positions:
                self.put(source)
            self.commit()

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
        """The names and ETags of all visible objects but manifests."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        # While it writes an object, S3Proxy lists the file that it will rename, with an id behind the name and no ETag.
        every = [each for page in pages for each in page.get("Contents", []) if "ETag" in each]
        found = {each["Key"]: each["ETag"] for each in every}
        return {
            key: found[key]
            for key in sorted(found)
            if not TEMPORARY.search(key) and (prefix == MANIFESTS or not key.startswith(MANIFESTS))
        }

    def objects(self, prefix: str = "") -> list[str]:
        """The names of all visible objects but manifests."""
        return [*self.listed(prefix)]

    def get(self, key: str) -> bytes:
        """An object's bytes."""
        return bytes(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())

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
