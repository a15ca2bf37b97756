"""Looks again and again how far the live connector of a run is, on a thread of its own, and has the run give way."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from confluent_kafka import KafkaException

from ferryman.context import Reached
from ferryman.errors import FerrymanError
from ferryman.record import TopicPartition
from ferryman.runs.delays import Delay, Delays
from ferryman.runs.yielding import FIRST_SHARE, Yielding

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
"""Seconds between two looks."""
GROUP_POLL_SECONDS = 2.0
"""The same for who is in its group, while nothing else is known of it."""
BLIND_SECONDS = 30.0
"""Seconds without an answer after which the run no longer gives way."""

Positions = Mapping[TopicPartition, int]


class Topics(Protocol):
    """The partitions that a run and its live connector read."""

    def ends(self, sources: Positions) -> Positions:
        """Where they end now."""

    def behind(self, source: TopicPartition, offset: int) -> int | None:
        """The end of a partition if no record is there from this offset on, only marks of transactions; None if one
        is. Raises RetriableError when nobody tells in time."""

    def is_read(self) -> bool:
        """Whether anybody is in the live connector's group."""

    def close(self) -> None:
        """Lets its clients go."""


@dataclass
class Live:
    """The live connector, as one task of a run sees it."""

    beside: Callable[[], Positions]
    """The live connector's next offsets as they stand beside its data; none where there are no such."""
    committed: Callable[[], Positions]
    """The offsets that its group has."""
    late: float
    """Seconds between two commits of the group."""
    topics: Topics
    yielding: Yielding
    delays: Delays = field(default_factory=Delays)
    _through: dict[TopicPartition, tuple[int, int]] = field(default_factory=dict)
    """Offsets behind which there are only marks, with the end of these."""
    _asked: dict[TopicPartition, int] = field(default_factory=dict)
    """Offsets at which there is a record."""
    _heard: float | None = None
    """When there was an answer last; at first, when the first was asked for."""
    _is_blind: bool = False
    _is_known: bool = True
    _group: tuple[float, bool] = (-GROUP_POLL_SECONDS, True)
    """When the group was last described, and whether it had members."""

    def look(self, now: float) -> None:
        """Looks once; ``now`` in seconds of a clock that only goes forward. It raises no errors of other systems:
        without information about its live connector a run goes on."""
        self._heard = now if self._heard is None else self._heard
        try:
            delay = self._delay(now)
        except (FerrymanError, KafkaException) as error:
            log.debug("it is not known how far the live connector is: %s", error)
            if now - self._heard > BLIND_SECONDS:
                self._warn(error)
                self.yielding.heard(None, now)
            return
        self._is_blind = False
        self._heard = now
        before = self.yielding.share
        self.yielding.heard(delay, now)
        if self.yielding.share < before:
            log.info("records wait %.1f s for the live connector: the run slows down", delay.longest if delay else 0.0)
        self._say(delay is None or delay.is_known)

    def _say(self, is_known: bool) -> None:
        if self._is_known and not is_known:
            log.info(
                "the live connector has committed nothing since the run began: until it does the run works %.0f %% of "
                "its time",
                100 * FIRST_SHARE,
            )
        self._is_known = is_known

    def _warn(self, error: Exception) -> None:
        """Once, until there is an answer again."""
        if not self._is_blind:
            log.warning("it is not known how far the live connector is; the run does not slow down for it: %s", error)
        self._is_blind = True

    def _delay(self, now: float) -> Delay | None:
        found = self.beside()
        self.delays.late = 0.0 if found else self.late
        found = found or self.committed()
        if not found:
            return Delay(0.0, None, is_known=False) if self._is_read(now) else None
        ends = self.topics.ends(found)
        delay = self.delays.look(now, self._effective(found), ends)
        if delay is not None and not delay.is_known and not self._is_read(now):
            return None
        oldest = self.delays.oldest(now)
        if delay is None or delay.longest <= self.yielding.limit or oldest is None:
            return delay
        source, position = oldest
        if self._asked.get(source) != position:
            end = self.topics.behind(source, position)
            if end is not None:
                self._through[source] = (found[source], end)
                return self.delays.look(now, self._effective(found), ends)
            self._asked[source] = position
        return delay

    def _is_read(self, now: float) -> bool:
        if now - self._group[0] >= GROUP_POLL_SECONDS:
            self._group = now, self.topics.is_read()
        return self._group[1]

    def _effective(self, found: Positions) -> Positions:
        return {source: self._end(source, position) for source, position in found.items()}

    def _end(self, source: TopicPartition, position: int) -> int:
        at, end = self._through.get(source, (-1, -1))
        return max(position, end) if at == position else position


class Watching:
    """The thread that looks. It begins at once, and ends soon after ``close``."""

    def __init__(self, live: Live, beside: Reached | None) -> None:
        self._live, self._beside, self._over = live, beside, threading.Event()
        live.yielding.begin()
        threading.Thread(target=self._run, name="live", daemon=True).start()

    def close(self) -> None:
        """Looks no more; the thread lets the clients go."""
        self._over.set()

    def _run(self) -> None:
        try:
            self._live.look(time.monotonic())
            while not self._over.wait(POLL_SECONDS):
                self._live.look(time.monotonic())
        except Exception:
            log.exception("the live connector cannot be watched, and the run does not slow down for it")
            self._live.yielding.share = 1.0
        finally:
            self._live.topics.close()
            if self._beside is not None:
                self._beside.close()
