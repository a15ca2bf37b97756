"""What a config amounts to: how objects are called, how records are spread, when files are closed, what is in them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from ferryman.connectors.s3.config.object_names import TOMBSTONE, AivenNames, ConfluentNames, has, segment, with_times
from ferryman.connectors.s3.config.sink_config import TIMED, S3SinkConfig
from ferryman.connectors.s3.formats.compression import Packing, gzip, snappy_stream, zstd_stream
from ferryman.connectors.s3.formats.format import Avro, Format, Parquet
from ferryman.connectors.s3.formats.packed import Packed
from ferryman.connectors.s3.formats.text import Csv, JsonFields, JsonLines, RawBytes
from ferryman.connectors.s3.layout import partitioners as partition
from ferryman.connectors.s3.layout.keys_and_headers import Side, Tombstones, enveloped, side
from ferryman.connectors.s3.layout.partitioners import Partitioner, Paths, Times
from ferryman.connectors.s3.layout.rotation import Rotation
from ferryman.connectors.s3.layout.structs_of_fields import as_structs
from ferryman.java.joda_time import formatter, zone
from ferryman.record import Batch

DAY_MILLIS, HOUR_MILLIS = 86_400_000, 3_600_000
_SMALL_PART_BYTES, _PART_BYTES = 5 * 1024 * 1024, 25 * 1024 * 1024
_AIVENS: Mapping[str, tuple[Packing | None, str]] = {
    "none": (None, ""),
    "gzip": (gzip(), ".gz"),
    "snappy": (snappy_stream, ".snappy"),
    "zstd": (zstd_stream, ".zst"),
}
"""Aiven's compressions of text files and Avro, and the extensions of files that no template names."""
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\"}


def _values(batch: Batch) -> Batch:
    return batch


@dataclass(frozen=True, slots=True)
class Layout:
    """All that a task needs to know. ``times`` is None where no record's time matters."""

    names: ConfluentNames | AivenNames
    partitioner: Partitioner
    times: Times | None
    rotation: Rotation
    format: Format
    part_size: int
    sides: Mapping[str, Side] = field(default_factory=dict)
    """Files beside those of the values: ``keys`` and ``headers``."""
    envelope: bool = False
    """Whether a file's records are envelopes around key, value and headers."""
    written: Callable[[Batch], Batch] = _values
    """Makes the values of a batch the records of a file. Raises DataError."""
    tombstones: Tombstones | None = None
    keys: bool = False
    """Whether keys are written anywhere."""
    mixed: bool = False
    """Whether a file takes records of any schema, each written by its own."""

    def times_and_paths(self, batch: Batch, tombstones: bool) -> tuple[Sequence[int] | None, Paths]:
        """The times, if they matter, and paths of records; ``tombstones`` are tombstones. Raises DataError."""
        if tombstones and self.tombstones is not None:
            times = None if self.tombstones.times is None else self.tombstones.times(batch)
            return times, self.tombstones.path(batch.topic)
        times = None if self.times is None else self.times(batch)
        return times, self.partitioner.paths(batch, times)

    def files(self, tombstones: bool) -> tuple[str, ...]:
        """The sides of the files that records go into; tombstones have no value."""
        if not tombstones or self.envelope:
            return ("", *self.sides)
        return tuple(TOMBSTONE + side for side in self.sides)


def layout(config: S3SinkConfig) -> Layout:
    """The layout of a config without problems."""
    return _aiven(config) if config.aiven else _confluent(config)


def _confluent(config: S3SinkConfig) -> Layout:
    form, extension = _confluent_format(config, config.format_name)
    is_timed = config.partitioner_name in TIMED
    sides, extensions = _sides(config)
    extensions[""] = extension
    delims = config.directory_delim, config.file_delim
    names = ConfluentNames(config.topics_dir, *delims, config.offset_width, extensions)
    return Layout(
        names=names,
        partitioner=_affixed(_partitioner(config), config),
        times=_times(config) if is_timed else None,
        rotation=Rotation(
            flush_size=config.flush_size or 0,
            interval=max(0, config.rotate_interval_ms) if is_timed else 0,
            on_change=config.rotate_file_on_partition_change,
            schedule=max(0, config.rotate_schedule_interval_ms),
            zone=zone(config.timezone or "UTC"),
            size=config.flush_bytes,
            idle=config.rotate_idle_interval_ms,
            most_open=max(0, config.partitioner_max_open_files),
            by_wallclock=config.extractor == "Wallclock",
        ),
        format=form,
        part_size=config.part_size or _PART_BYTES,
        sides=sides,
        envelope=config.store_envelope,
        written=partial(enveloped, mark=config.format_name == "JsonFormat") if config.store_envelope else _values,
        keys=config.store_envelope or "keys" in sides or config.null_values == "write",
        tombstones=_tombstones(config) if config.null_values == "write" else None,
    )


def _sides(config: S3SinkConfig) -> tuple[dict[str, Side], dict[str, str]]:
    """The sides, and their files' extensions."""
    sides, extensions = {}, {}
    for name, wanted, format_class in (
        ("keys", config.store_kafka_keys, config.keys_format),
        ("headers", config.store_kafka_headers, config.headers_format),
    ):
        if wanted:
            format_name = format_class.rpartition(".")[2]
            form, extension = _confluent_format(config, format_name)
            sides[name] = side(name, form, format_name)
            extensions[name] = f".{name}{extension}"
    return sides, extensions


