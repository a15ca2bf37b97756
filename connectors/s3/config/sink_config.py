"""The S3 sink's keys that say what objects are called, what is in them and when they are closed."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator

from ferryman.config import Bool, Int, Long, Plugin, Shown, Str, Strings, Text, any_case, key
from ferryman.connectors.s3.config.bucket_keys import header_warnings, invalid
from ferryman.connectors.s3.config.object_names import has, parameter_problem, template_problem
from ferryman.connectors.s3.config.sink_keys import S3Keys
from ferryman.errors import KeyProblem
from ferryman.java import date_patterns
from ferryman.java.joda_time import formatter, has_words, zone

FORMATS = {"avro": "AvroFormat", "json": "JsonFormat", "bytearray": "ByteArrayFormat", "parquet": "ParquetFormat"}
HEADERS_FORMATS = ("AvroFormat", "JsonFormat", "ParquetFormat")
PARTITIONERS = (
    "DefaultPartitioner",
    "FieldPartitioner",
    "TimeBasedPartitioner",
    "DailyPartitioner",
    "HourlyPartitioner",
    "FieldAndTimeBasedPartitioner",
)
TIMED = frozenset(PARTITIONERS[2:])
OUTPUT_FIELDS = frozenset({"key", "value", "offset", "timestamp", "headers"})


Nulls = Literal["fail", "ignore", "write", "keep", "refuse"]
"""What becomes of null values: behavior.on.null.values, or that they are as any others, or that no file has them."""


def _zone(value: str) -> str:
    if value:
        zone(value)
    return value


Zone = Annotated[Str, AfterValidator(_zone)]


class S3SinkConfig(S3Keys):
    """What the S3 sink adds."""

    format_class: Plugin | None = key(None, importance="HIGH", shown=Shown(group="Objects"))
    """Required under Confluent's class name. The format: io.confluent.connect.s3.format.avro.AvroFormat,
    .json.JsonFormat, .bytearray.ByteArrayFormat or .parquet.ParquetFormat; simple names are enough."""
    topics_dir: Str = key("topics", importance="HIGH", shown=Shown(group="Objects"))
    """The prefix of all objects; may be empty."""
    directory_delim: Str = key("/", shown=Shown(group="Objects"))
    """What separates directories."""
    file_delim: Str = key("+", shown=Shown(group="Objects"))
    """What separates topic, partition and start offset in an object's name."""
    offset_width: Int = key(10, names=("filename.offset.zero.pad.width",), at_least=0, shown=Shown(group="Objects"))
    """To how many digits the start offset in an object's name is padded."""
    partitioner: Plugin = key(
        "DefaultPartitioner", names=("partitioner.class",), importance="HIGH", shown=Shown(group="Objects")
    )
    """How records are spread over paths: DefaultPartitioner, FieldPartitioner, TimeBasedPartitioner, DailyPartitioner,
    HourlyPartitioner, or ours, FieldAndTimeBasedPartitioner; with or without a package before it."""
    partition_field_name: Strings = key([], shown=Shown(group="Objects"))
    """The fields whose values become directories; nested ones with dots."""
    partition_field_format_path: Bool = key(True, shown=Shown(group="Objects"))
    """Whether those directories are called field=value, or just by the value."""
    partition_duration_ms: Long = key(-1, shown=Shown(group="Objects"))
    """To how many milliseconds the time is rounded down before it is put into a path."""
    path_format: Str = key("", shown=Shown(group="Objects"))
    """The path of a time as a Joda pattern, such as ``'year'=YYYY/'month'=MM/'day'=dd``; a directory.delim at its end
    does not count."""
    locale: Str = key("", shown=Shown(group="Objects"))
    """The locale of path.format; it matters only for names of months and days, which are English."""
    timezone: Zone = key("", shown=Shown(group="Objects"))
    """The zone of paths and of scheduled rotation, such as UTC, Europe/Zurich or +02:00."""
    timestamp_extractor: Str = key("Wallclock", shown=Shown(group="Objects"))
    """The time that counts: Wallclock, Record (that of the Kafka record) or RecordField."""
    timestamp_field: Str = key("timestamp", shown=Shown(group="Objects"))
    """For RecordField: milliseconds, as a number or a text, a Timestamp, or ISO 8601 text with dashes (UTC where it
    names no zone)."""
    store_kafka_keys: Bool = key(False, importance="LOW", shown=Shown(group="Objects"))
    """Whether keys are written too, to an object with .keys in its name beside each of values."""
    keys_format: Plugin = key(
        "AvroFormat", names=("keys.format.class",), importance="LOW", shown=Shown(group="Objects")
    )
    """The format of the keys' objects."""
    store_kafka_headers: Bool = key(False, importance="LOW", shown=Shown(group="Objects"))
    """Whether headers are written too, to an object with .headers in its name beside each of values."""
    headers_format: Plugin = key(
        "AvroFormat", names=("headers.format.class",), importance="LOW", shown=Shown(group="Objects")
    )
    """The format of the headers' objects, not ByteArrayFormat."""
    store_envelope: Bool = key(False, importance="LOW", shown=Shown(group="Objects"))
    """Whether each record is written with key, value, headers, topic, partition, offset and timestamp as its fields.
    Ours."""
    schema_affix: Annotated[Literal["NONE", "PREFIX", "SUFFIX"], any_case("NONE", "PREFIX", "SUFFIX")] = key(
        "NONE", names=("s3.schema.partition.affix.type",), importance="LOW", shown=Shown(group="Objects")
    )
    """Whether the name of the values' schema is a directory too, such as schema_name=shop.Order, before (PREFIX) or
    behind those of the partitioner."""
    flush_size: Int | None = key(
        None, names=("flush.size", "file.max.records"), importance="HIGH", shown=Shown(group="Rotation")
    )
    """After how many records of a Kafka partition its files are closed. Required under Confluent's class name; under
    Aiven's 0, the default, is no limit."""
    flush_bytes: Long = key(0, at_least=0, shown=Shown(group="Rotation"))
    """After how many bytes, encoded and before the upload, its files are closed; 0 is no limit. Ours."""
    rotate_interval_ms: Long = key(-1, importance="HIGH", shown=Shown(group="Rotation"))
    """After how many milliseconds in the records' own time files are closed; needs a partitioner by time."""
    rotate_file_on_partition_change: Bool = key(True, shown=Shown(group="Rotation"))
    """With rotate.interval.ms: whether a record for another path closes the files too."""
    rotate_schedule_interval_ms: Long = key(-1, shown=Shown(group="Rotation"))
    """After how many milliseconds by the wall clock, counted from midnight in timezone, files are closed; at midnight
    too."""
    rotate_idle_interval_ms: Long = key(0, at_least=0, shown=Shown(group="Rotation"))
    """After how many milliseconds without a record a Kafka partition's files are closed; 0 is never. Ours."""
    partitioner_max_open_files: Int = key(-1, importance="LOW", shown=Shown(group="Rotation"))
    """How many files of a Kafka partition may be open; one more closes them all."""
    schema_compatibility: Annotated[
        Literal["NONE", "BACKWARD", "FORWARD", "FULL"], any_case("NONE", "BACKWARD", "FORWARD", "FULL")
    ] = key("NONE", importance="HIGH", shown=Shown(group="Objects"))
    """Which change of the schema closes files: NONE every one; BACKWARD and FULL a later version, FORWARD an earlier
    one, and all three one that cannot be read by the file's schema; other records are read by that."""
    avro_codec: Literal["null", "deflate", "bzip2", "snappy"] = key(
        "null", importance="LOW", shown=Shown(group="Objects")
    )
    """The compression of Avro files."""
    connect_meta_data: Bool = key(True, importance="LOW", shown=Shown(group="Objects"))
    """Whether names, versions and parameters of Connect's schemas are put into Avro schemas."""
    parquet_codec: Literal["none", "uncompressed", "snappy", "gzip", "lz4", "brotli", "zstd"] = key(
        "snappy", importance="LOW", shown=Shown(group="Objects")
    )
    """The compression of Parquet files. lzo is not supported."""
    compression: Literal["none", "gzip"] = key(
        "none", names=("s3.compression.type",), importance="LOW", shown=Shown(group="S3")
    )
    """The compression of JSON and bytes."""
    compression_level: Int = key(
        -1, names=("s3.compression.level",), at_least=-1, importance="LOW", shown=Shown(group="S3")
    )
    """The level of gzip, 0 to 9; -1 is its default."""
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
    json_decimal_format: Annotated[Literal["BASE64", "NUMERIC"], any_case("BASE64", "NUMERIC")] = key(
        "BASE64", shown=Shown(group="Objects")
    )
    """How JSON shows decimals."""
    null_values: Annotated[Literal["fail", "ignore", "write"], any_case("fail", "ignore", "write")] = key(
        "fail", names=("behavior.on.null.values",), importance="LOW", shown=Shown(group="Objects")
    )
    """What a null value is: a data error (fail), skipped (ignore), or (write) a record of its key alone, which needs
    store.kafka.keys or store.envelope."""
    tombstone_encoded_partition: Str = key("tombstone", importance="LOW", shown=Shown(group="Objects"))
    """With behavior.on.null.values=write: the encoded partition of records whose value is null."""
    report_nulls: Bool = key(True, names=("report.null.values.to.dlq",), importance="LOW", shown=Shown(group="Objects"))
    """Whether skipped nulls go to the dead letter queue, if there is one."""
    prefix: Str = key("", names=("aws.s3.prefix", "aws_s3_prefix"), shown=Shown(group="Aiven"))
    """What all names begin with; may have the variables of file.name.template, {{utc_date}} and {{local_date}}."""
    name_template: Str | None = key(
        None,
        names=("file.name.template",),
        shown=Shown(group="Aiven", default_text="{{topic}}-{{partition}}-{{start_offset}}"),
    )
    """The names, of {{topic}}, {{partition}}, {{start_offset}} (with :padding=true) and {{timestamp:unit=yyyy}}. If
    there is none, the offset is padded behind a prefix, and .avro and the compression (.gz) stand at the end."""
    output_compression: Literal["none", "gzip", "snappy", "zstd"] = key(
        "gzip", names=("file.compression.type", "output_compression"), shown=Shown(group="Aiven")
    )
    """The compression: of whole files but for Parquet, whose columns are compressed. Avro has avro.codec, too."""
    output_type: Literal["csv", "json", "jsonl", "avro", "parquet"] = key(
        "csv", names=("format.output.type",), shown=Shown(group="Aiven")
    )
    """The format."""
    output_fields: Strings = key(["value"], names=("format.output.fields", "output_fields"), shown=Shown(group="Aiven"))
    """What of a record is written: key, value, offset, timestamp, headers."""
    output_encoding: Literal["base64", "none"] = key(
        "base64", names=("format.output.fields.value.encoding",), shown=Shown(group="Aiven")
    )
    """How csv shows values."""
    output_envelope: Bool = key(True, names=("format.output.envelope",), shown=Shown(group="Aiven"))
    """Whether a single field is wrapped in an object or record. In Avro and Parquet all but structs are."""
    name_timezone: Zone = key(
        "UTC", names=("file.name.timestamp.timezone", "timestamp.timezone"), shown=Shown(group="Aiven")
    )
    """The zone of {{timestamp}}."""
    name_time: Annotated[Literal["WALLCLOCK", "EVENT"], any_case("WALLCLOCK", "EVENT")] = key(
        "WALLCLOCK", names=("file.name.timestamp.source", "timestamp.source"), shown=Shown(group="Aiven")
    )
    """The time of {{timestamp}}: the wall clock or that of the Kafka record."""

    @classmethod
    def warnings(cls, raw: Mapping[str, str]) -> Iterable[str]:
        """Also about headers that no restore could give back as they were."""
        yield from super().warnings(raw)
        yield from header_warnings(raw, "may change headers before they are archived, and a restore cannot undo that")

    @property
    def nulls(self) -> Nulls:
        """What to do with null values; Aiven's sink writes them like others, where the format has a text for them."""
        if self.aiven:
            return "refuse" if self.output_type in ("avro", "parquet") else "keep"
        return self.null_values

    @property
    def partitioner_name(self) -> str:
        """The partitioner without its package."""
        return self.partitioner.rpartition(".")[2]

    @property
    def path_pattern(self) -> str:
        """The path's format without the delimiter that may stand at its end."""
        return self.path_format.removesuffix(self.directory_delim) if self.directory_delim.strip() else self.path_format

    @property
    def format_name(self) -> str:
        """The format without its package."""
        return (self.format_class or "").rpartition(".")[2]

    @property
    def extractor(self) -> str:
        """The timestamp extractor, Wallclock, Record or RecordField."""
        return self.timestamp_extractor.rpartition(".")[2].rpartition("$")[2].removesuffix("TimestampExtractor")

    def problems(self) -> Iterator[KeyProblem]:
        """The rules between keys."""
        yield from super().problems()
        yield from self.place_problems()
        yield from _aiven_problems(self) if self.aiven else _confluent_problems(self)


