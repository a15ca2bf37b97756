"""Takes letters of a live connector: looks which there are, marks a run's, sends others to their topics. Blocks."""

import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ferryman.connector import SinkConfig, SourceConfig, own_offsets_topic
from ferryman.dead_letters.choice import Choice
from ferryman.dead_letters.letter import DeadLetter
from ferryman.dead_letters.mark import Mark
from ferryman.dead_letters.query import MOST_SCANNED
from ferryman.dead_letters.reading import Extent, Reader
from ferryman.edits.program import BadProgram, Program
from ferryman.errors import RequestError
from ferryman.kafka.admin import Admin
from ferryman.kafka.clients import Clients
from ferryman.kafka.subscription import own_topics
from ferryman.replay import marks
from ferryman.replay.choosing import DOUBLES, REFUSED, UNDATED, Chosen
from ferryman.replay.making import MEANT, Making
from ferryman.replay.marks import Marks
from ferryman.replay.outgoing import Asked, AsTheyWere, Convert, Way
from ferryman.replay.request import LETTERS, Request
from ferryman.replay.to_topic import Sending
from ferryman.runs.ranges import Ranges
from ferryman.settings.config_providers import Resolution

READ_SECONDS, SEND_SECONDS = 30.0, 60.0
"""Seconds from the beginning until which is read, and until which transactions are begun."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A run that may be made."""

    name: str
    config: Mapping[str, str] = field(repr=False)
    """References unresolved."""
    ids: Collection[str]
    """The letters that it is to have, and their doubles."""
    told: Mapping[str, Any]
    """What is answered about it."""


