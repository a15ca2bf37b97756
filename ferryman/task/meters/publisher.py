"""Sends the worker a task's metrics: once a second, and each family only when its lines have changed. A task that has
nothing to do is looked at less often: among many of them, the looks are most of what they cost.

The worker may be stopped, and read nothing: what it is told here must not fill the line, or the task itself would stand
still when it has something to say. So what finds no room is not said, and is part of what is said next.
"""

import logging
import threading
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from ferryman.metrics import exposition
from ferryman.metrics.exposition import Sample
from ferryman.metrics.family import Family, Key, Value
from ferryman.metrics.histogram import Histogram

log = logging.getLogger(__name__)

LOOK_SECONDS, IDLE_LOOK_SECONDS = 1.0, 5.0
"""Seconds between two looks; and between those at a task that has done nothing for ``IDLE_AFTER_SECONDS``."""
IDLE_AFTER_SECONDS = 10.0
LAST_TRIES, LAST_TRY_SECONDS = 20, 0.02
"""How often the last metrics are tried, and seconds in between: another thread may be sending something just then."""
MAX_MESSAGE_BYTES = 64 << 10
"""Bytes in one message, so that it fits into the line at once. Of a family that has more, the rest is left out."""
_State = tuple[tuple[Key, Value | tuple[float, int]], ...]


@dataclass
class Publisher:
    """Tells the worker the lines of one task's metrics."""

    samples: Callable[[], Iterable[Sample]]
    offer: Callable[[str, dict[str, Any]], bool]
    """Sends the worker an event with its facts, if there is room for it; says whether there was."""
    background: Container[str] = frozenset()
    """Names of families whose lines change although the task does nothing."""
    clock: Callable[[], float] = time.monotonic
    _worked: float = field(init=False)
    """When something else than those was new last."""
    _told: dict[str, _State] = field(default_factory=dict)
    """What the worker knows, by family."""
    _cut: set[str] = field(default_factory=set)
    _telling: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._worked = self.clock()

    def start(self) -> None:
        """Goes on until the last words, on a thread of its own."""
        threading.Thread(target=self._go_on, name="metrics", daemon=True).start()

    def last_words(self) -> None:
        """Says once more what is new; for when the task ends. Raises nothing: whatever ended it has more to say."""
        self._over.set()
        try:
            for _ in range(LAST_TRIES):
                if self.tell():
                    return
                time.sleep(LAST_TRY_SECONDS)
        except Exception as error:
            log.debug("the task's last metrics could not be sent: %s", error)

    def _go_on(self) -> None:
        while not self._over.is_set():
            try:
                self.tell()
            except Exception:
                log.exception("the task's metrics could not be sent")
            self._over.wait(self.pause)

    @property
    def pause(self) -> float:
        """Seconds until the next look."""
        return LOOK_SECONDS if self.clock() < self._worked + IDLE_AFTER_SECONDS else IDLE_LOOK_SECONDS

    def tell(self) -> bool:
        """Says what is new; False if there was no room for some of it. From any thread."""
        with self._telling:
            return self._tell()

    def _tell(self) -> bool:
        families: dict[str, list[Sample]] = {}
        for sample in self.samples():
            families.setdefault(sample[0].name, []).append(sample)
        states = {name: _state(found) for name, found in families.items()}
        new = [name for name, state in states.items() if state != self._told.get(name)]
        if any(name not in self.background for name in new):
            self._worked = self.clock()
        news = [sample for name in new for sample in families[name]]
        for part in self._parts(exposition.lines(news)):
            if not self.offer("metrics", {"lines": part}):
                return False
            self._told.update({name: states[name] for name in part})
        return True

    def _parts(self, lines: Mapping[str, str]) -> Iterator[dict[str, str]]:
        """What is sent in one piece; the counters of the whole process belong together, but no two families need to."""
        part, size = dict[str, str](), 0
        for name, text in lines.items():
            takes = _bytes(text)
            if takes > MAX_MESSAGE_BYTES:
                self._warn(name)
                text = text[: text.rindex("\n", 0, MAX_MESSAGE_BYTES * len(text) // takes) + 1]
                takes = _bytes(text)
            if part and size + takes > MAX_MESSAGE_BYTES:
                yield part
                part, size = {}, 0
            part[name] = text
            size += takes
        if part:
            yield part

    def _warn(self, name: str) -> None:
        if name not in self._cut:
            self._cut.add(name)
            log.warning("metric %s of this task has more series than are reported; the last ones are left out", name)


def _bytes(text: str) -> int:
    return len(orjson.dumps(text))


def _state(samples: Iterable[tuple[Family, Key, Value | Histogram]]) -> _State:
    return tuple(
        (key, (value.sum, sum(value.counts)) if isinstance(value, Histogram) else value) for _, key, value in samples
    )
