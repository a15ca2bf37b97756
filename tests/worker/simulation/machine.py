"""Hosts in simulated time: each has an event loop and threads, and may sleep, wake up and die while the others go on.

One thing happens at a time, in an order that a random source decides: the same source, the same run. When nobody has
anything to do, it is at once as late as the next timer. The threads are real ones, but only who has the turn runs.
"""

import _thread
import asyncio
import heapq
import random
import select
import sys
import traceback
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

from tests.worker.simulation.sockets import Watch

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
        """The hosts that live."""
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
        self.busy: dict[Host, None] = {}
        """The hosts that have something to do now."""
        self._alarms: list[tuple[float, int, Host, asyncio.TimerHandle | Alarm]] = []
        self._numbers = count()
        self._poll = select.epoll()
        self._watched: dict[int, tuple[Host, Watch]] = {}

    def run_until(self, done: Callable[[], object]) -> None:
        """Goes on until this holds."""
        while not done():
            if self.busy:
                self._turns()
            elif not self._read():
                self._jump()

    def _turns(self) -> None:
        """Whoever has something to do now does it."""
        turns = list(self.busy)
        self.busy.clear()
        if len(turns) > 1:
            self.source.shuffle(turns)
        for host in turns:
            if not host.sleeps and not host.dead:
                host.turn()
                self.steps += 1

    def _read(self) -> bool:
        """Whether something has come to sockets."""
        for number, mask in sorted(self._poll.poll(0)):
            host, watch = self._watched[number]
            if not host.sleeps and not host.dead:
                watch.ready[number] = mask
                self.busy[host] = None
        return bool(self.busy)

    def _jump(self) -> None:
        """It is as late as the next alarm."""
        alarms = self._alarms
        while not self.busy:
            if not alarms:
                raise Stuck("nothing would ever happen any more")
            self.now = max(self.now, alarms[0][0])
            while alarms and alarms[0][0] <= self.now:
                _, _, host, what = heapq.heappop(alarms)
                if not what._cancelled:
                    host.rings(what)

    def alarm(self, when: float, host: "Host", what: "asyncio.TimerHandle | Alarm") -> None:
        """Does this then on a host, unless it is cancelled before."""
        heapq.heappush(self._alarms, (when, next(self._numbers), host, what))

    def watch(self, host: "Host", watch: "Watch", number: int, mask: int) -> None:
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
        for host in list(self.hosts):
            host.die()
        self._poll.close()


def _some(seconds: float) -> float:
    """Whoever waits for a rounding error waits a little longer, or the clock would stand still."""
    return max(seconds, LEAST) if seconds > 0 else 0.0


