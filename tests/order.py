"""In which order tests are collected and run, by one process or several that must agree about it."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import pytest

_NEEDS_STACK = {"stack", "kafka", "registry", "postgres", "mariadb", "payments", "worker", "topic"}


def parts(folder: Path, first: int, of: int) -> list[str]:
    """What to collect in place of that folder. The processes begin at different parts: whoever comes to a file first
    compiles it, for all."""
    found = sorted(str(each) for each in folder.iterdir() if each.name.startswith("test_") or _is_package(each))
    at = len(found) * first // of
    return found[at:] + found[:at]


_LONGEST = "tests/reliability/chaos/"


def ordered(items: Sequence[pytest.Item], hands: int) -> list[pytest.Item]:
    """Fast tests first: those that need no stack; of these the ones beside Java's classes, so that a process which has
    done nothing else yet takes the JVM in. Of the others the longest comes first, so that nobody waits for it at the
    end. Files are dealt to the hands: pytest-xdist gives the first process the first part of the list, and so on."""
    dealt: list[list[pytest.Item]] = [[] for _ in range(hands)]
    for _, file in groupby(sorted(items, key=_rank), key=lambda item: item.path):
        min(dealt, key=len).extend(file)
    return [item for hand in dealt for item in hand]


def _rank(item: pytest.Item) -> tuple[bool, bool, bool, str]:
    needs_stack = bool(_NEEDS_STACK & set(getattr(item, "fixturenames", ())))
    path = item.path.as_posix()
    return needs_stack, "tests/differential/" not in path, _LONGEST not in path, path


def _is_package(path: Path) -> bool:
    return path.is_dir() and path.name != "__pycache__"
