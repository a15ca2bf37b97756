"""The S3 sink's keys that say where objects go and who may write them; and those it refuses or that do nothing."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal

from ferryman.config import Bool, Int, Long, Shown, Str, Strings, any_case, key
from ferryman.connector import SinkConfig
from ferryman.connectors.s3.config.bucket_keys import BucketKeys, Only, invalid
from ferryman.errors import KeyProblem

WITHOUT_EFFECT: Mapping[str, str] = {
    "aws.s3.backoff.": "system errors are retried without end, with a growing wait",
    "kafka.retry.backoff.ms": "system errors are retried without end, with a growing wait",
    "max.files.scan.limit": "a name that is taken gets an addition",
    "max.write.duration.ms": "the loop stays in its group while it writes",
    "retry.backoff.ms": "system errors are retried without end, with a growing wait",
    "s3.elastic.buffer.": "buffers grow as needed; s3.memory.bytes bounds them all together",
    "s3.http.send.expect.continue": "the client decides",
    "s3.retry.backoff.ms": "system errors are retried without end, with a growing wait",
    "schema.cache.size": "schemas are kept while they are in use",
    "schema.generator.class": "no version of the sink used it",
    "schemas.cache.config": "schemas are kept while they are in use",
    "shutdown.timeout.ms": "nothing runs in the background",
}
"""Keys (prefixes end in a dot) that are understood, change nothing here, and are warned about with this reason."""

_ONLY: Only = {
    "allow.optional.map.keys": (frozenset({"false"}), "maps with optional keys are written as lists of entries"),
    "enhanced.avro.schema.support": (frozenset({"true"}), "enums and namespaces are always kept"),
    "storage.class": (frozenset({"io.confluent.connect.s3.storage.S3Storage"}), "this sink writes to S3"),
}
"""Keys whose other values would change what is written, where to or how it is protected."""

CONFLUENT_ONLY = frozenset(
    {
        "behavior.on.null.values",
        "connect.meta.data",
        "directory.delim",
        "file.delim",
        "filename.offset.zero.pad.width",
        "format.bytearray.extension",
        "format.bytearray.separator",
        "format.class",
        "headers.format.class",
        "json.decimal.format",
        "keys.format.class",
        "locale",
        "parquet.codec",
        "partition.duration.ms",
        "partition.field.name",
        "partitioner.class",
        "path.format",
        "report.null.values.to.dlq",
        "rotate.file.on.partition.change",
        "rotate.interval.ms",
        "rotate.schedule.interval.ms",
        "s3.compression.level",
        "s3.compression.type",
        "s3.object.behavior.on.tagging.error",
        "s3.object.tagging",
        "s3.object.tagging.key.value.pairs",
        "s3.schema.partition.affix.type",
        "schema.compatibility",
        "store.envelope",
        "store.kafka.headers",
        "store.kafka.keys",
        "timestamp.extractor",
        "timestamp.field",
        "timezone",
        "tombstone.encoded.partition",
        "topics.dir",
    }
)
AIVEN_ONLY = frozenset(
    {
        "aws.s3.prefix",
        "aws_s3_prefix",
        "file.compression.type",
        "file.name.template",
        "file.name.timestamp.source",
        "file.name.timestamp.timezone",
        "format.output.envelope",
        "format.output.fields",
        "format.output.fields.value.encoding",
        "format.output.type",
        "output_compression",
        "output_fields",
    }
)

MOST_TAGS = 7
"""How many tags an object can have besides the three that the sink makes, by S3's rules."""


