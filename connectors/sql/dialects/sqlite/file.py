"""Checks SQLite: its version, and the file, which the first writer creates."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import URL

from ferryman.findings import Finding, mend, ok, warning

OLDEST = (3, 24)


def absent(url: URL) -> Finding | None:
    """What there is to say of a file that is not there, or cannot be written; None for one that can be looked into."""
    path = Path(url.database or "")
    subject, folder = f"database {path}", path.parent
    if path.exists():
        if os.access(path, os.R_OK | os.W_OK) and os.access(folder, os.W_OK):
            return None
        what = f"let the worker's user write the file and its folder: chown {path} {folder}"
        return mend(subject, "the worker may not write it, or nothing beside it", what)
    if not folder.is_dir():
        return mend(subject, f"the folder {folder} is not there", f"mkdir -p {folder}")
    if not os.access(folder, os.W_OK):
        return mend(subject, f"the folder {folder} cannot be written to", f"let the worker's user write to {folder}")
    return ok(subject, "it is not there yet, and can be made")


def findings(tasks: int) -> Iterator[Finding]:
    """The version, and that one writes at a time."""
    if sqlite3.sqlite_version_info[:2] < OLDEST:
        said = f"SQLite {sqlite3.sqlite_version} has no INSERT … ON CONFLICT"
        yield mend("version", said, "a Python with SQLite 3.24 or newer")
    else:
        yield ok("version", f"SQLite {sqlite3.sqlite_version}")
    if tasks > 1:
        yield warning("connections", f"tasks.max={tasks}, and a file has one writer at a time", "tasks.max=1")
