"""Starts one program and takes it, and all that it started, down when its owner is gone.

It is a process of its own between the owner and the program, run as a script, so that not even SIGKILL to the owner
leaves anything behind. Its standard input is a pipe that only the owner holds: end of file means that the owner is
dead. It writes the program's process id to its standard output, and ends with the program's exit code (128 + signal
number for a program that a signal ended).
"""

import argparse
import contextlib
import ctypes
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

_LINUX = sys.platform.startswith("linux")
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_POLL_SECONDS = 0.5
_FAREWELL_SECONDS = 2.0
_EXIT_SECONDS = 10.0


def descendants(ancestor: int) -> list[int]:
    """The ids of all living processes below `ancestor`, parents before their children."""
    children: dict[int, list[int]] = {}
    for pid, parent in _parents():
        children.setdefault(parent, []).append(pid)
    found = [ancestor]
    for pid in found:
        found.extend(children.get(pid, []))
    return found[1:]


def _parents() -> list[tuple[int, int]]:
    if not _LINUX:
        return _parents_by_ps()
    pairs = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                state, parent = Path(f"/proc/{entry}/stat").read_bytes().rpartition(b")")[2].split()[:2]
            except (OSError, ValueError):
                continue
            if state != b"Z":
                pairs.append((int(entry), int(parent)))
    return pairs


def _parents_by_ps() -> list[tuple[int, int]]:
    with subprocess.Popen(["/bin/ps", "-axo", "pid=,ppid=,stat="], stdout=subprocess.PIPE, text=True) as ps:
        rows = [line.split() for line in ps.communicate()[0].splitlines()]
    return [(int(pid), int(parent)) for pid, parent, state in rows if state[0] != "Z" and int(pid) != ps.pid]


def _prctl(option: int, value: int) -> None:
    if _LINUX:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _become(user: str) -> None:
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def _run(options: argparse.Namespace, reaper: int) -> None:
    """Turn this fresh fork into the program. Changing the user clears the death signal, so that comes first."""
    command = options.command
    os.setsid()
    os.dup2(os.open(options.input, os.O_RDONLY), 0)
    os.dup2(2, 1)
    if options.user:
        _become(options.user)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != reaper:
        os._exit(1)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606 - the command is the owner's, and needs no shell
    except OSError as error:
        os.write(2, f"{command[0]}: {error}\n".encode())
    os._exit(127)


def _signal(pids: list[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _reap(program: int) -> int | None:
    """Collect every ended child; the program's wait status once it is among them."""
    status = None
    while True:
        try:
            pid, ended = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status
        if pid == 0:
            return status
        if pid == program:
            status = ended


def _is_childless() -> bool:
    """Whether all have been reaped: a program whose first thread has ended, not the others, can still write files."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


def _end(program: int, farewell: int) -> None:
    """Say farewell, then kill whatever is left: the program's group, and on Linux also those that left it."""
    mine = descendants(os.getpid())
    _signal([program], farewell)
    deadline = time.monotonic() + (0.0 if farewell == signal.SIGKILL else _FAREWELL_SECONDS)
    while time.monotonic() < deadline and descendants(os.getpid()):
        _reap(program)
        time.sleep(0.02)
    _clear(program, mine)


def _clear(program: int, known: list[int]) -> None:
    """Kill the remains of a program. A group id stays taken while a member lives, so it cannot be a stranger's."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(program, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while not _is_childless() and time.monotonic() < deadline:
        _signal(descendants(os.getpid()), signal.SIGKILL)
        _reap(program)
        time.sleep(0.01)
    if not _LINUX:  # there, what a killed program leaves does not become this process's child
        _signal(known, signal.SIGKILL)


def _watch(program: int, owner: int, wakeup: int) -> int | None:
    """Wait for the program's end (its wait status) or the owner's (None).

    A process that the owner forked may still hold the pipe, so the parent's id is looked at as well.
    """
    waiting = select.poll()
    waiting.register(0, select.POLLIN)
    waiting.register(wakeup, select.POLLIN)
    while True:
        status = _reap(program)
        if status is not None:
            return status
        ready = {number for number, _ in waiting.poll(_POLL_SECONDS * 1000)}
        if wakeup in ready and signal.SIGTERM in os.read(wakeup, 64):
            return None
        if (0 in ready and not os.read(0, 64)) or os.getppid() != owner:
            return None


def _is_orphan(owner: int) -> bool:
    """Whether the owner is dead. A dying one closes its pipe first and stops being the parent a moment later."""
    deadline, waiting = time.monotonic() + _EXIT_SECONDS, select.poll()
    waiting.register(0, select.POLLIN)
    while os.getppid() == owner and time.monotonic() < deadline:
        if not waiting.poll(0):
            return False
        time.sleep(0.01)
    return os.getppid() != owner


def _remove(directory: Path) -> None:
    """Delete a directory, and the one above if nothing else is left in it."""
    shutil.rmtree(directory, ignore_errors=True)
    with contextlib.suppress(OSError):
        directory.parent.rmdir()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--owner", type=int, required=True)
    parser.add_argument("--user")
    parser.add_argument("--farewell", type=int, default=signal.SIGKILL)
    parser.add_argument("--input", default=os.devnull)
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--remove", type=Path, action="append", default=[])
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    wakeup, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    reaper = os.getpid()
    program = os.fork()
    if program == 0:
        _run(options, reaper)
    os.write(1, f"{program}\n".encode())
    status = _watch(program, options.owner, wakeup)
    if status is None:
        _end(program, options.farewell)
        if options.remove and _is_orphan(options.owner):
            for each in options.remove:
                _remove(each)
    else:
        _clear(program, [])
    if options.scratch:
        shutil.rmtree(options.scratch, ignore_errors=True)
    code = os.waitstatus_to_exitcode(status or 0)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