def warnings(config: S3SinkConfig, raw: Mapping[str, str]) -> Iterator[str]:
    """A warning for each key that needs another one that is not given, and for a pattern that is hardly meant."""
    needs = (
        ("s3.object.tagging.key.value.pairs", config.tagging, "s3.object.tagging=true"),
        ("s3.object.behavior.on.tagging.error", config.tagging, "s3.object.tagging=true"),
        ("keys.format.class", config.store_kafka_keys, "store.kafka.keys=true"),
        ("headers.format.class", config.store_kafka_headers, "store.kafka.headers=true"),
        ("tombstone.encoded.partition", config.null_values == "write", "behavior.on.null.values=write"),
    )
    for name, used, other in needs:
        if name in raw and not used:
            yield f"{name} has no effect: it belongs to {other}"
    for warning in date_patterns.warnings(config.path_format, joda=True):
        yield f"path.format={config.path_format}: {warning}"
    for name, template in (("aws.s3.prefix", config.prefix), ("file.name.template", config.name_template or "")):
        if has(template, "timestamp", "YYYY"):
            yield f"{name}: {{{{timestamp:unit=YYYY}}}} is taken for {{{{timestamp:unit=yyyy}}}}; write it so"
    if config.prefix and config.name_template is not None:
        yield (
            "aws.s3.prefix is put before file.name.template, which Aiven's sink passes over then; for its names leave "
            "file.name.template out"
        )
    if config.rotate_interval_ms > 0 and config.partitioner_name not in TIMED:
        yield (
            f"rotate.interval.ms has no effect: {config.partitioner_name} does not use times; use "
            "rotate.schedule.interval.ms or rotate.idle.interval.ms"
        )


