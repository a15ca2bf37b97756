"""The keys that the S3 source refuses, or understands without effect, and the instants that its keys name."""

from collections.abc import Mapping
from datetime import UTC, datetime

from ferryman.config import trim
from ferryman.connectors.s3.config.bucket_keys import Only
from ferryman.java.texts import millis
from ferryman.runs.span import milliseconds

_OF_THE_SINK = "it says how the sink writes"
_BY_NAME = "a file's name gives topic, partition and offset, wherever it lies"
_RETRIED = "system errors are retried without end, with a growing wait"
WITHOUT_EFFECT: Mapping[str, str] = {
    "avro.codec": _OF_THE_SINK,
    "aws.s3.backoff.": _RETRIED,
    "aws.s3.fetch.": "listings have the server's page size",
    "aws.s3.part.size.bytes": _OF_THE_SINK,
    "aws.s3.sse.algorithm": "the server decrypts by itself",
    "behavior.on.null.values": _OF_THE_SINK,
    "bucket.listing.max.objects.threshold": "listings are read page by page, whatever their length",
    "bucket.scan.": "each task lists its own objects",
    "connect.meta.data": _OF_THE_SINK,
    "csv.": "it belongs to CsvFormat",
    "distribution.type": "the objects of one partition are read by one task, in order; all others by their folder",
    "enable.conditional.writes": _OF_THE_SINK,
    "expected.max.message.bytes": "the producer's max.request.size says what is too large",
    "file.max.records": _OF_THE_SINK,
    "file.name.timestamp.": _OF_THE_SINK,
    "filename.offset.zero.pad.width": "offsets in names are compared as numbers",
    "flush.": _OF_THE_SINK,
    "json.decimal.format": "JSON without a schema does not say which strings are decimals",
    "kafka.retry.backoff.ms": _RETRIED,
    "locale": _BY_NAME,
    "parquet.codec": _OF_THE_SINK,
    "parse.error.topic.prefix": "errors.deadletterqueue.topic.name names the dead letter queue",
    "partition.": _BY_NAME,
    "partitioner.max.open.files": _OF_THE_SINK,
    "path.format": _BY_NAME,
    "report.null.values.to.dlq": _OF_THE_SINK,
    "retry.backoff.ms": _RETRIED,
    "ring.buffer.size": "positions are kept for each folder and partition",
    "rotate.": _OF_THE_SINK,
    "s3.acl.canned": _OF_THE_SINK,
    "s3.compression.": "names of objects show whether they are compressed",
    "s3.elastic.buffer.": _OF_THE_SINK,
    "s3.http.send.expect.continue": "the client decides",
    "s3.memory.bytes": _OF_THE_SINK,
    "s3.object.": _OF_THE_SINK,
    "s3.part.size": _OF_THE_SINK,
    "s3.retry.backoff.ms": _RETRIED,
    "s3.schema.partition.affix.type": _BY_NAME,
    "s3.send.digest": _OF_THE_SINK,
    "s3.sse.kms.key.id": "the server decrypts by itself",
    "s3.ssea.name": "the server decrypts by itself",
    "schema.cache.size": "schemas are kept while they are in use",
    "schema.compatibility": _OF_THE_SINK,
    "schema.registry.url": "files of Avro have their schemas; a converter has its own key",
    "schemas.cache.config": "schemas are kept while they are in use",
    "shutdown.timeout.ms": "nothing runs in the background",
    "timestamp.": _BY_NAME,
    "timezone": _BY_NAME,
    "topic.partitions": "restore.partitions chooses partitions",
    "topics.regex": "restore.topics chooses topics",
    "value.serializer": "value.converter says how values are written",
}
"""Keys (prefixes end in a dot) that are understood, change nothing that is read, and are warned about with this reason.
"""

ONLY: Only = {
    "allow.optional.map.keys": (frozenset({"false"}), "maps with optional keys are lists of entries"),
    "enhanced.avro.schema.support": (frozenset({"true", "false"}), "enums and namespaces are always kept"),
    "file.metadata.headers.enable": (frozenset({"false"}), "use restore.original.headers"),
    "format.json.schema.enable": (frozenset({"false"}), "values of JSON have no schema; let a transform give them one"),
    "storage.class": (frozenset({"io.confluent.connect.s3.storage.s3storage"}), "this source reads from S3"),
}
"""Keys whose other values would change what is read."""

REFUSED: Mapping[str, str] = {
    "file.prefix.template": "put the prefix into file.name.template",
    "format.json.": "values of JSON have no schema; let a transform give them one",
    "value.schema": "values have the schema that is in their file",
}

CONFLUENT_ONLY = frozenset(
    {
        "behavior.on.error",
        "directory.delim",
        "file.delim",
        "filename.regex",
        "folders",
        "format.bytearray.extension",
        "format.bytearray.separator",
        "format.class",
        "headers.format.class",
        "keys.format.class",
        "mode",
        "store.envelope",
        "store.kafka.headers",
        "store.kafka.keys",
        "tombstone.encoded.partition",
        "topic.regex.list",
        "topics.dir",
    }
)
AIVEN_ONLY = frozenset(
    {
        "aws.s3.prefix",
        "aws_s3_prefix",
        "file.compression.type",
        "file.name.template",
        "format.output.envelope",
        "format.output.fields",
        "format.output.fields.value.encoding",
        "format.output.type",
        "input.format",
        "input.type",
        "native.start.key",
        "output_compression",
        "output_fields",
        "topic",
        "transformer.max.buffer.size",
    }
)


def instant(text: str) -> int | None:
    """Milliseconds since the epoch, of such a number (eleven digits or more) or of ISO 8601 (UTC where it names no
    zone); None if it is empty.

    Raises ValueError for anything else.
    """
    text = trim(text)
    if not text:
        return None
    told = milliseconds(text)
    if told is not None:
        return told
    found = datetime.fromisoformat(text)
    return millis(found if found.tzinfo else found.replace(tzinfo=UTC))