@dataclass(frozen=True)
class Taking:
    """Carries out one request. All raise RequestError or ConfigError for what cannot be, RetriableError or TaskError as
    ``Reader``."""

    making: Making
    request: Request
    clients: Clients
    under_way: Collection[str]
    """The replays that have not come to their end."""
    resolution: Resolution
    """The connector's config with its references resolved."""
    convert: Convert
    _began: float = field(default_factory=time.monotonic)

    @cached_property
    def _config(self) -> SinkConfig | SourceConfig:
        """What all sinks or sources have; the connector's own keys are its code's to read."""
        kind = SinkConfig if self.making.is_sink else SourceConfig
        return kind.parse(self.resolution.values)

    @cached_property
    def _marks(self) -> Marks:
        topic, name = self._config.errors_deadletterqueue_topic_name, self.making.live["name"]
        if not topic:
            raise RequestError(404, f"Connector {name} writes no dead letters: {LETTERS} is not set")
        topic_id = marks.topic_id(Admin(self.clients.admin()), topic)
        if topic_id is None:
            raise RequestError(404, f"Connector {name} has written no dead letters: there is no topic {topic}")
        return Marks(self.clients, topic, topic_id)

    def planned(self, name: str) -> Plan:
        """The run that would replay the letters that no other run has."""
        self.making.checked()
        self._checked_edit()
        chosen, extent = self._chosen(self._marks.read())
        verdict = self.making.verdict(self.request, sorted(chosen.topics))
        topic = self._marks.letters
        ranges = Ranges({topic: self._marks.topic_id}, chosen.ranges(topic))
        config = self.making.config(self.request, name, ranges, self._marks.topic)
        told = {**_told(chosen, extent), "name": name, "target": MEANT[verdict]}
        return Plan(name, config, frozenset(chosen.owned), told)

    def marked(self, plan: Plan) -> Plan:
        """Gives the run its letters, but those that somebody has taken meanwhile. RequestError 409 if none is left, or
        if one is gone that was named by itself; then none is marked."""
        with self._marks.writing() as writing:
            taken = self._marks.read()
            chosen, extent = self._chosen(taken, plan.ids, plan.name)
            with writing.transaction():
                for each in chosen.ids:
                    writing.mark(each, chosen.doubles(each), Mark(plan.name, None, round(time.time() * 1000)))
        before = {why: count for why, count in plan.told["passed_over"].items() if why != DOUBLES}
        passed_over = Counter(before) + Counter(chosen.told)
        told = {**plan.told, **_told(chosen, extent), "passed_over": dict(sorted(passed_over.items()))}
        return replace(plan, ids=frozenset(chosen.owned), told=told)

    def sent(self) -> Mapping[str, Any]:
        """Sends the letters to the topics of their records, as many as time allows."""
        self._checked_edit()
        way = self._way()
        way.checked()
        target = {"name": None, "target": "they are sent to the topics of their records"}
        if self.request.dry_run:
            return {**_told(*self._chosen(self._marks.read())), **target}
        with self._marks.writing() as writing:
            chosen, extent = self._chosen(self._marks.read())
            with closing(self._reader()) as reader:
                sending = Sending(writing, chosen, way, self._closed)
                sending.send(self._meant(reader, Extent()), self._began + SEND_SECONDS)
        if not sending.sent and any(each.is_about_topic for each in sending.refusals.values()):
            raise RequestError(409, f"No dead letter was sent. {'; '.join(sorted(sending.refusals))}. Ask again then")
        told, settled = _told(chosen, extent), sending.sent + chosen.passed_over[REFUSED]
        complete = extent.complete and settled == len(chosen.ids)
        return {**told, **target, "letters": sending.sent, "complete": complete, "refusals": sorted(sending.refusals)}

    def _way(self) -> Way:
        if self.making.is_sink and not self.request.edit:
            return AsTheyWere()
        name, worker, edit = self.making.live["name"], self.clients.worker, self.request.edit
        return Asked(self.convert, name, self.resolution, worker, self.making.is_sink, edit)

    @property
    def _closed(self) -> Collection[str]:
        offsets = own_offsets_topic(self.clients.raw)
        return {self._marks.letters, self._marks.topic, offsets, *own_topics(self.clients.worker)}

    def _checked_edit(self) -> None:
        try:
            if self.request.edit:
                Program(self.request.edit).check()
        except BadProgram as error:
            raise RequestError(400, f"edit is not a jq expression: {error}") from error

    def _chosen(
        self, taken: Mapping[str, Mark], among: Collection[str] | None = None, whose: str = ""
    ) -> tuple[Chosen, Extent]:
        """``whose``: the run that is to have them, which may have been there before."""
        topics = self._config.topics if isinstance(self._config, SinkConfig) else ()
        only = topics[0] if len(topics) == 1 else ""
        under_way = [run for run in self.under_way if run != whose]
        chosen, extent = Chosen(self.request, only, taken, self._closed, under_way), Extent()
        with closing(self._reader()) as reader:
            meant = self._meant(reader, extent, chosen.passed_over if among is None else None)
            chosen.add(each for each in meant if among is None or each.id in among)
        chosen.checked(None if extent.complete else extent.scanned)
        return chosen, extent

    def _reader(self) -> Reader:
        return Reader(self.clients.group_reader() | {"auto.offset.reset": "earliest"}, self._marks.letters)

    def _meant(self, reader: Reader, extent: Extent, missed: Counter[str] | None = None) -> Iterator[DeadLetter]:
        """``missed`` counts those that may be meant, but do not say so."""
        if not self.request.letters:
            found = reader.newest(MOST_SCANNED, time.monotonic() + READ_SECONDS, extent)
            return (each for each in found if self._takes(each, missed))
        return (self._named(reader, *place) for place in self.request.letters)

    def _takes(self, letter: DeadLetter, missed: Counter[str] | None) -> bool:
        if missed is not None and self.request.choice.misses(letter):
            missed[UNDATED] += 1
        return self.request.choice.takes(letter)

    def _named(self, reader: Reader, partition: int, offset: int) -> DeadLetter:
        name = self.making.live["name"]
        found = reader.one(partition, offset)
        if found is None or not Choice(connector=name).takes(found):
            raise RequestError(404, f"Connector {name} has no dead letter {partition}-{offset}")
        return found


def _told(chosen: Chosen, extent: Extent) -> dict[str, Any]:
    return {
        "letters": len(chosen.ids),
        "passed_over": chosen.told,
        "complete": extent.complete,
    }
