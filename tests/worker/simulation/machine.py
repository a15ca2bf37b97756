"""Hosts in simulated time: each has an event loop and threads, and may sleep, wake up and die while the others go on.

One thing happens at a time, in an order that a random source decides: the same source, the same run. When nobody has
anything to do, it is at once as late as the next timer. The threads are real ones, but only who has the turn runs.
"""

import _thread
import asyncio
import heapq
import random
import select
import selectors
import sys
import traceback
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Any

EPOCH = 1_800_000_000.0
"""What the clock on the wall says when a simulation begins."""

LEAST = 1e-6
"""Seconds: the shortest time that passes."""


class Killed(BaseException):
    """Ends the threads of a host that was killed."""


class Stuck(AssertionError):
    """Nothing would ever happen any more."""


class Machine:
    """All hosts, and the clock that they share."""

    def __init__(self, source: random.Random) -> None:
        self.now = 0.0
        self.source = source
        self.hosts: list[Host] = []
        self.host: Host | None = None
        """Whose turn it is."""
        self.strand: Strand | None = None
        """Which of its threads; None for its event loop."""
        self.troubles: list[str] = []
        """What was raised where nobody waited for it."""
        self.steps = 0
        """How many turns there were."""
        self.ended = _thread.allocate_lock()
        self.ended.acquire()
        self._poll = select.epoll()
        self._watched: dict[int, tuple[Host, _Watch]] = {}

    def run_until(self, done: Callable[[], object]) -> None:
        """Goes on until this holds."""
        while not done():
            if not self._turns() and not self._read():
                self._jump()

    def _turns(self) -> bool:
        busy = False
        first = self.source.randrange(len(self.hosts))
        for host in self.hosts[first:] + self.hosts[:first]:
            if not host.sleeps and not host.dead and host.turn():
                busy = True
                self.steps += 1
        return busy

    def _read(self) -> bool:
        found = False
        for number, mask in sorted(self._poll.poll(0)):
            host, watch = self._watched[number]
            if not host.sleeps and not host.dead:
                watch.ready[number] = mask
                found = True
        return found

    def _jump(self) -> None:
        due = [each.due for each in self.hosts if not each.sleeps and not each.dead]
        found = min((each for each in due if each is not None), default=None)
        if found is None:
            raise Stuck("nothing would ever happen any more")
        self.now = max(self.now, found)

    def watch(self, host: "Host", watch: "_Watch", number: int, mask: int) -> None:
        """Looks at a socket from now on."""
        known = number in self._watched
        self._watched[number] = host, watch
        (self._poll.modify if known else self._poll.register)(number, mask)

    def ignore(self, number: int) -> None:
        """No longer."""
        if self._watched.pop(number, None) is not None:
            try:
                self._poll.unregister(number)
            except OSError:
                return  # it was closed before

    def close(self) -> None:
        """Ends all hosts."""
        for host in self.hosts:
            host.die()
        self._poll.close()


class _Watch(selectors.BaseSelector):
    """What an event loop asks about its sockets; the machine looks for all loops at once."""

    def __init__(self, host: "Host") -> None:
        self.ready: dict[int, int] = {}
        self._host, self._keys = host, dict[int, selectors.SelectorKey]()
        self._order: dict[int, int] = {}
        self._numbers = count()

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        key = selectors.SelectorKey(fileobj, number, events, data)
        self._keys[number], self._order[number] = key, next(self._numbers)
        self._host.machine.watch(self._host, self, number, _mask(events))
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key = self.get_key(fileobj)
        del self._keys[key.fd], self._order[key.fd]
        self.ready.pop(key.fd, None)
        self._host.machine.ignore(key.fd)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        before = self.get_key(fileobj)
        key = self._keys[before.fd] = before._replace(events=events, data=data)
        self._host.machine.watch(self._host, self, before.fd, _mask(events))
        return key

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        return self._keys[number]

    def get_map(self) -> Any:
        return self._keys

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = []
        for number in sorted(self.ready, key=lambda each: self._order.get(each, 0)):
            if number in self._keys and (events := _events(self.ready[number]) & self._keys[number].events):
                found.append((self._keys[number], events))
        self.ready.clear()
        return found

    def close(self) -> None:
        for number in list(self._keys):
            self._host.machine.ignore(number)
        self._keys.clear()


def _mask(events: int) -> int:
    return (select.EPOLLIN if events & selectors.EVENT_READ else 0) | (
        select.EPOLLOUT if events & selectors.EVENT_WRITE else 0
    )


def _events(mask: int) -> int:
    read = selectors.EVENT_READ if mask & ~select.EPOLLOUT else 0
    return read | (selectors.EVENT_WRITE if mask & ~select.EPOLLIN else 0)


def _some(seconds: float) -> float:
    """Whoever waits for a rounding error waits a little longer, or the clock would stand still."""
    return max(seconds, LEAST) if seconds > 0 else 0.0