def _confluent_problems(config: S3SinkConfig) -> Iterator[KeyProblem]:
    for name, value in (("format.class", config.format_class), ("flush.size", config.flush_size)):
        if value is None:
            yield KeyProblem(name, f'Missing required configuration "{name}" which has no default value.')
    if config.flush_size is not None and config.flush_size <= 0:
        yield invalid("flush.size", str(config.flush_size), "Value must be at least 1")
    if config.format_class is not None and config.format_name not in FORMATS.values():
        yield invalid("format.class", config.format_class, f"it must be one of {', '.join(FORMATS.values())}")
    if config.compression != "none" and config.format_name not in ("JsonFormat", "ByteArrayFormat"):
        yield invalid("s3.compression.type", config.compression, "it applies to JsonFormat and ByteArrayFormat only")
    if config.compression_level > 9:
        yield invalid("s3.compression.level", str(config.compression_level), "it is at most 9")
    yield from _side_problems(config)
    if config.rotate_schedule_interval_ms > 0 and not config.timezone:
        yield invalid("timezone", "", "it must be set with rotate.schedule.interval.ms")
    yield from _partitioner_problems(config)


def _side_problems(config: S3SinkConfig) -> Iterator[KeyProblem]:
    sides = (
        ("keys", config.store_kafka_keys, config.keys_format, (*FORMATS.values(),)),
        ("headers", config.store_kafka_headers, config.headers_format, HEADERS_FORMATS),
    )
    for name, wanted, format_class, formats in sides:
        if wanted and format_class.rpartition(".")[2] not in formats:
            yield invalid(f"{name}.format.class", format_class, f"it must be one of {', '.join(formats)}")
        if wanted and config.store_envelope:
            yield invalid(
                "store.envelope", "true", f"the envelope has the {name} already; leave store.kafka.{name} out"
            )
    if config.store_envelope and config.format_name == "ByteArrayFormat":
        yield invalid("store.envelope", "true", "ByteArrayFormat writes values alone")
    if config.null_values == "write" and not (config.store_kafka_keys or config.store_envelope):
        yield invalid("behavior.on.null.values", "write", "it needs store.kafka.keys=true or store.envelope=true")


