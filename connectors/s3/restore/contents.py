"""What a config's objects have in them: how each is read, with those beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ferryman.connectors.s3.bucket.bucket import Bucket, ListedObject
from ferryman.connectors.s3.config.source_config import S3SourceConfig
from ferryman.connectors.s3.config.source_names import HEADERS, KEYS, Place
from ferryman.connectors.s3.layout.layout import unescaped
from ferryman.connectors.s3.restore import aiven_fields, records, text_files
from ferryman.connectors.s3.restore.avro_files import AvroFiles
from ferryman.connectors.s3.restore.forms import ObjectFormat
from ferryman.connectors.s3.restore.object_bytes import RANGE_BYTES, ObjectBytes
from ferryman.connectors.s3.restore.parquet_files import ParquetFiles
from ferryman.connectors.s3.restore.records import Pieces, Side, Unpack, unpacked, with_sides
from ferryman.connectors.s3.restore.unpacking import UNPACKING


@dataclass(frozen=True, slots=True)
class Archived:
    """An object of the archive, with those beside it that belong to it."""

    listed: ListedObject
    place: Place
    sides: Mapping[str, ListedObject] = field(default_factory=dict)

    @property
    def order(self) -> tuple[int, str]:
        """Its place among the objects of its folder and partition."""
        return -1 if self.place.start is None else self.place.start, self.listed.key


class Opened(NamedTuple):
    """An object that is being read."""

    source: ObjectBytes
    pieces: Pieces


@dataclass(frozen=True, slots=True)
class Contents:
    """How objects are read."""

    form: ObjectFormat
    sides: Mapping[str, ObjectFormat]
    """The formats of keys and headers, if they are in objects of their own."""
    unpack: Unpack | None
    """None where the object's name is the key."""

    def missing(self, found: Archived) -> list[str]:
        """The sides that should be there and are not."""
        wanted = [side for side in self.sides if side != found.place.side]
        return [side for side in wanted if side not in found.sides]

    def open(self, bucket: Bucket, found: Archived, skip: int, ahead: int = RANGE_BYTES) -> Opened:
        """Begins to read an object behind its first so many records, so many bytes at once. Nothing is asked of the
        server yet."""
        source = ObjectBytes(bucket, found.listed, ahead)
        if found.place.tombstones:
            pieces = unpacked(self.sides[KEYS].read(source, skip), records.tombstones, skip)
        else:
            unpack = self.unpack or records.of_object(found.listed.key)
            pieces = unpacked(self.form.read(source, skip), unpack, skip)
        sides = {
            name: Side(listed.key, self.sides[name].read(ObjectBytes(bucket, listed, ahead), skip))
            for name, listed in found.sides.items()
        }
        return Opened(source, with_sides(pieces, sides.get(KEYS), sides.get(HEADERS)) if sides else pieces)


def contents(config: S3SourceConfig) -> Contents:
    """How the objects of a config without problems are read."""
    if config.aiven:
        return _aiven(config)
    sides = {
        name: _form(config, format_class.rpartition(".")[2])
        for name, wanted, format_class in (
            (KEYS, config.store_kafka_keys, config.keys_format),
            (HEADERS, config.store_kafka_headers, config.headers_format),
        )
        if wanted
    }
    unpack = records.enveloped if config.store_envelope else records.bare
    return Contents(_form(config, config.format_name), sides, unpack)


def _form(config: S3SourceConfig, name: str) -> ObjectFormat:
    match name:
        case "AvroFormat":
            return AvroFiles()
        case "ParquetFormat":
            return ParquetFiles()
        case "JsonFormat":
            return text_files.JsonLines()
        case "StringFormat":
            return text_files.Strings()
        case _:
            return text_files.SeparatedTexts(unescaped(config.bytearray_separator).encode())


def _aiven(config: S3SourceConfig) -> Contents:
    unpack, fields = UNPACKING[config.packing], config.fields
    by_fields = aiven_fields.of_objects(fields, config.output_envelope) if fields else None
    by_members = aiven_fields.of_structs(fields, config.output_envelope) if fields else None
    match config.object_format:
        case "avro":
            return Contents(AvroFiles(unpack), {}, by_members)
        case "parquet":
            return Contents(ParquetFiles(), {}, by_members)
        case "jsonl":
            return Contents(text_files.JsonLines(unpack), {}, by_fields)
        case "json":
            return Contents(text_files.JsonArray(unpack), {}, by_fields)
        case "csv":
            by_cells = aiven_fields.of_csv(fields, config.output_encoding == "base64")
            return Contents(text_files.RawLines(unpack, may_be_empty=len(fields) == 1), {}, by_cells)
        case _:
            return Contents(text_files.FixedSizeTexts(config.bytes_size, unpack), {}, None)
