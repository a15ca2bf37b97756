"""Python's ``threading`` and ``time`` for the hosts of a machine: what blocks gives the turn back instead."""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from tests.worker.simulation.machine import EPOCH, Host, Machine, Strand

_machine: Machine | None = None


def _here() -> Strand:
    assert _machine is not None
    assert _machine.strand is not None, "an event loop would stand still"
    return _machine.strand


def _stirs() -> None:
    """Whoever looks again and again on this host may find something changed."""
    if _machine is not None and _machine.host is not None:
        _machine.host.stirs()


def _me() -> object:
    """Who asks: a thread of a host, or an event loop."""
    if _machine is None:
        return None
    return _machine.strand or _machine.host


class Lock:
    """A lock; RLock is the same, since who holds one may take it again."""

    again = False

    def __init__(self) -> None:
        self._owner: object = None
        self._times = 0
        self._waiting: deque[Strand] = deque()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        me = _me()
        if self.again and self._times and self._owner is me:
            self._times += 1
            return True
        while self._times:
            if not blocking:
                return False
            strand = _here()
            self._waiting.append(strand)
            strand.wait(None)
        self._owner, self._times = me, 1
        return True

    def release(self) -> None:
        self._times -= 1
        if not self._times:
            self._owner = None
            if self._waiting:
                self._waiting.popleft().wake()

    def locked(self) -> bool:
        return bool(self._times)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class RLock(Lock):
    again = True


class Condition:
    """A condition with a lock of its own."""

    def __init__(self, lock: Lock | None = None) -> None:
        self._lock = lock or RLock()
        self._waiting: list[Strand] = []
        self.acquire, self.release = self._lock.acquire, self._lock.release

    def __enter__(self) -> bool:
        return self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        return self._parked(lambda strand: strand.wait(timeout))

    def doze(self, timeout: float, most: float) -> bool:
        """For models of what is polled: see ``Strand``."""
        return self._parked(lambda strand: strand.doze(timeout, most))

    def _parked(self, waits: Callable[[Strand], bool]) -> bool:
        strand = _here()
        self._waiting.append(strand)
        times, self._lock._times = self._lock._times, 1
        self._lock.release()
        woken = waits(strand)
        if strand in self._waiting:
            self._waiting.remove(strand)
        self._lock.acquire()
        self._lock._times = times
        return woken

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        until = None if timeout is None else time.monotonic() + timeout
        while not (found := predicate()):
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                break
            self.wait(left)
        return found

    def notify(self, n: int = 1) -> None:
        _stirs()
        for strand in self._waiting[:n]:
            self._waiting.remove(strand)
            strand.wake()

    def notify_all(self) -> None:
        self.notify(len(self._waiting))


class Event:
    def __init__(self) -> None:
        self._condition, self._set = Condition(), False

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True
        self._condition.notify_all()

    def clear(self) -> None:
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        if not self._set:
            with self._condition:
                self._condition.wait_for(self.is_set, timeout)
        return self._set


class Thread:
    """A thread of the host that makes it."""

    def __init__(self, target: Any = None, name: str = "", args: Any = (), kwargs: Any = None, daemon: Any = None):
        self.name = name
        self._target: Callable[[], object] = lambda: target(*args, **(kwargs or {}))
        self._strand: Strand | None = None
        self._over = Event()

    def start(self) -> None:
        assert _machine is not None
        assert _machine.host is not None
        self._strand = Strand(_machine.host, self.name, self._target)
        self._strand.ends.append(self._over.set)

    def is_alive(self) -> bool:
        return self._strand is not None and not self._strand.done

    def join(self, timeout: float | None = None) -> None:
        self._over.wait(timeout)


class SimpleQueue:
    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._condition = Condition()

    def put(self, item: Any) -> None:
        self._items.append(item)
        self._condition.notify()

    def get(self) -> Any:
        with self._condition:
            self._condition.wait_for(lambda: self._items)
            return self._items.popleft()


def play(machine: Machine | None) -> None:
    """From now on the clock and the threads are this machine's."""
    global _machine
    _machine = machine


def host() -> Host:
    """Whose turn it is."""
    assert _machine is not None
    assert _machine.host is not None
    return _machine.host


def sleep(seconds: float) -> None:
    """Lets time pass for the thread that calls."""
    _here().wait(seconds)


def install() -> None:
    """Takes the place of Python's own, for modules that are imported from now on."""
    made: dict[str, Any] = {"Thread": Thread, "Lock": Lock, "RLock": RLock, "Condition": Condition, "Event": Event}
    for name, each in made.items():
        setattr(threading, name, each)
    main = threading.current_thread()
    threading.current_thread = lambda: main if _machine is None else _machine.strand or main  # type: ignore[assignment,return-value]
    queue.SimpleQueue = SimpleQueue  # type: ignore[misc,assignment]
    now: dict[str, Callable[..., Any]] = {
        "monotonic": lambda: _now() - (0.0 if (here := _host()) is None else here.suspended),
        "time": lambda: _now() + (EPOCH if (here := _host()) is None else here.wall),
        "clock_gettime": _clock,
        "sleep": sleep,
    }
    for name, function in now.items():
        setattr(time, name, function)


def _now() -> float:
    return 0.0 if _machine is None else _machine.now


def _host() -> Host | None:
    return None if _machine is None else _machine.host


def _clock(clock: int) -> float:
    assert clock == time.CLOCK_BOOTTIME, "only this one goes on while a computer sleeps, and is nobody's to put right"
    return _now()
