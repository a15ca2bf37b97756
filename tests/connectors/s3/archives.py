"""Configs of archives for the tests of the S3 sink, and records that go there."""

from typing import Any

from ferryman.record import TopicPartition
from tests.connectors.s3.s3_task import P0, Log, World

FORMATS = "io.confluent.connect.s3.format"
AVRO = {"format.class": f"{FORMATS}.avro.AvroFormat"}
PARQUET = {"format.class": f"{FORMATS}.parquet.ParquetFormat"}
BYTES_FORMAT = {"format.class": f"{FORMATS}.bytearray.ByteArrayFormat"}
PARTITIONERS = "io.confluent.connect.storage.partitioner"
BY_FIELD = {"partitioner.class": f"{PARTITIONERS}.FieldPartitioner", "partition.field.name": "kind"}
BY_RECORD_TIME = {
    "partitioner.class": f"{PARTITIONERS}.TimeBasedPartitioner",
    "path.format": "'year'=YYYY/'month'=MM/'day'=dd/'hour'=HH",
    "partition.duration.ms": "3600000",
    "timestamp.extractor": "Record",
    "locale": "en-US",
    "timezone": "UTC",
}
NOON = 1_700_049_600_000
HOUR = 3_600_000


def write(world: World, *records: Log, source: TopicPartition = P0) -> dict[str, list[Any]]:
    """What is in the bucket after these records and a commit."""
    world.produce(source, *records)
    if world.sink is None:
        world.begin()
    world.put(source)
    world.commit()
    return world.contents()


def numbered(count: int, **more: Any) -> list[Log]:
    return [Log({"id": number, **more}) for number in range(count)]
