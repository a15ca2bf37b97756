"""Which files a connector's config may name: those in the folders that the worker's connector.allowed.paths lists.

Links and ``..`` are resolved first. Files that only say whom to trust or who one is (TLS) are not bounded: nothing of
them comes out, and they lie where the machine has them.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Annotated

from pydantic import AfterValidator

from ferryman.config import Str, trim
from ferryman.errors import TaskError

KEY = "connector.allowed.paths"
_of_process: Sequence[str] = ()
_of_check: ContextVar[Sequence[str] | None] = ContextVar("allowed_folders", default=None)


def bound(folders: Sequence[str]) -> None:
    """Bounds this process to these folders, and to what is in them; none at all means everything is allowed."""
    global _of_process
    _of_process = [_real(folder) for folder in folders]


@contextmanager
def bounded(folders: Sequence[str]) -> Iterator[None]:
    """Bounds what is checked inside to these folders instead."""
    token = _of_check.set([_real(folder) for folder in folders])
    try:
        yield
    finally:
        _of_check.reset(token)


def check(path: str) -> str:
    """The path itself. Raises ValueError in words for the user if it is, or leads, outside of all folders."""
    chosen = _of_check.get()
    folders = _of_process if chosen is None else chosen
    if path and folders and not any(_contains(folder, _real(path)) for folder in folders):
        raise ValueError(f"the worker's {KEY} limits connectors to files in {', '.join(folders)}")
    return path


def check_again(path: str) -> None:
    """Just before the file is opened: a link may have been laid since the config was checked. Raises TaskError."""
    try:
        check(path)
    except ValueError as error:
        raise TaskError(f"'{path}' may not be used: {error}") from None


def _real(path: str) -> str:
    return os.path.realpath(trim(path))


def _contains(folder: str, path: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


FilePath = Annotated[Str, AfterValidator(check)]
"""The type of a key that names a file which is read or written for its content."""
