"""The order in which Java sorts names, so that leaders on both sides deal work out alike."""

from collections.abc import Iterable

from ferryman.assignment.protocol import Work


def names(given: Iterable[str]) -> list[str]:
    """Sorted as Java sorts texts: by their 16-bit units."""
    return sorted(given, key=name_key)


def work(given: Work) -> Work:
    """Connectors by name, tasks by name and number."""
    tasks = sorted(given.tasks, key=lambda task: (name_key(task[0]), task[1]))
    return Work(tuple(names(given.connectors)), tuple(tasks))


def name_key(name: str) -> bytes:
    """What names are compared by."""
    return name.encode("utf-16-be", "surrogatepass")