def _tombstones(config: S3SinkConfig) -> Tombstones:
    folder = f"{config.directory_delim}{segment(config.tombstone_encoded_partition)}"
    times = _times(config) if config.partitioner_name in TIMED else None
    # A tombstone has no field that could tell its time.
    by_record = times is not None and config.extractor == "RecordField"
    return Tombstones(lambda topic: segment(topic) + folder, partition.record_time if by_record else times)


def _confluent_format(config: S3SinkConfig, format_name: str) -> tuple[Format, str]:
    packing, suffix = (gzip(config.compression_level), ".gz") if config.compression == "gzip" else (None, "")
    match format_name:
        case "ParquetFormat":
            parquet = Parquet(config.parquet_codec)
            return parquet, parquet.extension
        case "AvroFormat":
            return Avro(config.avro_codec, config.connect_meta_data), ".avro"
        case "JsonFormat":
            return JsonLines(config.json_decimal_format == "NUMERIC", packing), f".json{suffix}"
        case _:
            separator = unescaped(config.bytearray_separator).encode()
            return RawBytes(separator, packing), config.bytearray_extension + suffix


def unescaped(text: str) -> str:
    """A separator of the config, in which line ends, tabs and backslashes may be written by letters."""
    out, pending = "", False
    for character in text:
        if pending:
            out += _ESCAPES.get(character, f"\\{character}")
        elif character != "\\":
            out += character
        pending = character == "\\" and not pending
    return out + "\\" * pending


def _partitioner(config: S3SinkConfig) -> Partitioner:
    delim = config.directory_delim
    if config.partitioner_name == "DefaultPartitioner":
        return partition.ByKafkaPartition(delim)
    fields = partition.ByFields(config.partition_field_name, delim, config.partition_field_format_path)
    if config.partitioner_name == "FieldPartitioner":
        return fields
    pattern, duration = config.path_pattern, config.partition_duration_ms
    if config.partitioner_name in ("DailyPartitioner", "HourlyPartitioner"):
        pattern, duration = f"'year'=YYYY{delim}'month'=MM{delim}'day'=dd", DAY_MILLIS
    if config.partitioner_name == "HourlyPartitioner":
        pattern, duration = f"{pattern}{delim}'hour'=HH", HOUR_MILLIS
    form, at = formatter(pattern, config.timezone), zone(config.timezone)
    if config.partitioner_name == "FieldAndTimeBasedPartitioner":
        return partition.ByFieldsAndTime(fields, form, duration, at, delim)
    return partition.ByTime(form, duration, at, delim)


def _affixed(partitioner: Partitioner, config: S3SinkConfig) -> Partitioner:
    if config.schema_affix == "NONE":
        return partitioner
    return partition.BySchema(partitioner, config.directory_delim, config.schema_affix == "PREFIX")


def _times(config: S3SinkConfig) -> Times:
    match config.extractor:
        case "Record":
            return partition.record_time
        case "RecordField":
            return partition.field_time(config.timestamp_field)
        case _:
            return partition.wallclock


def _aiven(config: S3SinkConfig) -> Layout:
    packing, extension = _AIVENS[config.output_compression]
    template = config.prefix + (config.name_template or _aiven_template(config) + extension)
    with_time = with_times(template, config.name_timezone)
    by_record = config.name_time == "EVENT" and has(template, "timestamp")
    structs = config.output_type in ("avro", "parquet")
    source = partition.record_time if by_record else partition.wallclock
    return Layout(
        names=AivenNames(),
        partitioner=partition.ByTemplate(template, with_time),
        times=source if with_time else None,
        rotation=Rotation(
            flush_size=config.flush_size or 0,
            size=config.flush_bytes,
            idle=config.rotate_idle_interval_ms,
            most_open=max(0, config.partitioner_max_open_files),
            each_commit=True,
        ),
        format=_aiven_format(config, packing),
        part_size=config.part_size or _SMALL_PART_BYTES,
        written=as_structs(config.output_fields, config.output_envelope, config.output_type) if structs else _values,
        keys=True,
        mixed=not structs,
    )


def _aiven_template(config: S3SinkConfig) -> str:
    """How files are called for which no template is given, but for the extension of their compression."""
    offset = "{{start_offset:padding=true}}" if config.prefix else "{{start_offset}}"
    return f"{{{{topic}}}}-{{{{partition}}}}-{offset}" + (".avro" if config.output_type == "avro" else "")


def _aiven_format(config: S3SinkConfig, packing: Packing | None) -> Format:
    match config.output_type:
        case "parquet":
            return Parquet(config.output_compression)
        case "avro":
            avro = Avro(config.avro_codec, config.connect_meta_data)
            return avro if packing is None else Packed(avro, packing)
        case "csv":
            return Csv(config.output_fields, config.output_encoding == "base64", packing)
        case kind:
            return JsonFields(config.output_fields, config.output_envelope, kind == "json", packing)
