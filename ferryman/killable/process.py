"""Asks a child process that may be killed; started when first needed, one a process, and again after it died."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ferryman.errors import RetriableError

_PATIENCE = 60.0
"""Seconds of real time after which a child is given up that the kernel did not end: one that was stopped, say."""
_TRIES = 3
_OF_ITSELF = {-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS}
"""How a process ends that asks for more memory than it may have, or for more stack."""


class OutOfTime(Exception):
    """The child has used up its seconds of CPU and is gone."""


class Crashed(RetriableError):
    """The child dies each time that it is asked this."""


class Killable:
    """A child process of this process. May be used by any thread; requests take turns.

    It runs a script in an isolated interpreter, which answers lines of JSON with lines of JSON, and has the kernel end
    it by SIGPROF when it has used up its seconds of CPU.
    """

    def __init__(self, script: Path, does: str, arguments: Sequence[str] = ()) -> None:
        self._command = [sys.executable, "-I", "-S", str(script), *arguments]
        self._does = does
        self._lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def answer(self, request: Mapping[str, Any]) -> Any:
        """What it answers. Raises OutOfTime, Crashed, or RetriableError if it cannot be started or is killed by
        somebody else."""
        line = json.dumps(request).encode() + b"\n"
        with self._lock:
            return self._answer(line)

    def end(self) -> None:
        """Ends the child, if there is one."""
        process, self.process = self.process, None
        if process is not None and self._owner == os.getpid():
            process.kill()
            process.communicate()

    def _answer(self, request: bytes) -> Any:
        ends = set[int | None]()
        for _ in range(_TRIES):
            process = self._running()
            try:
                if line := _exchanged(process, request):
                    return json.loads(line)
            except OutOfTime:
                self.end()
                raise
            self.end()
            if process.returncode == -signal.SIGPROF:
                raise OutOfTime
            ends.add(process.returncode)
        if ends <= _OF_ITSELF:
            raise Crashed(f"The process that {self._does} crashes")
        raise RetriableError(f"The process that {self._does} was killed from outside")

    def _running(self) -> subprocess.Popen[bytes]:
        # A fork has the parent's child in its memory; it needs one of its own.
        if self.process is None or self._owner != os.getpid():
            try:
                self.process = _started(self._command)
            except OSError as error:
                raise RetriableError(f"The process that {self._does} does not start: {error}") from error
            self._owner = os.getpid()
        return self.process


def _started(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Isolated (nothing is imported from the current folder or the environment), and out of reach of Ctrl-C."""
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        start_new_session=True,
    )


def _exchanged(process: subprocess.Popen[bytes], request: bytes) -> bytes:
    """The line that answers a request; empty if the process is gone. Raises OutOfTime if it does nothing."""
    assert process.stdin is not None
    assert process.stdout is not None
    waiting = select.poll()
    waiting.register(process.stdout, select.POLLIN)
    until = time.monotonic() + _PATIENCE
    pieces: list[bytes] = []
    try:
        # The child reads a request whole before it writes, so neither waits for the other.
        process.stdin.write(request)
        process.stdin.flush()
        while not pieces or not pieces[-1].endswith(b"\n"):
            if not waiting.poll(max(0.0, until - time.monotonic()) * 1000):
                raise OutOfTime
            piece = os.read(process.stdout.fileno(), 1 << 16)
            if not piece:
                return b""
            pieces.append(piece)
    except BrokenPipeError:
        return b""
    return b"".join(pieces)
