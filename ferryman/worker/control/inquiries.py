"""What REST reads of a connector beside its facts: its log, and its dead letters."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any, TypeVar

from ferryman.dead_letters import shown
from ferryman.dead_letters.choice import Choice, Groups
from ferryman.dead_letters.letter import DeadLetter
from ferryman.dead_letters.reading import Extent, Reader
from ferryman.errors import FerrymanError, RequestError
from ferryman.facts.fold import ConnectorFacts
from ferryman.kafka.clients import Clients
from ferryman.plugins import catalog
from ferryman.telemetry import recent
from ferryman.telemetry.subject import Subject
from ferryman.worker.control.plane import Plane
from ferryman.worker.pool import DEADLINE, Pool

Outcome = TypeVar("Outcome")
TOPIC = "errors.deadletterqueue.topic.name"
LONGEST = 0.75 * DEADLINE
"""Seconds of reading, after which what was found is the answer."""
_NONE = "Connector {} writes no dead letters: {} is not set"


class Inquiries:
    """Of the connectors that one worker knows."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._pool = Pool("dead letters", 2, 16)

    async def logs(self, name: str, task: int | None = None) -> Sequence[Mapping[str, Any]]:
        """The last lines of the log about a task, or about the connector apart from its tasks, on the worker that runs
        it. RequestError 404 if there is no such."""
        if task not in (None, *range(len(self._known(name).tasks))):
            raise RequestError(404, f"Unknown task: {name}-{task}")
        await self._plane.members.own(name, task)
        return recent.KEPT.of(Subject(name, task))

    async def dead_letters(self, name: str, choice: Choice, scan: int, limit: int) -> Mapping[str, Any]:
        """Groups of the letters that a choice takes among the newest ``scan`` of the connector's topic, and the newest
        ``limit`` of them. RequestError 404 if there is no such connector, or none that writes any."""

        def read(reader: Reader, values: Mapping[str, str]) -> Mapping[str, Any]:
            extent, groups, count = Extent(), Groups(), 0
            letters = deque[DeadLetter](maxlen=limit)
            for letter in reader.newest(scan, time.monotonic() + LONGEST, extent):
                if choice.takes(letter):
                    count += 1
                    groups.add(letter)
                    letters.append(letter)
            return {
                "topic": values[TOPIC],
                "scanned": extent.scanned,
                "complete": extent.complete,
                "count": count,
                "groups": [shown.group(each) for each in groups.largest_first()],
                "letters": [shown.line(each) for each in reversed(letters)],
            }

        return await self._of_letters(name, f"reading the dead letters of connector {name}", read)

    async def dead_letter(self, name: str, partition: int, offset: int) -> Mapping[str, Any]:
        """One letter, whole. RequestError 404 if there is no such."""

        def read(reader: Reader, values: Mapping[str, str]) -> Mapping[str, Any]:
            letter = reader.one(partition, offset)
            if letter is None or not Choice(connector=name).takes(letter):
                raise RequestError(404, f"Connector {name} has no dead letter {partition}-{offset}")
            return shown.whole(letter, shown.decoder(values, self._plane.launch.settings.values, _is_sink(values)))

        return await self._of_letters(name, f"reading a dead letter of connector {name}", read)

    async def _of_letters(self, name: str, stage: str, read: Callable[[Reader, Mapping[str, str]], Outcome]) -> Outcome:
        raw, owner, launch = self._known(name).properties or {}, self._plane.owner(name), self._plane.launch

        def made() -> Outcome:
            with owner.keeps():  # its clients protect their passwords
                values = launch.resolved(owner, raw).values
                topic = values.get(TOPIC, "").strip()
                if not topic:
                    raise RequestError(404, _NONE.format(name, TOPIC))
                clients = Clients(name, 0, launch.settings.values, values, launch.identity)
                client = clients.sink_consumer() if _is_sink(values) else clients.offsets_consumer()
                try:
                    with closing(Reader(client, topic)) as reader:
                        return read(reader, values)
                except FerrymanError as error:
                    raise error if isinstance(error, RequestError) else RequestError(500, str(error)) from error

        return await self._pool.run(stage, made)

    def _known(self, name: str) -> ConnectorFacts:
        found = self._plane.journal.facts.of(name)
        if found.properties is None:
            raise RequestError(404, f"Connector {name} not found")
        return found


def _is_sink(values: Mapping[str, str]) -> bool:
    entry = catalog.connector_entry(values.get("connector.class", ""))
    return entry is not None and entry.kind == "sink"