def _partitioner_problems(config: S3SinkConfig) -> Iterator[KeyProblem]:
    name = config.partitioner_name
    if name not in PARTITIONERS:
        yield invalid("partitioner.class", config.partitioner, f"it must be one of {', '.join(PARTITIONERS)}")
    if name.startswith("Field") and not all(config.partition_field_name or [""]):
        yield invalid("partition.field.name", ",".join(config.partition_field_name), "it must name fields")
    if name not in TIMED:
        return
    if not config.timezone:
        yield invalid("timezone", "", f"{name} needs one")
    if config.extractor not in ("Wallclock", "Record", "RecordField"):
        yield invalid("timestamp.extractor", config.timestamp_extractor, "it must be Wallclock, Record or RecordField")
    if name in ("TimeBasedPartitioner", "FieldAndTimeBasedPartitioner"):
        if config.partition_duration_ms <= 0:
            yield invalid("partition.duration.ms", str(config.partition_duration_ms), f"{name} needs a positive number")
        if not config.path_format.strip() or config.path_format == config.directory_delim:
            yield invalid("path.format", config.path_format, "Path format cannot be empty.")
            return
        try:
            formatter(config.path_pattern, config.timezone or "UTC")
        except ValueError as error:
            yield invalid("path.format", config.path_format, str(error))
            return
    english = not config.locale or config.locale.lower().partition("-")[0].partition("_")[0] in ("en", "us")
    if not english and has_words(config.path_format):
        yield invalid("locale", config.locale, "names of months and days in path.format are English only")


def _aiven_problems(config: S3SinkConfig) -> Iterator[KeyProblem]:
    if config.flush_size is not None and config.flush_size < 0:
        yield invalid("file.max.records", str(config.flush_size), "Value must be at least 0")
    problem = None if config.name_template is None else template_problem(config.name_template)
    if problem is not None:
        yield invalid("file.name.template", config.name_template or "", problem)
    if (problem := parameter_problem(config.prefix)) is not None:
        yield invalid("aws.s3.prefix", config.prefix, problem)
    unknown = [name for name in config.output_fields if name not in OUTPUT_FIELDS]
    if unknown or not config.output_fields or len(set(config.output_fields)) < len(config.output_fields):
        yield invalid(
            "format.output.fields",
            ",".join(config.output_fields),
            f"it may list {', '.join(sorted(OUTPUT_FIELDS))}, each once",
        )
    if not config.output_envelope and len(config.output_fields) > 1:
        yield invalid("format.output.envelope", "false", "several fields need an envelope")
