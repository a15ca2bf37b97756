"""The S3 source's keys: which objects, what is in them, and what of it goes back to Kafka."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from ferryman.config import Bool, Int, Long, Plugin, Shown, Str, Strings, Text, any_case, key, trim
from ferryman.connector import SourceConfig
from ferryman.connectors.s3.config.bucket_keys import BucketKeys, Only, header_warnings, invalid
from ferryman.connectors.s3.config.source_keys import (
    AIVEN_ONLY,
    CONFLUENT_ONLY,
    ONLY,
    REFUSED,
    WITHOUT_EFFECT,
    instant,
)
from ferryman.connectors.s3.config.source_template import VARIABLE, template_problem
from ferryman.errors import ConfigError, KeyProblem
from ferryman.regex.pattern import compiled

FORMATS = ("AvroFormat", "JsonFormat", "ByteArrayFormat", "ParquetFormat")
GENERIC_FORMATS = (*FORMATS, "StringFormat")
HEADERS_FORMATS = ("AvroFormat", "JsonFormat", "ParquetFormat")
PARTITIONERS = (
    "DefaultPartitioner",
    "FieldPartitioner",
    "TimeBasedPartitioner",
    "DailyPartitioner",
    "HourlyPartitioner",
    "FieldAndTimeBasedPartitioner",
)
AIVENS_NAMES = "{{topic}}-{{partition}}-{{start_offset}}"
"""How Aiven's sink calls objects if nothing else is said, but for what stands behind."""
FILENAME = r"(.+)\+(\d+)\+.+$"
"""The default of Confluent's filename.regex."""


