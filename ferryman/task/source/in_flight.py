"""Which offsets a source may commit while records of it are still on their way to the broker. Pure.

What was polled together is acknowledged together: an offset of a poll says that all of its records are there. So an
offset is committed when its poll is acknowledged, and every earlier poll that names the same source partition; a record
that is stuck holds back its own partitions and no others. Of a poll that names no partition nobody knows what comes
after it, and it holds back all.
"""

from collections import deque
from dataclasses import dataclass, field

from ferryman.record import Offset, Partition
from ferryman.task.source.delivery import Progress


@dataclass(eq=False, slots=True)
class Poll:
    """The records of one poll on their way."""

    progress: Progress | None = None
    """Where the source stands behind it; None while records of it are still handed over."""
    handed: int = 0
    acknowledged: int = 0

    @property
    def is_there(self) -> bool:
        """Whether the broker has all of it."""
        return self.progress is not None and self.acknowledged == self.handed


@dataclass(slots=True)
class InFlight:
    """The polls of one session whose offsets are not committed yet, in their order."""

    _polls: deque[Poll] = field(default_factory=deque)
    _ready: dict[str, tuple[Partition, Offset | None]] = field(default_factory=dict)
    """Offsets of polls before all of those, which may be committed."""

    def opened(self) -> Poll:
        """Another poll, whose records follow."""
        poll = Poll()
        self._polls.append(poll)
        return poll

    @property
    def polls(self) -> int:
        """How many polls are not there yet, or behind one that is not."""
        self._drop_acknowledged()
        return len(self._polls)

    def committable(self) -> Progress:
        """The offsets that may be committed now and were not given before; the latest of each partition."""
        self._drop_acknowledged()
        found, self._ready = self._ready, {}
        held: set[str] = set()
        for poll in self._polls:
            if poll.is_there:
                free = {identity: at for identity, at in (poll.progress or {}).items() if identity not in held}
                found.update(free)
                poll.progress = {identity: at for identity, at in (poll.progress or {}).items() if identity in held}
            elif not poll.progress:
                break
            else:
                held |= poll.progress.keys()
        return found

    def _drop_acknowledged(self) -> None:
        while self._polls and self._polls[0].is_there:
            self._ready.update(self._polls.popleft().progress or {})
