"""Reads a connector's dead letters: in groups, or one of them whole."""

import logging
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from typing import Any, TypeVar

from confluent_kafka import KafkaException

from ferryman.config import trim
from ferryman.dead_letters import query, shown
from ferryman.dead_letters.choice import Choice
from ferryman.dead_letters.groups import Groups
from ferryman.dead_letters.letter import DeadLetter
from ferryman.dead_letters.mark import Mark
from ferryman.dead_letters.reading import Extent, Reader
from ferryman.dead_letters.replay_state import ReplayState, ReplayStates
from ferryman.errors import FerrymanError, RequestError, TaskError
from ferryman.kafka.admin import Admin
from ferryman.kafka.clients import Clients
from ferryman.plugin_process import letter_converters, shown_letter
from ferryman.plugins import catalog
from ferryman.replay import deleted_runs, marks
from ferryman.replay.marks import Marks
from ferryman.settings.config_providers import Resolution
from ferryman.telemetry.redaction import redact
from ferryman.worker.control.plane import Plane
from ferryman.worker.plugin_code.processes import Asked
from ferryman.worker.pool import DEADLINE_SECONDS, Pool

log = logging.getLogger(__name__)
Outcome = TypeVar("Outcome")
TOPIC = "errors.deadletterqueue.topic.name"
Read = Callable[[Reader, Resolution, ReplayStates], Outcome]
MAX_READ_SECONDS = 0.7 * DEADLINE_SECONDS
"""Seconds of reading, after which what was found is the answer."""
READ_DEADLINE_SECONDS, DECODE_DEADLINE_SECONDS = 0.75 * DEADLINE_SECONDS, 0.25 * DEADLINE_SECONDS
"""Seconds to wait for what is read, and for the converters to decode a letter."""
_NONE = "Connector {} writes no dead letters: {} is not set"


class DeadLetters:
    """The dead letters of the connectors that one worker knows. ``replaying`` says which replays have not come to their
    end."""

    def __init__(self, plane: Plane, replaying: Callable[[], Collection[str]]) -> None:
        self._plane, self._replaying = plane, replaying
        self._pool = Pool("dead letters", 2, 16)

    async def found(
        self, name: str, choice: Choice, scan: int, limit: int, only_open: bool = False
    ) -> Mapping[str, Any]:
        """Groups of the letters that a choice takes among the newest ``scan`` of the connector's topic, and the newest
        ``limit`` of them; of those only that are still to be replayed, if so wanted. RequestError 404 if there is no
        such connector, or none that writes any, 500 if it is wanted but not known which are open."""

        def read(reader: Reader, resolution: Resolution, states: ReplayStates) -> Mapping[str, Any]:
            if only_open and states.unread:
                raise RequestError(500, f"Which dead letters of {name} are open is not known: {states.unread}")
            extent, groups, undated = Extent(), Groups(limit), 0
            for letter in reader.newest(scan, time.monotonic() + MAX_READ_SECONDS, extent):
                state, mark = states.of(letter), states.marks.get(letter.id)
                if mark is not None:
                    groups.settle(letter, mark)
                if only_open and state is not ReplayState.OPEN:
                    continue
                undated += choice.misses(letter)
                if choice.takes(letter):
                    groups.add(letter, state)
            return {
                "topic": trim(resolution.values[TOPIC]),
                "scanned": extent.scanned,
                "complete": extent.complete,
                **shown.found(groups, undated, states),
            }

        return await self._of_letters(name, f"reading the dead letters of connector {name}", read)

    async def letter(self, name: str, partition: int, offset: int, edit: str | None = None) -> Mapping[str, Any]:
        """One letter, whole; with what a jq expression makes of its value. RequestError 404 if there is no such, 400
        for what is no expression."""

        stage = f"reading a dead letter of connector {name}"

        def read(reader: Reader, resolution: Resolution, states: ReplayStates) -> tuple[DeadLetter, Mark | None, Asked]:
            letter = reader.one(partition, offset)
            if letter is None or not Choice(connector=name).takes(letter):
                raise RequestError(404, f"Connector {name} has no dead letter {partition}-{offset}")
            is_sink = _is_sink(resolution.values)
            rows = letter_converters.rows(resolution, self._plane.resources.settings.values, is_sink)
            question = shown_letter.question(letter, name, resolution, is_sink, edit)
            return letter, states.marks.get(letter.id), Asked(question, rows, stage)

        letter, mark, asked = await self._of_letters(name, stage, read)
        return shown.whole(letter, mark, await self._decoded(letter, asked, edit))

    async def _decoded(self, letter: DeadLetter, asked: Asked, edit: str | None) -> Mapping[str, Any]:
        """What the converters' code returns; if it does not return, a letter is shown without that."""
        try:
            found: Mapping[str, Any] = await self._plane.resources.plugins.ask(asked, DECODE_DEADLINE_SECONDS)
        except RequestError as error:
            if error.status < 500:
                raise
            return shown_letter.unanswered(letter, str(error), edit)
        except FerrymanError as error:
            return shown_letter.unanswered(letter, str(error), edit)
        return found

    async def _of_letters(self, name: str, stage: str, read: Read[Outcome]) -> Outcome:
        await self._plane.journal.read()
        raw, owner, resources = (
            self._plane.journal.facts.of(name).properties,
            self._plane.owner(name),
            self._plane.resources,
        )
        if raw is None:
            raise query.unknown(name)

        def made() -> Outcome:
            with owner.keeps():  # its clients protect their passwords
                resolution = resources.resolved(owner, raw)
                values = resolution.values
                topic = trim(values.get(TOPIC, ""))
                if not topic:
                    raise RequestError(404, _NONE.format(name, TOPIC))
                clients = Clients(name, 0, resources.settings.values, values, resources.identity)
                client = clients.sink_consumer() if _is_sink(values) else clients.offsets_consumer()
                try:
                    with closing(Reader(client, topic)) as reader:
                        return read(reader, resolution, self._states(clients, topic))
                except FerrymanError as error:
                    raise error if isinstance(error, RequestError) else RequestError(500, str(error)) from error

        return await self._pool.run(stage, made, READ_DEADLINE_SECONDS)

    def _states(self, clients: Clients, topic: str) -> ReplayStates:
        """What is marked; without the right to read that the letters can be read all the same."""
        try:
            found = marks.topic_id(Admin(clients.admin()), topic)
            taken = {} if found is None else Marks(clients, topic, found).read()
            # After the marks, or a run that began in between would count as one that is gone.
            under_way = self._replaying()
            deleted = {each.run for each in taken.values() if each.run} - set(self._plane.journal.facts.names())
            return ReplayStates(taken, under_way, deleted_runs.reached(clients, topic, taken, deleted))
        except (TaskError, KafkaException) as error:
            log.debug("the marks of %s cannot be read: %s", topic, error)
            return ReplayStates({}, unread=redact(str(error)))


def _is_sink(values: Mapping[str, str]) -> bool:
    entry = catalog.connector_entry(values.get("connector.class", ""))
    return entry is not None and entry.kind == "sink"
