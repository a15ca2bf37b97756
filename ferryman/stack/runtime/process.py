"""A program of the embedded world as an operating-system process: started, waited for, signalled, never orphaned."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ferryman.stack.runtime.errors import StackError
from ferryman.stack.runtime.reaper import descendants

_REAPER = Path(__file__).with_name("reaper.py")
_TAIL_LINES = 20
_PAUSE_SECONDS = 30.0
# As servers have it, whatever this machine has: where the locale is C, Java loads nothing from a path with an é in it.
_ENVIRONMENT = {"TZ": "UTC", "LC_ALL": "C.UTF-8"}
_STILL = (b"T", b"t", b"Z", b"X")
"""How /proc calls the states of threads that are stopped, or have ended."""


@dataclass(frozen=True)
class Launch:
    """How to start a program and how to end it."""

    command: tuple[str, ...]
    directory: Path | None = None
    """Where it runs; None: beside its log."""
    input: Path | None = None
    """What it reads; None: nothing."""
    user: str | None = None
    """The system user to become; None: stay."""
    stop: signal.Signals = signal.SIGTERM
    """Asks it to finish in order."""
    farewell: signal.Signals = signal.SIGKILL
    """What it gets when its owner has died, followed by SIGKILL for whatever remains."""
    scratch: Path | None = None
    """A directory that is deleted when it has ended."""


class Process:
    """A running program. It dies with this process, however this process dies."""

    def __init__(self, launch: Launch, log: Path, remove: Sequence[Path] = ()) -> None:
        """Start it, with both outputs appended to `log`; `remove` is deleted if this process dies before it."""
        self.launch = launch
        self.log = log
        self._lock = threading.Lock()
        self._log_start = log.stat().st_size if log.exists() else 0
        self._reaper = self._start(remove)
        assert self._reaper.stdout
        self.pid = int(self._reaper.stdout.readline() or 0)
        if not self.pid:
            raise StackError(f"{launch.command[0]} could not be started:\n{self.tail()}")

    def _start(self, remove: Sequence[Path]) -> subprocess.Popen[bytes]:
        options = [f"--owner={os.getpid()}", f"--farewell={int(self.launch.farewell)}"]
        if self.launch.user:
            options.append(f"--user={self.launch.user}")
        if self.launch.input:
            options.append(f"--input={self.launch.input}")
        if self.launch.scratch:
            options.append(f"--scratch={self.launch.scratch}")
        options += [f"--remove={each}" for each in remove]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", str(_REAPER), *options, *self.launch.command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self.launch.directory or self.log.parent,
                env={**os.environ, **_ENVIRONMENT},
                start_new_session=True,
            )

    @property
    def exit_code(self) -> int | None:
        """None while it runs; else its exit code, 128 + number if a signal ended it."""
        with self._lock:
            return self._reaper.poll()

    def wait(self, seconds: float) -> int | None:
        """Its exit code, or None if it is still running after `seconds`."""
        deadline = time.monotonic() + seconds
        while self.exit_code is None and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.exit_code

    def stop(self, seconds: float) -> None:
        """Ask it to finish in order, and kill it if it has not done so after `seconds`."""
        self.resume()
        self._signal([self.pid], self.launch.stop)
        if self.wait(seconds) is None:
            self.kill()
        self._close()

    def kill(self) -> None:
        """SIGKILL, to it and all its children; returns when they are gone."""
        self._signal([self.pid], signal.SIGKILL)
        self.wait(10)
        self._close()

    def abandon(self) -> None:
        """End it as its owner's death would: at once, with what it left in the system tidied up."""
        with self._lock:
            self._reaper.terminate()
        self.wait(10)
        self._close()

    def pause(self) -> None:
        """SIGSTOP, to it and all its children; returns when they have stopped. Raises StackError if one does not."""
        deadline = time.monotonic() + _PAUSE_SECONDS
        while self.exit_code is None:
            pids = [self.pid, *descendants(self.pid)]
            if all(map(_stands_still, pids)):
                return
            if time.monotonic() > deadline:
                raise StackError(f"{self.launch.command[0]} has not stopped {_PAUSE_SECONDS:.0f} s after SIGSTOP")
            self._signal(pids, signal.SIGSTOP)
            time.sleep(0.005)

    def resume(self) -> None:
        """SIGCONT, to it and all its children."""
        self._signal([self.pid, *descendants(self.pid)], signal.SIGCONT)

    def tail(self, lines: int = _TAIL_LINES) -> str:
        """The end of what it printed since it was started."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])

    def describe_end(self) -> str:
        """How it ended, in words: exit code or signal."""
        code = self.exit_code
        if code is not None and code > 128:
            return f"was ended by signal {code - 128}"
        return f"ended with exit code {code}"

    def _signal(self, pids: list[int], number: signal.Signals) -> None:
        if self.exit_code is not None:
            return
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    def _close(self) -> None:
        for pipe in (self._reaper.stdin, self._reaper.stdout):
            if pipe:
                pipe.close()


def _stands_still(pid: int) -> bool:
    """Whether no thread of a process runs: a signal to stop is obeyed only when a thread has its turn."""
    if not sys.platform.startswith("linux"):
        shown = subprocess.run(["/bin/ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return shown.stdout.strip()[:1] in ("T", "Z", "")
    return all(_state(each) in _STILL for each in Path(f"/proc/{pid}/task").glob("*/stat"))


def _state(stat: Path) -> bytes:
    try:
        return stat.read_bytes().rpartition(b")")[2].split()[0]
    except OSError:
        return b"X"