class Loop(asyncio.SelectorEventLoop):
    """The event loop of a host: CPython's own, turned by hand."""

    _ready: deque[Any]
    _scheduled: list[Any]
    _timer_cancelled_count: int
    _run_once: Callable[[], None]

    def __init__(self, host: "Host") -> None:
        self._host = host
        self._watch = _Watch(host)
        super().__init__(self._watch)
        self._thread_id = _thread.get_ident()
        self.set_exception_handler(self._trouble)

    def time(self) -> float:
        return self._host.machine.now

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + _some(delay), callback, *args, context=context)

    def _write_to_self(self) -> None:
        """Nobody sleeps who would have to be woken."""

    def _trouble(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self._host.machine.troubles.append(f"{self._host.name}: {context['message']}: {error!r}")

    @property
    def due(self) -> float | None:
        """When it has something to do; None for never."""
        if self._ready or self._watch.ready:
            return 0.0
        while self._scheduled and self._scheduled[0]._cancelled:
            self._timer_cancelled_count -= 1
            heapq.heappop(self._scheduled)._scheduled = False
        return self._scheduled[0]._when if self._scheduled else None

    def turn(self) -> None:
        """Does what there is to do now."""
        asyncio._set_running_loop(self)
        try:
            self._run_once()
        finally:
            asyncio._set_running_loop(None)

    def end(self) -> None:
        """Nothing is done any more, and nothing closed but what it listened to."""
        self._ready.clear()
        self._scheduled.clear()
        self._watch.close()


class Host:
    """A process of its own: it may sleep (SIGSTOP) and die (SIGKILL)."""

    def __init__(self, machine: Machine, name: str) -> None:
        self.machine, self.name = machine, name
        self.sleeps = self.dead = False
        self.strands: list[Strand] = []
        self.runnable: deque[Strand] = deque()
        self._alarms: list[tuple[float, int, Strand, int]] = []
        self._numbers = count()
        self.loop = Loop(self)
        machine.hosts.append(self)

    @property
    def due(self) -> float | None:
        """When it has something to do; None for never."""
        if self.runnable:
            return 0.0
        while self._alarms and self._alarms[0][3] != self._alarms[0][2].parked:
            heapq.heappop(self._alarms)
        found = self.loop.due
        return self._alarms[0][0] if self._alarms and (found is None or self._alarms[0][0] < found) else found

    def turn(self) -> bool:
        """Does what there is to do now; whether there was something."""
        due = self.due
        if due is None or due > self.machine.now:
            return False
        self.machine.host = self
        if self.machine.source.random() < 0.5:
            self._threads()
            self._loop()
        else:
            self._loop()
            self._threads()
        self.machine.host = None
        return True

    def _loop(self) -> None:
        if not self.dead and (due := self.loop.due) is not None and due <= self.machine.now:
            self.loop.turn()

    def _threads(self) -> None:
        while self._alarms and self._alarms[0][0] <= self.machine.now:
            _, _, strand, number = heapq.heappop(self._alarms)
            if strand.parked == number:
                strand.wake(False)
        for _ in range(len(self.runnable)):
            if self.runnable and not self.sleeps and not self.dead:
                self.runnable.popleft().runs()

    def alarm(self, when: float, strand: "Strand", number: int) -> None:
        """Wakes a thread then, unless it is awake by then."""
        heapq.heappush(self._alarms, (when, next(self._numbers), strand, number))

    def stands(self) -> str:
        """What its threads wait for."""
        frames = sys._current_frames()
        return "\n".join(
            f"thread {each.name}:\n" + "".join(traceback.format_stack(frames[each.number])[:-2])
            for each in self.strands
            if each.number in frames
        )

    def die(self) -> None:
        """It is no more, from one moment to the next."""
        if self.dead:
            return
        self.dead = True
        before = self.machine.host
        for strand in list(self.strands):
            if strand is not self.machine.strand:
                strand.runs()
        self.machine.host = before
        self.loop.end()


class Strand:
    """A thread that runs when it has the turn, and gives it back when it waits."""

    def __init__(self, host: Host, name: str, target: Callable[[], object]) -> None:
        self.host, self.name, self.done = host, name, False
        self.parked = 0
        """The number of its present wait; 0 while it does not wait."""
        self.ends: list[Callable[[], object]] = []
        """Called when it has ended."""
        self._target = target
        self._turn = _thread.allocate_lock()
        self._turn.acquire()
        self._numbers = count(1)
        self._woken = False
        host.strands.append(self)
        host.runnable.append(self)
        self.number = _thread.start_new_thread(self._main, ())

    def _main(self) -> None:
        self._turn.acquire()
        machine = self.host.machine
        try:
            if not self.host.dead:
                self._target()
        except Killed:
            pass
        except BaseException as error:
            machine.troubles.append(f"{self.host.name}, thread {self.name}: {error!r}")
        self.done = True
        self.host.strands.remove(self)
        for each in self.ends:
            each()
        machine.ended.release()

    def runs(self) -> None:
        """Lets it go on until it waits."""
        if self.done:
            return
        machine = self.host.machine
        before = machine.strand, machine.host
        machine.strand, machine.host = self, self.host
        self._turn.release()
        machine.ended.acquire()
        machine.strand, machine.host = before

    def wait(self, seconds: float | None) -> bool:
        """Waits until it is woken, or so long; whether it was woken. To be called on the thread itself."""
        if self.host.dead:
            raise Killed
        self.parked = number = next(self._numbers)
        if seconds is not None:
            self.host.alarm(self.host.machine.now + _some(seconds), self, number)
        self.host.machine.ended.release()
        self._turn.acquire()
        if self.host.dead:
            raise Killed
        return self._woken

    def wake(self, woken: bool = True) -> None:
        """It has its turn soon."""
        if self.parked:
            self.parked, self._woken = 0, woken
            self.host.runnable.append(self)