class S3SourceConfig(BucketKeys, SourceConfig):
    """What the S3 source adds."""

    refused: ClassVar[Mapping[str, str]] = REFUSED
    ignored: ClassVar[tuple[str, ...]] = (*SourceConfig.ignored, *WITHOUT_EFFECT, *ONLY)
    confluent_only: ClassVar[frozenset[str]] = CONFLUENT_ONLY
    aiven_only: ClassVar[frozenset[str]] = AIVEN_ONLY
    only: ClassVar[Only] = ONLY
    what: ClassVar[str] = "S3 source"

    mode: Annotated[Literal["RESTORE_BACKUP", "GENERIC"], any_case("RESTORE_BACKUP", "GENERIC")] = key(
        "RESTORE_BACKUP", importance="HIGH", shown=Shown(group="Objects")
    )
    """Whether objects are called as Confluent's S3 sink and ours name them, which tells topic, partition and offset; or
    anything (GENERIC), and topic.regex.list says where they go."""
    format_class: Plugin | None = key(None, importance="HIGH", shown=Shown(group="Objects"))
    """Required under Confluent's class name. What is in the objects: io.confluent.connect.s3.format.avro.AvroFormat,
    .json.JsonFormat, .bytearray.ByteArrayFormat, .parquet.ParquetFormat, or with mode=GENERIC .string.StringFormat;
    simple names are enough. Objects with another extension are passed over."""
    topics_dir: Str = key("topics", importance="HIGH", shown=Shown(group="Objects"))
    """The prefix of all objects; may be empty."""
    directory_delim: Str = key("/", shown=Shown(group="Objects"))
    """What separates directories. With one that may stand in the name of a topic, such as ``_``, objects must lie below
    the folder of their topic."""
    file_delim: Str = key("+", shown=Shown(group="Objects"))
    """What separates topic, partition and start offset in an object's name, as the sink's config has it; more than
    digits."""
    folders: Strings = key([], shown=Shown(group="Objects"))
    """Only objects below one of these folders are read, with ``topics/orders`` none of ``topics/orders-eu``. They begin
    with topics.dir, as names of objects do."""
    filename_regex: Str = key(FILENAME, shown=Shown(group="Objects"))
    """What a file's name looks like; its first two groups are topic and partition. With another one than the default
    the offset is not known, and files are read in the order of their names."""
    topic_regex_list: Strings = key([], shown=Shown(group="Objects"))
    """With mode=GENERIC: topics and what names of their objects, from the beginning of the bucket, look like, each as
    topic:regex. The first that is found in a name counts."""
    partitioner: Plugin = key("DefaultPartitioner", names=("partitioner.class",), shown=Shown(group="Objects"))
    """The sink's partitioner. All are read alike: a file's name tells the partition, wherever it lies."""
    record_batch_max_size: Int = key(
        2000, names=("record.batch.max.size", "max.poll.records"), at_least=1, shown=Shown(group="Reading")
    )
    """The most records of a transaction. Confluent's default is 200, Aiven's 500."""
    poll_interval_ms: Long = key(60_000, names=("s3.poll.interval.ms",), at_least=1, shown=Shown(group="Reading"))
    """How many milliseconds after everything was read the bucket is listed again."""
    discover_from: Long = key(0, names=("file.discovery.starting.timestamp",), at_least=0, shown=Shown(group="Objects"))
    """Objects that were last written before are passed over; in milliseconds since the epoch."""
    on_error: Annotated[Literal["fail", "ignore", "log"], any_case("fail", "ignore", "log")] = key(
        "fail", names=("behavior.on.error",), shown=Shown(group="Reading")
    )
    """What a damaged object or record does: fail is what errors.tolerance says; ignore and log skip it, log with a
    warning."""
    bytearray_extension: Str = key(
        ".bin", names=("format.bytearray.extension",), importance="LOW", shown=Shown(group="Objects")
    )
    """The extension of objects in the bytes format."""
    bytearray_separator: Text = key(
        "\n",
        names=("format.bytearray.separator",),
        importance="LOW",
        shown=Shown(group="Objects", default_text="line separator"),
    )
    """What follows each record in the bytes format; ``\\n``, ``\\r``, ``\\t`` and ``\\\\`` may be written so."""
    store_kafka_keys: Bool = key(False, importance="LOW", shown=Shown(group="Objects"))
    """Whether keys are in objects of their own, with .keys in their names, and are put back; tombstones too."""
    keys_format: Plugin = key(
        "AvroFormat", names=("keys.format.class",), importance="LOW", shown=Shown(group="Objects")
    )
    """The format of the keys' objects."""
    store_kafka_headers: Bool = key(False, importance="LOW", shown=Shown(group="Objects"))
    """Whether headers are in objects of their own, with .headers in their names, and are put back."""
    headers_format: Plugin = key(
        "AvroFormat", names=("headers.format.class",), importance="LOW", shown=Shown(group="Objects")
    )
    """The format of the headers' objects, not ByteArrayFormat."""
    store_envelope: Bool = key(False, importance="LOW", shown=Shown(group="Objects"))
    """Whether each record in the objects has key, value, headers, topic, partition, offset and timestamp as its fields;
    they are put back, and all records of a partition in the order of their offsets. Ours."""
    tombstone_encoded_partition: Str = key("tombstone", importance="LOW", shown=Shown(group="Objects"))
    """With store.kafka.keys: the encoded partition of records whose value is null, of which there are only keys."""
    manifest_prefix: Str = key("_ferryman", names=("s3.manifest.prefix",), shown=Shown(group="Objects"))
    """Where the sink has its manifests, and with ``-heads`` behind it its heads; what is there is passed over."""
    restore_topics: Strings = key([], shown=Shown(group="Restore"))
    """Only these topics, by the names that they have in the archive; without it all. Ours."""
    restore_partitions: Strings = key([], shown=Shown(group="Restore"))
    """Only these partitions, by their numbers in the archive; without it all. Ours."""
    restore_keep_partitions: Bool = key(True, shown=Shown(group="Restore"))
    """Whether records go to the partition that they were in, as far as names of objects tell it. A topic that does not
    have it fails the task. Otherwise the key decides. Ours."""
    restore_from: Str = key("", shown=Shown(group="Restore"))
    """Only records whose timestamp is not before this instant, in ISO 8601 or in milliseconds since the epoch, of
    eleven digits or more. Needs store.envelope=true, or under Aiven's class name timestamp in format.output.fields.
    Ours."""
    restore_to: Str = key("", shown=Shown(group="Restore"))
    """Only records whose timestamp is before this instant. Ours."""
    restore_until: Annotated[Literal["end", "forever"], any_case("end", "forever")] = key(
        "forever", shown=Shown(group="Restore")
    )
    """Whether the source goes on with objects that appear (forever), or is done with those that are there when a task
    starts (end): then the connector is STOPPED. Ours."""
    restore_original_headers: Bool = key(False, shown=Shown(group="Restore"))
    """Whether each record gets headers that say where it was: ferryman.original.topic, .partition, .offset and .range.
    ``ferryman translate-offsets`` needs them. Ours."""
    prefix: Str = key("", names=("aws.s3.prefix", "aws_s3_prefix"), shown=Shown(group="Aiven"))
    """What all names begin with; variables as the sink's config has them are read backwards too."""
    template: Str | None = key(None, names=("file.name.template",), shown=Shown(group="Aiven"))
    """Required under Aiven's class name, but with format.output.type. What names behind the prefix look like, of
    {{topic}}, {{partition}}, {{start_offset}} and {{timestamp}}; what is around them is itself, as the sink has it, or
    else a regular expression. .* is any name."""
    topic: Str | None = key(None, names=("topic", "topics"), shown=Shown(group="Aiven"))
    """The topic, where the template has no {{topic}}."""
    input_format: (
        Annotated[
            Literal["avro", "parquet", "jsonl", "bytes", "json", "csv"],
            any_case("avro", "parquet", "jsonl", "bytes", "json", "csv"),
        ]
        | None
    ) = key(None, names=("input.format", "input.type"), shown=Shown(group="Aiven", default_text="bytes"))
    """The format. json and csv, as Aiven's sink writes them, are ours and need format.output.fields."""
    output_type: (
        Annotated[
            Literal["avro", "csv", "json", "jsonl", "parquet"], any_case("avro", "csv", "json", "jsonl", "parquet")
        ]
        | None
    ) = key(None, names=("format.output.type",), shown=Shown(group="Aiven"))
    """The key of Aiven's sink. With it the sink's defaults hold where the config says nothing else: its format, gzip,
    the field value, and names of topic, partition and offset."""
    input_compression: Literal["none", "gzip", "snappy", "zstd"] | None = key(
        None,
        names=("file.compression.type", "output_compression"),
        shown=Shown(group="Aiven", default_text="none"),
    )
    """The compression of jsonl, bytes, json and csv, and of whole Avro files; Parquet tells its own."""
    bytes_size: Int = key(4096, names=("transformer.max.buffer.size",), at_least=1, shown=Shown(group="Aiven"))
    """How many bytes make a record with input.format=bytes."""
    start_key: Str = key("", names=("native.start.key",), shown=Shown(group="Aiven"))
    """Only objects whose names stand behind this one."""
    output_fields: Strings = key([], names=("format.output.fields", "output_fields"), shown=Shown(group="Aiven"))
    """The key of Aiven's sink: the fields of a record, key, value, offset, timestamp, headers, that are put back. If
    neither it nor format.output.type is set, the whole line or record is the value, and the object's name the key, as
    with Aiven's source."""
    task_count: Int = key(1, names=("internal.restore.tasks",), at_least=1, listed=False)
    """How many tasks the connector has; it tells them itself."""
    output_encoding: Literal["base64", "none"] = key(
        "base64", names=("format.output.fields.value.encoding",), shown=Shown(group="Aiven")
    )
    """With input.format=csv: how values are shown."""
    output_envelope: Bool = key(True, names=("format.output.envelope",), shown=Shown(group="Aiven"))
    """With one field, but for csv: whether it is wrapped in an object or record."""

    @classmethod
    def warnings(cls, raw: Mapping[str, str]) -> Iterable[str]:
        """Also about headers that would not be written as they were."""
        yield from super().warnings(raw)
        yield from header_warnings(raw, "may change headers that are archived as bytes")

    @property
    def format_name(self) -> str:
        """Confluent's format without its package."""
        return (self.format_class or "").rpartition(".")[2]

    @property
    def of_the_sink(self) -> tuple[str, ...]:
        """What the names of the sink's manifests and heads begin with, which are none of the archive's objects."""
        prefix = self.manifest_prefix.strip("/") or "_ferryman"
        return f"{prefix}/", f"{prefix}-heads/"

    @property
    def delim_in_topics(self) -> bool:
        """Whether directory.delim may stand in what a topic is called in the archive."""
        return re.fullmatch("[A-Za-z0-9._=%-]+", self.directory_delim) is not None

    @property
    def skips_damage(self) -> bool:
        """Whether what cannot be read is passed over."""
        return self.errors_tolerance == "all" or self.on_error != "fail"

    @property
    def times(self) -> tuple[int | None, int | None]:
        """Milliseconds since the epoch from which, and up to which, records are wanted."""
        return instant(self.restore_from), instant(self.restore_to)

    @property
    def object_format(self) -> str:
        """What Aiven's objects are."""
        return self.input_format or self.output_type or "bytes"

    @property
    def packing(self) -> str:
        """The compression of Aiven's objects."""
        return self.input_compression or ("none" if self.output_type is None else "gzip")

    @property
    def name_template(self) -> str | None:
        """How Aiven's objects are called behind the prefix; None if that is not known."""
        return self.template or (None if self.output_type is None else AIVENS_NAMES)

    @property
    def fields(self) -> Sequence[str]:
        """Aiven's fields that are put back; none if objects have values only."""
        return self.output_fields or ([] if self.output_type is None else ["value"])

    def problems(self) -> Iterator[KeyProblem]:
        """The rules between keys."""
        yield from super().problems()
        yield from self.place_problems()
        yield from _selection_problems(self)
        yield from _aiven_problems(self) if self.aiven else _confluent_problems(self)


