"""Asks the child process that may be killed; started when first needed, one a process, and again after it died."""

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from ferryman.errors import RetriableError

Method = Literal["fullmatch", "search"]
Spans = tuple[tuple[int, int], ...]

_SCRIPT = Path(__file__).with_name("child.py")
_PATIENCE = 60.0
"""Seconds of real time after which a child is given up that the kernel did not end: one that was stopped, say."""
_TRIES = 3


class OutOfTime(Exception):
    """The child has used up its seconds of CPU and is gone."""


class Uncompilable(Exception):
    """Python's engine does not take the pattern; the message says why."""


class Child:
    """The child process of this process. May be used by any thread; requests take turns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def found(self, pattern: str, method: Method, texts: Sequence[str], seconds: float) -> Sequence[Spans | None]:
        """For each text the spans of its match, or None. Raises OutOfTime, Uncompilable, or RetriableError if the
        child cannot be started or is killed by somebody else."""
        request = json.dumps({"pattern": pattern, "method": method, "texts": texts, "seconds": seconds}).encode()
        with self._lock:
            answer = self._answer(request + b"\n")
        if "error" in answer:
            raise Uncompilable(answer["error"])
        return [spans and tuple((start, end) for start, end in spans) for spans in answer["found"]]

    def end(self) -> None:
        """Ends the child, if there is one."""
        process, self.process = self.process, None
        if process is not None and self._owner == os.getpid():
            process.kill()
            process.communicate()

    def _answer(self, request: bytes) -> Any:
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
        raise RetriableError("The process that matches regular expressions was ended by somebody else")

    def _running(self) -> subprocess.Popen[bytes]:
        # A fork has the parent's child in its memory; it needs one of its own.
        if self.process is None or self._owner != os.getpid():
            try:
                self.process = _started()
            except OSError as error:
                raise RetriableError(f"The process that matches regular expressions does not start: {error}") from error
            self._owner = os.getpid()
        return self.process


def _started() -> subprocess.Popen[bytes]:
    """Isolated (nothing is imported from the current folder or the environment), and out of reach of Ctrl-C."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(_SCRIPT)],
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


CHILD = Child()
"""The one of this process."""
atexit.register(CHILD.end)