class Loop(asyncio.SelectorEventLoop):
    """The event loop of a host, turned by hand: CPython's own, but for its timers, which the machine keeps."""

    _ready: deque[asyncio.Handle]

    def __init__(self, host: "Host") -> None:
        self._host, self._machine = host, host.machine
        self._watch = Watch(partial(host.machine.watch, host), host.machine.ignore)
        super().__init__(self._watch)
        self._thread_id = _thread.get_ident()
        self.set_exception_handler(self._trouble)

    def time(self) -> float:
        return self._host.monotonic

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + _some(delay), callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self._host.alarm(timer)
        return timer

    def call_soon(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        self._machine.busy[self._host] = None
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment]

    def _write_to_self(self) -> None:
        """Nobody sleeps who would have to be woken."""

    def _trouble(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self._machine.troubles.append(f"{self._host.name}: {context['message']}: {error!r}")

    def rings(self, timer: asyncio.TimerHandle) -> None:
        """It is time for this."""
        self._ready.append(timer)

    @property
    def busy(self) -> bool:
        """Whether it has something to do now."""
        return bool(self._ready)

    def turn(self) -> None:
        """Does what there is to do now."""
        ready = self._ready
        if self._watch.ready:
            self._process_events(self._watch.select())  # type: ignore[attr-defined]
        asyncio._set_running_loop(self)
        try:
            for _ in range(len(ready)):
                if not (handle := ready.popleft())._cancelled:
                    handle._run()
        finally:
            asyncio._set_running_loop(None)

    def end(self) -> None:
        """Nothing is done any more, and nothing closed but what it listened to."""
        self._ready.clear()
        self._watch.close()


class Host:
    """A process of its own: it may sleep (SIGSTOP) and die (SIGKILL), and has the clocks of its computer.

    What the machine calls now is CLOCK_BOOTTIME everywhere.
    """

    def __init__(self, machine: Machine, name: str) -> None:
        self.machine, self.name = machine, name
        self.suspends = False
        """Whether its computer sleeps with it: its monotonic clock, and with it timers, stand still."""
        self.suspended = 0.0
        """Seconds for which they have."""
        self._asleep_since = 0.0
        self.wall = EPOCH
        """When it began, as its clock on the wall has it; somebody may put that right, or wrong."""
        self.dead = self._sleeps = False
        self.strands: list[Strand] = []
        self.runnable: deque[Strand] = deque()
        self._late: list[asyncio.TimerHandle | Alarm] = []
        """What it was time for while it slept."""
        self.dozing: dict[Strand, float] = {}
        """The threads that look again and again whether anything has changed here, and how often, in seconds."""
        self.loop = Loop(self)
        machine.hosts.append(self)

    @property
    def sleeps(self) -> bool:
        """Whether it does nothing at all."""
        return self._sleeps

    @sleeps.setter
    def sleeps(self, sleeps: bool) -> None:
        if sleeps and not self._sleeps:
            self._asleep_since = self.machine.now
        elif self._sleeps and not sleeps and self.suspends:
            self.suspended += self.machine.now - self._asleep_since
            self.suspends = False
        self._sleeps = sleeps
        if not sleeps and not self.dead:
            self.machine.busy[self] = None

    @property
    def monotonic(self) -> float:
        """Seconds on its monotonic clock."""
        return self.machine.now - self.suspended

    def alarm(self, what: "asyncio.TimerHandle | Alarm") -> None:
        """Sees to it when its time has come on the monotonic clock."""
        self.machine.alarm(what.when() + self.suspended, self, what)

    def turn(self) -> None:
        """Does what there is to do now."""
        self.machine.host = self
        while self._late:
            self.rings(self._late.pop(0))
        if self.runnable and self.machine.source.random() < 0.5:
            self._threads()
            self.loop.turn()
        else:
            self.loop.turn()
            self._threads()
        self.machine.host = None
        if self.runnable or self.loop.busy:
            self.machine.busy[self] = None

    def rings(self, alarm: "asyncio.TimerHandle | Alarm") -> None:
        """It is time for this."""
        if self.dead or alarm._cancelled:
            return
        if self._sleeps:
            self._late.append(alarm)
            return
        if alarm.when() > self.monotonic + LEAST / 2:
            self.alarm(alarm)  # its clock has stood still meanwhile
            return
        self.machine.busy[self] = None
        if isinstance(alarm, Alarm):
            alarm.strand.wake(False)
        else:
            self.loop.rings(alarm)

    def _threads(self) -> None:
        for _ in range(len(self.runnable)):
            if self.runnable and not self.sleeps and not self.dead:
                self.runnable.popleft().runs()

    def stirs(self) -> None:
        """Something may have changed that threads look at again and again."""
        if self.dozing:
            dozing, self.dozing = self.dozing, {}
            for strand, seconds in dozing.items():
                strand.looks_within(seconds)

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
        self.machine.hosts.remove(self)
        before = self.machine.host
        for strand in list(self.strands):
            if strand is not self.machine.strand:
                strand.runs()
        self.machine.host = before
        self.loop.end()


class Alarm:
    """Wakes a thread, unless it is awake by then."""

    def __init__(self, strand: "Strand", when: float) -> None:
        self.strand, self._when, self._cancelled = strand, when, False

    def when(self) -> float:
        """By the monotonic clock of its host."""
        return self._when

    def cancel(self) -> None:
        """It need not."""
        self._cancelled = True


class Strand:
    """A thread that runs when it has the turn, and gives it back when it waits."""

    def __init__(self, host: Host, name: str, target: Callable[[], object]) -> None:
        self.host, self.name, self.done = host, name, False
        self._parked = False
        """Whether it waits."""
        self._alarm: Alarm | None = None
        self.ends: list[Callable[[], object]] = []
        """Called when it has ended."""
        self._target = target
        self._turn = _thread.allocate_lock()
        self._turn.acquire()
        self._woken = False
        host.strands.append(self)
        host.runnable.append(self)
        host.machine.busy[host] = None
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
        host = self.host
        if host.dead:
            raise Killed
        self._parked = True
        if seconds is not None:
            self._alarm = Alarm(self, host.monotonic + _some(seconds))
            host.alarm(self._alarm)
        host.machine.ended.release()
        self._turn.acquire()
        if host.dead:
            raise Killed
        return self._woken

    def doze(self, seconds: float, most: float) -> bool:
        """As ``wait`` for so many seconds, of one that would find nothing changed and wait again: those in between are
        passed over while nothing stirs on the host, for so many seconds at most."""
        self.host.dozing[self] = seconds
        try:
            return self.wait(most)
        finally:
            self.host.dozing.pop(self, None)

    def looks_within(self, seconds: float) -> None:
        """Waits no longer than that any more."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = Alarm(self, self.host.monotonic + seconds)
            self.host.alarm(self._alarm)

    def wake(self, woken: bool = True) -> None:
        """It has its turn soon."""
        if self._parked:
            self._parked, self._woken = False, woken
            if self._alarm is not None:
                self._alarm.cancel()
                self._alarm = None
            self.host.runnable.append(self)
            self.host.machine.busy[self.host] = None
