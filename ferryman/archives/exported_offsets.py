"""Offsets of a group that were written to a file, as ``kafka-consumer-groups --export`` does."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from ferryman.errors import ConfigError


def lines(file: Path) -> Sequence[str]:
    """The lines of a file. Raises ConfigError."""
    try:
        return file.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise ConfigError.for_key("", f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError.for_key("", f"{file}: it is not UTF-8") from None


def parsed(lines: Iterable[str], topic: str) -> dict[int, int]:
    """The offsets of a topic by partition, from lines of topic, partition and offset. Raises ConfigError."""
    found: dict[int, int] = {}
    for number, cells in enumerate(csv.reader(lines), 1):
        if not cells:
            continue
        name, *numbers = [cell.strip() for cell in cells]
        if len(numbers) != 2 or not all(each.isascii() and each.isdigit() and len(each) < 20 for each in numbers):
            raise ConfigError.for_key("", f"line {number}: expected topic,partition,offset")
        if name == topic:
            partition, offset = map(int, numbers)
            if found.setdefault(partition, offset) != offset:
                raise ConfigError.for_key("", f"line {number}: {topic}-{partition} has another offset in a line before")
    return found
