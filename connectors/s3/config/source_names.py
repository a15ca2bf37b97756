"""What objects' names tell: topic, partition, start offset, and which of them belong together."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol
from urllib.parse import unquote

from ferryman.config import trim
from ferryman.connectors.s3.config.object_names import constant
from ferryman.connectors.s3.config.source_config import FILENAME, S3SourceConfig
from ferryman.connectors.s3.config.source_template import VARIABLE, prefix_pattern, template_pattern
from ferryman.regex.pattern import Pattern, compiled

KEYS, HEADERS = "keys", "headers"
Extensions = frozenset[str] | None
"""What may follow a file's name; None is anything."""
_CODECS = ("", ".snappy", ".gz", ".gzip", ".lz4", ".lz4raw", ".br", ".brotli", ".zstd", ".lzo", ".uncompressed")
EXTENSIONS: Mapping[str, Extensions] = {
    "AvroFormat": frozenset({".avro"}),
    "JsonFormat": frozenset({".json", ".json.gz"}),
    "ParquetFormat": frozenset(f"{codec}.parquet" for codec in _CODECS),
    "StringFormat": None,
}
"""By the name of a format."""
_START = re.compile(r"(\d{1,19})(?:~[0-9a-f]{1,32})?")
_NUMBER = re.compile(r"\d{1,10}", re.ASCII)
_SIDED = (f".{KEYS}.", f".{HEADERS}.")


@dataclass(frozen=True, slots=True)
class Place:
    """What the name of an object says."""

    folder: str
    """The name up to the file's, with the delimiter."""
    topic: str
    partition: int | None = None
    start: int | None = None
    """The offset of the first record."""
    side: str = ""
    """Nothing for values, or ``keys`` or ``headers``."""
    tombstones: bool = False
    """Whether it is of records that have no value."""


class Names(Protocol):
    """How the objects of an archive are called."""

    @property
    def prefixes(self) -> Sequence[str]:
        """What all names begin with, one of these."""

    def place(self, name: str) -> Place | None:
        """What the name says; None if the object is none of the archive's. Raises TooSlow."""


@dataclass(frozen=True)
class ConfluentNames:
    """Names of Confluent's sink and ours: ``…/<topic>+<partition>+<start offset><extension>``.

    ``extensions`` are those of values, and of the sides that are wanted, by side.
    """

    prefixes: Sequence[str]
    directory_delim: str
    file_delim: str
    extensions: Mapping[str, Extensions]
    tombstones: str
    """The folder of tombstones."""
    pattern: Pattern | None = None
    """Another filename.regex than the default."""

    def place(self, name: str) -> Place | None:
        """What the name says; None if it is another format's or not in this form. Raises TooSlow."""
        head, delim, file = name.rpartition(self.directory_delim)
        folder = head + delim
        if self.pattern is not None:
            return self._by_pattern(folder, file)
        parts = file.rsplit(self.file_delim, 2)
        if len(parts) != 3 or not parts[0] or not _NUMBER.fullmatch(parts[1]):
            return None
        start = _START.match(parts[2])
        side = None if start is None else self._side(parts[2][start.end() :])
        if start is None or side is None:
            return None
        last = head.rpartition(self.directory_delim)[2]
        tombstones = side != "" and last == self.tombstones
        return Place(folder, unquote(parts[0]), int(parts[1]), int(start[1]), side, tombstones)

    def _side(self, extension: str) -> str | None:
        for side, known in self.extensions.items():
            head = f".{side}" if side else ""
            if extension.startswith(head) and (known is None or extension[len(head) :] in known):
                return side
        return None

    def _by_pattern(self, folder: str, file: str) -> Place | None:
        assert self.pattern is not None
        found = self.pattern.search(file)
        if found is None or not _ends(file, self.extensions[""]) or any(side in file for side in _SIDED):
            return None
        topic, number = found.group(1), found.group(2)
        if not topic or not number or not _NUMBER.fullmatch(number):
            return None
        return Place(folder, unquote(topic), int(number))


