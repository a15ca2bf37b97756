"""The series of the worker itself, and of what it knows of its connectors and tasks better than these do."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from time import monotonic

from ferryman.facts.states import State
from ferryman.metrics import ours
from ferryman.metrics.connect import STATES
from ferryman.metrics.exposition import Sample
from ferryman.metrics.family import Family, Value
from ferryman.metrics.registry import OF_ATTRIBUTE
from ferryman.plugins import catalog
from ferryman.telemetry import process_usage
from ferryman.telemetry.process_usage import CollectorTime
from ferryman.worker.control.plane import Plane
from ferryman.worker.herder import Status
from ferryman.worker.startups import Startups

WORKER, CONNECTOR, TASK = "connect-worker-metrics", "connector-metrics", "connector-task-metrics"


def samples(plane: Plane, collector: CollectorTime) -> Iterator[Sample]:
    """All of them, as they are now. For the event loop."""
    yield from _counts(plane)
    for name, connector in list(plane.reconciler.connectors.items()):
        yield from _connector(plane, name, connector.status(plane.resources.worker_id))
    for task, place in list(plane.reconciler.tasks.items()):
        yield from _task(task, place.status(plane.resources.worker_id))
        if (process := place.process) is not None:
            yield ours.STARTS, _key(task), process.starts
            if process.told is not None:
                yield ours.AGE, _key(task), round(monotonic() - process.told, 1)
    yield from _tasks_of(plane)
    yield from plane.members.samples()
    yield from _as_of_a_jvm(plane, collector)


def _counts(plane: Plane) -> Iterator[Sample]:
    figures: dict[str, Value] = {
        "connector-count": len(plane.reconciler.connectors),
        "task-count": len(plane.reconciler.tasks),
        **_starts("connector", plane.connector_startups),
        **_starts("task", plane.task_startups),
    }
    for name, value in figures.items():
        yield OF_ATTRIBUTE[WORKER, name], (), value


def _starts(what: str, startups: Startups) -> Mapping[str, Value]:
    return {
        f"{what}-startup-attempts-total": startups.attempts,
        f"{what}-startup-success-total": startups.succeeded,
        f"{what}-startup-failure-total": startups.failed,
        f"{what}-startup-success-percentage": startups.recent.share,
        f"{what}-startup-failure-percentage": startups.recent.others,
    }


def _connector(plane: Plane, name: str, status: Status) -> Iterator[Sample]:
    given = (plane.journal.facts.of(name).properties or {}).get("connector.class", "")
    entry = catalog.connector_entry(given)
    texts = {
        "status": status.state.lower(),
        "connector-type": "unknown" if entry is None else entry.kind,
        "connector-class": given if entry is None or given in entry.names else (*entry.names, entry.attribute)[0],
        "connector-version": status.version or "undefined",
    }
    for attribute, text in texts.items():
        yield OF_ATTRIBUTE[CONNECTOR, attribute], (name, text), 1


def _task(task: tuple[str, int], status: Status | None) -> Iterator[Sample]:
    state = State.UNASSIGNED if status is None else status.state
    yield OF_ATTRIBUTE[TASK, "status"], (*_key(task), state.lower()), 1


def _tasks_of(plane: Plane) -> Iterator[Sample]:
    """By connector, how many tasks are in which state: of those that this worker runs something of."""
    for name in dict.fromkeys([*plane.reconciler.connectors, *(name for name, _ in plane.reconciler.tasks)]):
        states = Counter(status.state.lower() for status in plane.board.tasks(name).values())
        yield OF_ATTRIBUTE[WORKER, "connector-total-task-count"], (name,), states.total()
        for state in STATES:
            yield OF_ATTRIBUTE[WORKER, f"connector-{state}-task-count"], (name,), states[state]


def _as_of_a_jvm(plane: Plane, collector: CollectorTime) -> Iterator[Sample]:
    tasks = [place.process.lines for place in plane.reconciler.tasks.values() if place.process is not None]

    def of_all(family: Family) -> float:
        return sum(float(found.rpartition(" ")[2]) for lines in tasks if (found := lines.get(family.name)))

    yield ours.JVM_MEMORY, ("heap",), process_usage.memory() + of_all(ours.MEMORY)
    yield ours.JVM_THREADS, (), threading.active_count() + of_all(ours.TASK_THREADS)
    yield ours.JVM_GC, ("python",), collector.seconds + of_all(ours.TASK_GC)


def _key(task: tuple[str, int]) -> tuple[str, str]:
    return task[0], str(task[1])
