"""The last lines of the log about a connector or a task."""

from collections.abc import Mapping, Sequence
from typing import Any

from ferryman.errors import RequestError
from ferryman.telemetry import recent
from ferryman.telemetry.subject import Subject
from ferryman.worker.control.plane import Plane


class RecentLogs:
    """The lines about what one worker runs, which ``ferryman.telemetry.recent`` keeps."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    async def of(self, name: str, task: int | None = None) -> Sequence[Mapping[str, Any]]:
        """The last lines of the log about a task, or about the connector apart from its tasks, on the worker that runs
        it. RequestError 404 if there is no such."""
        await self._plane.journal.read()
        facts = self._plane.journal.facts.of(name)
        if facts.properties is None:
            raise RequestError(404, f"Connector {name} not found")
        if task not in (None, *range(len(facts.tasks))):
            raise RequestError(404, f"Unknown task: {name}-{task}")
        await self._plane.members.own(name, task)
        return recent.KEPT.of(Subject(name, task))