def _selection_problems(config: S3SourceConfig) -> Iterator[KeyProblem]:
    if not all(number.isdecimal() for number in config.restore_partitions):
        yield invalid("restore.partitions", ",".join(config.restore_partitions), "it must be numbers")
    if config.restore_partitions and not _tells_partitions(config):
        yield invalid("restore.partitions", ",".join(config.restore_partitions), "names of objects tell no partition")
    for name, value in (("restore.from", config.restore_from), ("restore.to", config.restore_to)):
        try:
            if value and instant(value) is None:
                continue
        except ValueError:
            yield invalid(
                name, value, "it must be an instant such as 2026-01-31T23:00:00Z, or milliseconds (11 digits or more)"
            )
            continue
        timed = "timestamp" in config.fields if config.aiven else config.store_envelope
        if value and not timed:
            yield invalid(name, value, "these objects do not contain the timestamps of records")


def _tells_partitions(config: S3SourceConfig) -> bool:
    if config.aiven:
        return any(found[1] == "partition" for found in VARIABLE.finditer(config.name_template or ""))
    return config.mode != "GENERIC"


def _confluent_problems(config: S3SourceConfig) -> Iterator[KeyProblem]:
    generic = config.mode == "GENERIC"
    formats = GENERIC_FORMATS if generic else FORMATS
    if config.format_class is None:
        yield KeyProblem("format.class", 'Missing required configuration "format.class" which has no default value.')
    elif config.format_name not in formats:
        yield invalid("format.class", config.format_class, f"it must be one of {', '.join(formats)}")
    if config.partitioner.rpartition(".")[2] not in PARTITIONERS:
        yield invalid("partitioner.class", config.partitioner, f"it must be one of {', '.join(PARTITIONERS)}")
    yield from _delim_problems(config)
    yield from _side_problems(config)
    if generic and not config.topic_regex_list:
        yield KeyProblem("topic.regex.list", "topic.regex.list must be set with mode=GENERIC")
    for each in config.topic_regex_list:
        topic, colon, pattern = each.partition(":")
        if not trim(topic) or not colon:
            yield invalid("topic.regex.list", each, "each must be topic:regex")
        else:
            yield from _pattern_problems("topic.regex.list", pattern)
    yield from _pattern_problems("filename.regex", config.filename_regex)
    if not config.bytearray_separator and config.format_name == "ByteArrayFormat":
        yield invalid("format.bytearray.separator", "", "String must be non-empty")


