"""What the file connectors would write, and read first."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from ferryman.connectors.file.head import path_of
from ferryman.connectors.file.lines_writer import lines_in_order
from ferryman.connectors.file.locked_file import is_regular
from ferryman.effects import Effect
from ferryman.errors import TaskError
from ferryman.files import allowed_folders
from ferryman.record import Batch


class _Named(Protocol):
    @property
    def file(self) -> str | None:
        """The path; None for a standard stream."""


def of_sink(config: _Named, batches: Sequence[Batch]) -> Iterator[Effect]:
    """The lines, and where they go."""
    if config.file is not None:
        allowed_folders.check_again(config.file)
    data = lines_in_order(batches)
    texts = data.decode("utf-8", "replace").removesuffix("\n")
    details = {"lines": texts.split("\n") if data else [], "bytes": len(data)}
    yield Effect("file", config.file or "standard output", f"these lines are appended:\n{texts}", details)
    if config.file is not None and is_regular(Path(config.file)):
        yield Effect("offsets", str(path_of(Path(config.file))), "the head: the file's length and each next offset")


def of_source(config: _Named, filename: str, position: str) -> Iterator[Effect]:
    """What is there to be read, and where it is kept how much of it was."""
    if config.file is None:
        yield Effect("file", "standard input", "is read once; no offset is kept")
        return
    allowed_folders.check_again(config.file)
    yield Effect("file", config.file, _found(Path(config.file)))
    yield Effect("offsets", f'{{"{filename}": "{config.file}"}}', f'{{"{position}": bytes that were read}}')


def _found(path: Path) -> str:
    if not path.exists():
        return "does not exist yet; the source waits for it"
    if not is_regular(path):
        return "is not a regular file; it is read from where it is"
    if not os.access(path, os.R_OK):
        raise TaskError(f"Cannot read '{path}': Permission denied")
    return f"is read from its beginning; it has {path.stat().st_size:,} bytes now"
