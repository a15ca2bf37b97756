"""Checks files for `ferryman doctor`. Nothing is opened: a pipe would wait for its other end."""

import os
from collections.abc import Iterator
from pathlib import Path

from ferryman.connectors.file.locked_file import is_regular
from ferryman.errors import TaskError
from ferryman.files import allowed_folders
from ferryman.findings import Finding, mend, ok, warning


def to_write(name: str | None) -> Iterator[Finding]:
    """A sink's file and its folder, where the head is renamed into its place."""
    if name is None:
        yield warning("standard output", "lines may come twice after a crash", "file=… for exactly once")
        return
    path, subject = Path(name), f"file {name}"
    refused = _outside(name)
    if refused is not None:
        yield mend(subject, refused, f"correct file, or the worker's {allowed_folders.KEY}")
    elif not path.parent.is_dir():
        yield mend(subject, f"the folder {path.parent} does not exist", f"mkdir -p {path.parent}")
    elif path.is_dir():
        yield mend(subject, "it is a folder", "name a file in it")
    elif not path.exists():
        yield from _made(path, subject)
    elif not os.access(path, os.W_OK):
        yield mend(subject, "it cannot be written", f"let the worker's user write to it: chown … {path}")
    elif not is_regular(path):
        yield warning(
            subject, "it is not a regular file: lines may come twice after a crash", "file=… of a regular one"
        )
    else:
        yield ok(subject, "it can be written")
        yield from _head(path)


def _made(path: Path, subject: str) -> Iterator[Finding]:
    if os.access(path.parent, os.W_OK | os.X_OK):
        yield ok(subject, "it does not exist yet, and can be created, with its head beside it")
    else:
        said = f"it does not exist, and the folder {path.parent} cannot be written to"
        yield mend(subject, said, f"let the worker's user write to it: chown … {path.parent}")


def _head(path: Path) -> Iterator[Finding]:
    if not os.access(path.parent, os.W_OK | os.X_OK):
        said = f"none can be written in {path.parent}: only the group's offsets say how much of the file counts"
        yield warning(f"head beside {path}", said, f"let the worker's user write to it: chown … {path.parent}")
    else:
        yield ok(f"head beside {path}", "it can be written")


def to_read(name: str | None) -> Iterator[Finding]:
    """A source's file."""
    if name is None:
        yield warning("standard input", "a line that is not committed when the worker ends is lost", "file=…")
        return
    path, subject = Path(name), f"file {name}"
    refused = _outside(name)
    if refused is not None:
        yield mend(subject, refused, f"correct file, or the worker's {allowed_folders.KEY}")
    elif path.is_dir():
        yield mend(subject, "it is a folder", "name a file in it")
    elif not path.exists() and not os.access(path.parent, os.X_OK):
        yield mend(
            subject, f"the folder {path.parent} does not exist, or hidden", f"correct file, or make {path.parent}"
        )
    elif not path.exists():
        yield warning(subject, "it does not exist: the source waits for it", "correct file if it should be")
    elif not os.access(path, os.R_OK):
        yield mend(subject, "it cannot be read", f"let the worker's user read it: chown … {path}")
    else:
        yield ok(subject, f"it can be read, and has {path.stat().st_size} bytes")


def _outside(name: str) -> str | None:
    try:
        allowed_folders.check_again(name)
    except TaskError as error:
        return str(error)
    return None
