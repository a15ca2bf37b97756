"""Object names: path segments that no value can leave, and file names as Confluent's and Aiven's sinks have them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote

from ferryman.errors import DataError
from ferryman.java.joda_time import formatter

LONGEST_KEY = 1024
"""Bytes in an object's key at most, by S3's rules."""
NULL = "__HIVE_DEFAULT_PARTITION__"
"""What Hive, Spark and Athena read as a null partition value."""
TOMBSTONE = "tombstone."
"""What the sides of tombstones begin with: they share no file with those of other records."""

_PLAIN = re.compile(r"[A-Za-z0-9._=-]+")
_VARIABLE = re.compile(r"\{\{\s*(\w+)(?:\s*:\s*(\w+)\s*=\s*(\w+))?\s*\}\}")
_UNITS = {"yyyy": "yyyy", "YYYY": "yyyy", "MM": "MM", "dd": "dd", "HH": "HH"}
"""Joda's patterns; YYYY is what former versions of Aiven's sink had."""


@lru_cache(maxsize=10_000)
def segment(text: str) -> str:
    """A path segment that stands for exactly this text: all but ASCII letters, digits and ``._=-`` percent-encoded.

    A name of dots alone and an empty one would change the path or vanish from it, so their dots are encoded too.
    """
    if _PLAIN.fullmatch(text) and text.strip("."):
        return text
    if not text.strip("."):
        return "%2E" * len(text) or "%"
    return quote(text.encode("utf-8", "surrogatepass"), safe="=").replace("~", "%7E")


def partition_value(text: str | None) -> str:
    """A partition value as it stands behind ``field=``; null is Hive's word for it, which no text becomes."""
    if text is None:
        return NULL
    if text == NULL:
        return "%5F" + NULL[1:]
    return segment(text) if text else ""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where records go: of each destination a Kafka partition has one open file at a time."""

    topic: str
    """The topic as transforms left it."""
    path: str
    """The encoded partition: the path below the prefix."""
    side: str = ""
    """What of its records the file holds: nothing for the values, or ``keys`` or ``headers``."""


@dataclass(frozen=True, slots=True)
class ConfluentNames:
    """``<topics.dir>/<encodedPartition>/<topic>+<kafkaPartition>+<start offset><extension>``.

    ``extensions`` are those of the sides, such as ``.keys.avro``; that of the values goes by an empty name.
    """

    topics_dir: str
    directory_delim: str
    file_delim: str
    width: int
    extensions: Mapping[str, str]

    def key(self, destination: Destination, partition: int, offset: int) -> str:
        """An object's key."""
        name = self.file_delim.join([segment(destination.topic), str(partition), f"{offset:0{self.width}d}"])
        name += self.extensions[destination.side.removeprefix(TOMBSTONE)]
        return self.directory_delim.join([*filter(None, [self.topics_dir]), destination.path, name])


@dataclass(frozen=True, slots=True)
class AivenNames:
    """``aws.s3.prefix``, then file.name.template, in which dates and times were already filled in by the partitioner.

    A file's path is that with everything but topic, partition and start offset filled in.
    """

    def key(self, destination: Destination, partition: int, offset: int) -> str:
        """An object's key."""
        numbers = {"partition": (partition, 10), "start_offset": (offset, 20)}

        def filled(found: re.Match[str]) -> str:
            name, parameter, value = found.groups()
            if name == "topic":
                return segment(destination.topic)
            if name not in numbers:
                return found[0]  # as Aiven's templates leave what they do not know
            number, width = numbers[name]
            return f"{number:0{width}d}" if parameter == "padding" and value == "true" else str(number)

        return _VARIABLE.sub(filled, destination.path)


def template_problem(template: str) -> str | None:
    """What is wrong with a file.name.template; None if it can be used."""
    names = [found[1] for found in _VARIABLE.finditer(template)]
    if "key" in names:
        return (
            "{{key}} keeps the last record of each key only, by overwriting objects, while this sink never changes one "
            "that is visible. Use {{topic}}, {{partition}} and {{start_offset}}, or an upserting SQL sink"
        )
    unknown = set(names) - {"topic", "partition", "start_offset", "timestamp"}
    if unknown:
        return f"unknown variable {', '.join(sorted(unknown))}"
    if not {"topic", "partition", "start_offset"} <= set(names):
        return "it must contain {{topic}}, {{partition}} and {{start_offset}}"
    return parameter_problem(template)


def parameter_problem(template: str) -> str | None:
    """What is wrong with the variables of an aws.s3.prefix, which may be any; None if it can be used."""
    for found in _VARIABLE.finditer(template):
        name, parameter, value = found.groups()
        if name == "timestamp" and (parameter != "unit" or value not in _UNITS):
            return "{{timestamp}} needs unit=yyyy, MM, dd or HH"
        if parameter and name in ("partition", "start_offset") and (parameter, value) not in _PADDINGS:
            return f"{{{{{name}}}}} takes padding=true or false only"
    return None


_PADDINGS = {("padding", "true"), ("padding", "false")}


def has(template: str, variable: str, value: str | None = None) -> bool:
    """Whether a variable occurs, with that value of its parameter."""
    return any(found[1] == variable and value in (None, found[3]) for found in _VARIABLE.finditer(template))


def constant(template: str) -> str:
    """What stands before the first variable."""
    found = _VARIABLE.search(template)
    return template if found is None else template[: found.start()]


def timed(template: str, zone: str) -> Callable[[int], str] | None:
    """The template with its times filled in, by milliseconds, and its dates, which are today's; None if it has none."""
    if not any(has(template, variable) for variable in ("timestamp", *_TODAY)):
        return None

    def filled(millis: int) -> str:
        def text(found: re.Match[str]) -> str:
            if found[1] == "timestamp":
                return formatter(_UNITS[found[3]], zone)(millis)
            return _TODAY[found[1]]().date().isoformat() if found[1] in _TODAY else found[0]

        return _VARIABLE.sub(text, template)

    return filled


_TODAY: Mapping[str, Callable[[], datetime]] = {
    "utc_date": lambda: datetime.now(UTC),
    "local_date": lambda: datetime.now(UTC).astimezone(),
}
"""The dates that an aws.s3.prefix may have."""


def checked(key: str) -> str:
    """The key. Raises DataError if S3 could not hold it."""
    if len(key.encode()) > LONGEST_KEY:
        raise DataError(
            f"The object's name would have {len(key.encode())} bytes, S3 allows {LONGEST_KEY}: {key[:200]}…"
        )
    return key
