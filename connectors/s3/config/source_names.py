"""What objects' names say: topic, partition, start offset, and which of them belong together."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol
from urllib.parse import unquote

from ferryman.config import trim
from ferryman.connectors.s3.config.object_names import constant
from ferryman.connectors.s3.config.source_config import FILENAME, S3SourceConfig
from ferryman.connectors.s3.config.source_template import VARIABLE, prefix_pattern, template_patterns
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
    digits: int | None = field(default=None, compare=False)
    """How many the start has in the name, if names of equally many stand in the order of their starts."""


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
    top: str | None = None
    """What the names of topics' folders follow, where ``directory_delim`` may occur in names of topics."""

    @cached_property
    def _sides(self) -> Mapping[str, str]:
        """What sides there are, by what the objects' names end with."""
        sides = {side: f".{side}" if side else "" for side in self.extensions}
        return {sides[side] + each: side for side, known in self.extensions.items() for each in known or ()}

    @cached_property
    def _form(self) -> re.Pattern[str]:
        # Read from the end, where nothing but digits stands between the delimiters; so these may occur in the topic.
        delim, ends = re.escape(self.file_delim), "|".join(map(re.escape, self._sides))
        numbers = f"{delim}([0-9]{{1,10}}){delim}([0-9]{{1,19}})(?:~[0-9a-f]{{1,32}})?"
        return re.compile(f"(.+?){numbers}({ends})", re.DOTALL)

    def place(self, name: str) -> Place | None:
        """What the name says; None if it is another format's or not in this form. Raises TooSlow."""
        if self.pattern is not None:
            head, delim, file = name.rpartition(self.directory_delim)
            return self._by_pattern(head + delim, file)
        found = self._form.fullmatch(name)
        begin = None if found is None else self._topic_begins(found[1])
        if found is None or begin is None:
            return None
        folder, topic = found[1][:begin], found[1][begin:]
        side = self._sides[found[4]]
        tombstones = side != "" and self._has_tombstones(folder, topic)
        return Place(folder, unquote(topic), int(found[2]), int(found[3]), side, tombstones, len(found[3]))

    def _topic_begins(self, head: str) -> int | None:
        """Where the file's name begins, of a name up to its partition. Where the delimiter may occur in the topic, the
        one name counts that the folder of the topic has too; None if there is no such one, or more than one."""
        delim = self.directory_delim
        if self.top is None:
            begin = head.rfind(delim) + len(delim) if delim in head else 0
            return begin if begin < len(head) else None
        found, at = list[int](), head.find(delim, len(self.top))
        while head.startswith(self.top) and at >= 0:
            begin = at + len(delim)
            folder = self.top + head[begin:] + delim
            if begin < len(head) and head.startswith(folder) and len(folder) <= at:
                found.append(begin)
            at = head.find(delim, at + 1)
        return found[0] if len(found) == 1 else None

    def _has_tombstones(self, folder: str, topic: str) -> bool:
        path = folder.removesuffix(self.directory_delim)
        if self.top is not None:
            return path == f"{self.top}{topic}{self.directory_delim}{self.tombstones}"
        return path.rpartition(self.directory_delim)[2] == self.tombstones

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
    def _patterns(self) -> Sequence[Pattern]:
        same = constant(self.prefix)
        before = "" if same == self.prefix else prefix_pattern(self.prefix[len(same) :], self.template)
        return [compiled(before + each, "file.name.template") for each in template_patterns(self.template)]

    @cached_property
    def _variables(self) -> set[str]:
        found = {found[1] for found in VARIABLE.finditer(self.prefix + self.template)}
        return found & {"topic", "partition", "start_offset"}

    def place(self, name: str) -> Place | None:
        """What the template finds in the name. Raises TooSlow."""
        told = name[len(constant(self.prefix)) :]
        found = next((found for each in self._patterns if (found := each.search(told)) is not None), None)
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
        return GenericNames(_disjoint(_folders(config) or [top]), delim, patterns, extension)
    extensions = {"": extension}
    if config.store_kafka_keys:
        extensions[KEYS] = _extension(config, config.keys_format.rpartition(".")[2])
    if config.store_kafka_headers:
        extensions[HEADERS] = _extension(config, config.headers_format.rpartition(".")[2])
    pattern = None if config.filename_regex == FILENAME else compiled(config.filename_regex, "filename.regex")
    top = f"{config.topics_dir}{delim}" if config.topics_dir else ""
    folders = [each if each.startswith(top) else top + each for each in _folders(config)]
    return ConfluentNames(
        prefixes=_disjoint(folders or [top]),
        directory_delim=delim,
        file_delim=config.file_delim,
        extensions=extensions,
        tombstones=config.tombstone_encoded_partition,
        pattern=pattern,
        top=top if config.delim_in_topics else None,
    )


def _folders(config: S3SourceConfig) -> list[str]:
    delim = config.directory_delim
    return [each if each.endswith(delim) else each + delim for each in config.folders]


def _disjoint(prefixes: Sequence[str]) -> list[str]:
    """The prefixes that are not below another one, so that nothing is found twice."""
    found = list[str]()
    for each in sorted(prefixes):
        if not found or not each.startswith(found[-1]):
            found.append(each)
    return found


def _extension(config: S3SourceConfig, format_name: str) -> Extensions:
    if format_name == "ByteArrayFormat":
        return frozenset({config.bytearray_extension, f"{config.bytearray_extension}.gz"})
    return EXTENSIONS[format_name]