class S3Keys(BucketKeys, SinkConfig):
    """Encryption, tags, uploads."""

    refused: ClassVar[Mapping[str, str]] = {
        "file.prefix.template": "put the prefix into file.name.template",
    }
    ignored: ClassVar[tuple[str, ...]] = (*SinkConfig.ignored, *WITHOUT_EFFECT, *_ONLY)
    confluent_only: ClassVar[frozenset[str]] = CONFLUENT_ONLY
    aiven_only: ClassVar[frozenset[str]] = AIVEN_ONLY
    only: ClassVar[Only] = _ONLY
    what: ClassVar[str] = "S3 sink"

    sse: Annotated[Literal["", "AES256", "aws:kms"], any_case("", "AES256", "aws:kms")] = key(
        "", names=("s3.ssea.name", "aws.s3.sse.algorithm"), shown=Shown(group="S3")
    )
    """How the server encrypts objects: AES256, aws:kms, or as the bucket says."""
    sse_kms_key_id: Str = key("", names=("s3.sse.kms.key.id",), shown=Shown(group="S3"))
    """The key for aws:kms."""
    acl: Str | None = key(None, names=("s3.acl.canned",), shown=Shown(group="S3"))
    """A canned ACL for each object."""
    tagging: Bool = key(False, names=("s3.object.tagging",), importance="LOW", shown=Shown(group="S3"))
    """Whether objects get the tags startOffset, endOffset (of the last record) and recordCount when they appear."""
    tags: Strings = key([], names=("s3.object.tagging.key.value.pairs",), importance="LOW", shown=Shown(group="S3"))
    """With s3.object.tagging: further tags, each as name:value."""
    on_tagging_error: Annotated[Literal["ignore", "fail"], any_case("ignore", "fail")] = key(
        "ignore", names=("s3.object.behavior.on.tagging.error",), importance="LOW", shown=Shown(group="S3")
    )
    """With s3.object.tagging: whether a refusal to tag an object fails the task; outages are waited for."""
    part_size: Int | None = key(
        None,
        names=("s3.part.size", "aws.s3.part.size.bytes"),
        at_least=5 * 1024 * 1024,
        importance="HIGH",
        shown=Shown(group="S3", default_text="26214400"),
    )
    """Bytes in a part of a multipart upload; under Aiven's class name the default is 5242880."""
    send_digest: Bool = key(False, names=("s3.send.digest",), shown=Shown(group="S3"))
    """Whether each upload carries a checksum (CRC-32) that the server verifies."""
    conditional_writes: Bool = key(True, names=("enable.conditional.writes",), shown=Shown(group="Exactly Once"))
    """Whether the server is asked to compare before it writes, so that heads tell how far the archive has got, and
    completing an upload is refused where an object is in the way. For servers without If-Match and If-None-Match:
    false; then the group's offsets tell it, and such an object is overwritten."""
    manifest_prefix: Str = key("_ferryman", names=("s3.manifest.prefix",), shown=Shown(group="Exactly Once"))
    """Where in the bucket the sink keeps what is its own: with -heads behind it the heads, and as it is the manifests
    that there are where the group's offsets are the truth, between a commit and the appearance of its objects."""
    memory: Long = key(
        256 * 1024 * 1024, names=("s3.memory.bytes",), at_least=16 * 1024 * 1024, shown=Shown(group="Exactly Once")
    )
    """Bytes that all open files of a task may hold together; beyond that they are uploaded, or closed, early."""

    def place_problems(self) -> Iterator[KeyProblem]:
        """What is wrong across these keys."""
        yield from super().place_problems()
        if self.sse_kms_key_id and self.sse != "aws:kms":
            yield invalid("s3.sse.kms.key.id", self.sse_kms_key_id, "it needs s3.ssea.name=aws:kms")
        if self.sse_customer_key is not None and self.sse == "aws:kms":
            yield invalid("s3.ssea.name", self.sse, "a customer's key goes with AES256 only")
        if not all(re.fullmatch("[^:]+:.*", tag) for tag in self.tags):
            yield invalid("s3.object.tagging.key.value.pairs", ",".join(self.tags), "each must be name:value")
        if len(self.tags) > MOST_TAGS:
            yield invalid("s3.object.tagging.key.value.pairs", ",".join(self.tags), f"at most {MOST_TAGS} fit")
        if not self.manifest_prefix.strip("/"):
            yield invalid("s3.manifest.prefix", self.manifest_prefix, "String must be non-empty")