def _ends(file: str, extensions: Extensions) -> bool:
    return extensions is None or file.endswith(tuple(extensions))


@dataclass(frozen=True)
class GenericNames:
    """Any names; patterns say which topic they go to (Confluent's mode GENERIC)."""

    prefixes: Sequence[str]
    directory_delim: str
    topics: Sequence[tuple[str, Pattern]]
    extension: Extensions

    def place(self, name: str) -> Place | None:
        """Its topic, by the first pattern that is found in the name, and its folder. Raises TooSlow."""
        head, delim, file = name.rpartition(self.directory_delim)
        if not _ends(file, self.extension):
            return None
        topic = next((topic for topic, pattern in self.topics if pattern.search(name) is not None), None)
        return None if topic is None else Place(head + delim, topic)


@dataclass(frozen=True)
class TemplateNames:
    """Names of Aiven's file.name.template behind a prefix, which may have variables too."""

    prefix: str
    template: str
    topic: str | None

    @property
    def prefixes(self) -> Sequence[str]:
        """The one prefix, as far as it is the same for all."""
        return [constant(self.prefix)]

    @cached_property
    def _pattern(self) -> Pattern:
        same = constant(self.prefix)
        before = "" if same == self.prefix else prefix_pattern(self.prefix[len(same) :], self.template)
        return compiled(before + template_pattern(self.template), "file.name.template")

    @cached_property
    def _variables(self) -> set[str]:
        found = {found[1] for found in VARIABLE.finditer(self.prefix + self.template)}
        return found & {"topic", "partition", "start_offset"}

    def place(self, name: str) -> Place | None:
        """What the template finds in the name. Raises TooSlow."""
        found = self._pattern.search(name[len(constant(self.prefix)) :])
        if found is None:
            return None
        given = {each: found.named(each.replace("_", "")) for each in self._variables}
        topic = given.get("topic") or self.topic
        number, start = given.get("partition"), given.get("start_offset")
        if not topic or (number and not _NUMBER.fullmatch(number)) or len((start or "").lstrip("0")) > 19:
            return None
        folder = name.rpartition("/")[0] + "/" if "/" in name else ""
        return Place(folder, unquote(topic), int(number) if number else None, int(start) if start else None)


def names(config: S3SourceConfig) -> Names:
    """The names of a config without problems."""
    if config.aiven:
        return TemplateNames(config.prefix, config.name_template or "", config.topic)
    delim = config.directory_delim
    extension = _extension(config, config.format_name)
    if config.mode == "GENERIC":
        top = f"{config.topics_dir}{delim}" if "topics.dir" in config.model_fields_set else ""
        topics = [each.partition(":")[::2] for each in config.topic_regex_list]
        patterns = [(trim(topic), compiled(pattern, "topic.regex.list")) for topic, pattern in topics]
        return GenericNames(config.folders or [top], delim, patterns, extension)
    extensions = {"": extension}
    if config.store_kafka_keys:
        extensions[KEYS] = _extension(config, config.keys_format.rpartition(".")[2])
    if config.store_kafka_headers:
        extensions[HEADERS] = _extension(config, config.headers_format.rpartition(".")[2])
    pattern = None if config.filename_regex == FILENAME else compiled(config.filename_regex, "filename.regex")
    top = f"{config.topics_dir}{delim}" if config.topics_dir else ""
    folders = [each if each.startswith(top) else top + each for each in config.folders]
    return ConfluentNames(
        folders or [top], delim, config.file_delim, extensions, config.tombstone_encoded_partition, pattern
    )


def _extension(config: S3SourceConfig, format_name: str) -> Extensions:
    if format_name == "ByteArrayFormat":
        return frozenset({config.bytearray_extension, f"{config.bytearray_extension}.gz"})
    return EXTENSIONS[format_name]