def _delim_problems(config: S3SourceConfig) -> Iterator[KeyProblem]:
    directory, file = config.directory_delim, config.file_delim
    if not directory:
        yield invalid("directory.delim", "", "String must be non-empty")
    if config.mode == "GENERIC":
        return
    own_pattern = config.filename_regex != FILENAME
    if own_pattern and config.delim_in_topics:
        yield invalid("directory.delim", directory, "with a filename.regex, it must not occur in names of topics")
    if not own_pattern and re.fullmatch("[0-9]*", file):
        yield invalid("file.delim", file, "partition and offset cannot be told apart; it must have more than digits")


def _pattern_problems(name: str, pattern: str) -> Iterator[KeyProblem]:
    try:
        compiled(pattern, name)
    except ConfigError as error:
        yield invalid(name, pattern, str(error))


def _side_problems(config: S3SourceConfig) -> Iterator[KeyProblem]:
    sides = (
        ("keys", config.store_kafka_keys, config.keys_format, FORMATS),
        ("headers", config.store_kafka_headers, config.headers_format, HEADERS_FORMATS),
    )
    for name, wanted, format_class, formats in sides:
        if not wanted:
            continue
        if format_class.rpartition(".")[2] not in formats:
            yield invalid(f"{name}.format.class", format_class, f"it must be one of {', '.join(formats)}")
        if config.store_envelope:
            yield invalid("store.envelope", "true", f"the envelope has the {name}; leave store.kafka.{name} out")
        if config.mode == "GENERIC":
            yield invalid(
                f"store.kafka.{name}", "true", "only names of mode=RESTORE_BACKUP show which objects belong together"
            )
    if config.store_envelope and config.format_name in ("ByteArrayFormat", "StringFormat"):
        yield invalid("store.envelope", "true", f"{config.format_name} has only values")


def _aiven_problems(config: S3SourceConfig) -> Iterator[KeyProblem]:
    if config.name_template is None:
        name = "file.name.template"
        yield KeyProblem(name, f'Missing required configuration "{name}" which has no default value.')
    elif (problem := template_problem(config.name_template)) is not None:
        yield invalid("file.name.template", config.name_template, problem)
    elif "{{" not in config.name_template.replace(" ", "") and not config.topic:
        yield KeyProblem("topic", "topic must be set where file.name.template has no {{topic}}")
    known = {"key", "value", "offset", "timestamp", "headers"}
    if set(config.output_fields) - known or len(set(config.output_fields)) < len(config.output_fields):
        yield invalid("format.output.fields", ",".join(config.output_fields), f"it may list {', '.join(sorted(known))}")
    if config.object_format in ("json", "csv") and not config.fields:
        yield invalid("input.format", config.object_format, "it needs format.output.fields, as Aiven's sink had it")
    if config.output_fields and config.object_format == "bytes":
        given = ",".join(config.output_fields)
        yield invalid("format.output.fields", given, "bytes have no fields; set format.output.type as the sink had it")
    if not config.output_envelope and len(config.output_fields) > 1:
        yield invalid("format.output.envelope", "false", "several fields need an envelope")
