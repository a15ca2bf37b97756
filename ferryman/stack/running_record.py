"""The record of a user's running stack, by which `status` and `down` find it from another process.

Its owner holds a file lock as long as it lives, so a record that a killed owner left behind is known to be stale.
"""

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from ferryman.stack.runtime.cache_paths import state_directory
from ferryman.stack.runtime.errors import StackError

_CLAIM_SECONDS = 0.5
_DOWN_SECONDS = 30.0


@dataclass(frozen=True)
class Running:
    """What the owner of a running stack says of itself."""

    pid: int
    """The owner's process."""
    state: Literal["starting", "running", "failed"]
    directory: str = ""
    """Where data and logs lie."""
    ports: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By component, the ports as its service names them."""
    addresses: Mapping[str, str] = field(default_factory=dict)
    """By component, where clients find it; of several brokers also all together, as ``kafka``."""
    brokers: int = 1
    """How many it has."""
    secure: bool = False
    """Whether Kafka and the registry ask who is there."""
    reason: str = ""
    """Why it has failed."""


def log_file() -> Path:
    """Where a detached owner writes."""
    return state_directory() / "stack.log"


@contextmanager
def claim() -> Iterator[None]:
    """Be the owner of this user's stack. Raises StackError if another process is."""
    state_directory().mkdir(mode=0o700, parents=True, exist_ok=True)
    with _lock_file().open("w") as lock:
        deadline = time.monotonic() + _CLAIM_SECONDS
        while not _locked(lock.fileno(), fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise StackError(
                    f"the stack is already running{_by()}: `ferryman stack status` shows it, `down` ends it"
                )
            time.sleep(0.05)
        yield


def publish(running: Running) -> None:
    """Replace the record. For the owner only."""
    fresh = _record_file().with_suffix(".new")
    fresh.write_text(json.dumps(asdict(running)))
    fresh.chmod(0o600)
    fresh.replace(_record_file())


def withdraw() -> None:
    """Delete the record. For the owner only."""
    _record_file().unlink(missing_ok=True)


def current() -> Running | None:
    """The stack that runs now, if one does."""
    return recorded() if _is_owned() else None


def recorded() -> Running | None:
    """The last record, whether or not its owner lives."""
    try:
        return Running(**json.loads(_record_file().read_text()))
    except (OSError, ValueError, TypeError):
        return None


def end(directory: Path | None = None) -> bool:
    """Ask the owner to end everything and wait until it is gone; False if there was none.

    An owner that does not answer is killed, which ends its components too. Raises StackError, and ends nothing, if a
    directory is given and the stack keeps its data elsewhere.
    """
    running = current()
    if running is None:
        return False
    if directory is not None and not _is_at(running, directory):
        raise StackError(
            f"the stack that runs keeps its data in {running.directory or 'a temporary directory'}, not in "
            f"{directory}; without --directory it is ended wherever its data is"
        )
    for number, seconds in ((signal.SIGTERM, _DOWN_SECONDS), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.pid, number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not _is_owned():
                withdraw()
                return True
            time.sleep(0.05)
    raise StackError(f"process {running.pid}, which owns the stack, does not exit")


def _is_at(running: Running, directory: Path) -> bool:
    return bool(running.directory) and Path(running.directory).resolve() == directory.resolve()


def _is_owned() -> bool:
    try:
        with _lock_file().open() as lock:
            return not _locked(lock.fileno(), fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _by() -> str:
    owner = recorded()
    return f" (process {owner.pid})" if owner else ""


def _record_file() -> Path:
    return state_directory() / "stack.json"


def _lock_file() -> Path:
    return state_directory() / "stack.lock"
