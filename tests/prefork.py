"""Starts workers and other commands from processes that have imported what they import: nearly all of a start's time.

A command that is forked from one runs as it is installed, and so does the server that its tasks are forked from. One
such process has imported Ferryman as well, and is for commands with the environment of the tests; the other one only
libraries, and is for those with more, which Ferryman may read when it is imported. Where an interpreter's own start
matters, ``start`` starts one: for a command other than the installed ``ferryman``, or with more for Python itself.

This file is also the script of these processes, so it imports neither Ferryman nor tests by itself.
"""

import atexit
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

LIBRARIES = (
    *("asyncio", "click", "confluent_kafka.admin", "kafka.admin", "msgspec", "orjson", "polars", "prometheus_client"),
    *("pydantic", "pydantic_settings", "re2", "starlette.applications", "uvicorn", "yaml"),
    *("aiosmtplib", "boto3", "cryptography.x509", "fastavro", "httpx", "jinja2", "psycopg", "pymysql", "sqlalchemy"),
)
"""What workers and their tasks are made of."""
OURS = (
    *("ferryman.commands.distributed", "ferryman.commands.standalone", "ferryman.plugins.others"),
    *(
        "ferryman.worker.distributed.worker",
        "ferryman.worker.standalone.worker",
        "ferryman.worker.forks.server_process",
    ),
    *("ferryman.connector_process.process", "ferryman.offset_reader.process", "ferryman.plugin_process.process"),
    "ferryman.task.process",
)
"""What they import when they are called."""
LONGEST = 100_000
"""Bytes of a request."""


class Forked:
    """A process that was forked for us; what tests need of ``subprocess.Popen``."""

    stdin: None = None
    """Nobody can write to it."""

    def __init__(self, pid: int, line: socket.socket) -> None:
        self.pid, self._line = pid, line
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._heard(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended. Raises subprocess.TimeoutExpired."""
        code = self._heard(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("a forked process", timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        """Sends a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Sends SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Sends SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _heard(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            self._line.settimeout(timeout)
            try:
                told = self._line.recv(64)
            except (TimeoutError, BlockingIOError):
                return None
            self.returncode = int(told or b"-9")
            self._line.close()
        return self.returncode


_BEGAN = dict(os.environ)
"""What the processes that fork have."""
_NO_MATTER = ("PYTEST", "PYTHONUNBUFFERED")
Process = subprocess.Popen[bytes] | Forked
_lock = threading.Lock()
_lines: dict[bool, socket.socket] = {}
"""The connections to the processes that fork, without Ferryman and with it, once there are any."""


def start(
    command: Sequence[str],
    log: BinaryIO,
    environment: Mapping[str, str],
    folder: Path | None = None,
    errors: BinaryIO | None = None,
) -> Process:
    """Starts a command in a folder: forked where the installed ``ferryman`` is to run as usual.

    It writes to ``log``, and what it says on standard error to ``errors``, if there is such a file.
    """
    errors = errors or log
    more = {name for name, _ in _BEGAN.items() ^ environment.items() if not name.startswith(_NO_MATTER)}
    usual = Path(command[0]) == Path(sys.executable).with_name("ferryman") and sys.platform == "linux"
    if not usual or any(name.startswith("PYTHON") for name in more - {"PYTHONPATH"}):
        return subprocess.Popen(command, stdout=log, stderr=errors, env=environment, cwd=folder)
    told = {"arguments": list(command), "environment": dict(environment), "folder": str(folder or Path.cwd())}
    request = json.dumps(told).encode()
    assert len(request) <= LONGEST
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs, _lock:
        descriptors = [theirs.fileno(), log.fileno(), errors.fileno()]
        socket.send_fds(_line(with_ours=not more), [request], descriptors)
    return Forked(int(ours.recv(64)), ours)


def _line(with_ours: bool) -> socket.socket:
    if with_ours not in _lines:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-P", __file__, str(theirs.fileno()), *(OURS if with_ours else ())]
            process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        _lines[with_ours] = ours
        atexit.register(_ended, ours, process)
    return _lines[with_ours]


def _ended(line: socket.socket, process: "subprocess.Popen[bytes]") -> None:
    line.close()
    process.wait()


def _serve(requests: socket.socket) -> None:
    """Forks until nobody asks any more. Each worker gets a parent of its own, which waits for it and tells its end."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        request, descriptors, _, _ = socket.recv_fds(requests, LONGEST, 3)
        if not request:
            return
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            requests.close()
            _attend(json.loads(request), socket.socket(fileno=descriptors[0]), descriptors[1:])
        for descriptor in descriptors:
            os.close(descriptor)


def _attend(request: Mapping[str, Any], line: socket.socket, outputs: Sequence[int]) -> NoReturn:
    pid = os.fork()
    if pid == 0:
        line.close()
        for number, output in enumerate(outputs, 1):
            os.dup2(output, number)
            os.close(output)
        _become(request["arguments"], request["environment"], request["folder"])
    for output in outputs:
        os.close(output)
    line.send(str(pid).encode())
    _, status = os.waitpid(pid, 0)
    with suppress(OSError):  # nobody wants to know
        line.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(arguments: Sequence[str], environment: Mapping[str, str], folder: str) -> NoReturn:
    """Is the ``ferryman`` of the command line from now on."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = list(filter(None, environment.get("PYTHONPATH", "").split(os.pathsep)))
    sys.stdout.reconfigure(write_through=True)  # type: ignore[union-attr]
    sys.argv = [*arguments]
    _fork_the_server_too()
    _run(lambda: import_module("ferryman.commands").main())


def _fork_the_server_too() -> None:
    """Has the worker fork the server of its tasks when it starts it first, while it has one thread."""
    forkserver: Any = import_module("ferryman.worker.forks.server")

    class Once:
        """``subprocess``, as that module sees it."""

        @staticmethod
        def Popen(command: Sequence[str], pass_fds: Sequence[int]) -> Any:  # noqa: N802
            forkserver.subprocess = subprocess
            pid = os.fork()
            if pid == 0:
                _close_all_but(pass_fds)
                _run(lambda: import_module("ferryman.worker.forks.server_process").main(*pass_fds))
            return _Child(pid)

    forkserver.subprocess = Once


class _Child:
    """What a worker needs of the server: to ask whether it has ended."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def poll(self) -> None:
        """Lets go of it if it has ended."""
        with suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)


def _close_all_but(kept: Sequence[int]) -> None:
    for descriptor in [int(name) for name in os.listdir("/proc/self/fd")]:
        if descriptor > 2 and descriptor not in kept:
            with suppress(OSError):  # that of the listing
                os.close(descriptor)


def _run(act: Any) -> NoReturn:
    code: Any = 1
    try:
        act()
        code = 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main(descriptor: int, more: Sequence[str]) -> None:
    """Imports the libraries, and more, and serves."""
    gc.disable()
    for module in (*LIBRARIES, *more):
        import_module(module)
    assert threading.active_count() == 1, "a library starts a thread, which no fork survives"
    gc.collect()
    gc.freeze()
    gc.enable()
    _serve(socket.socket(fileno=descriptor))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
