"""Fills the user's cache with artifacts, and shows how far it is."""

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from ferryman.stack.runtime.artifacts import Artifact, missing, provide
from ferryman.stack.runtime.maven import MavenFetch
from ferryman.stack.runtime.maven import Progress as Arrived

_LINES = 5


def download(artifacts: Sequence[Artifact]) -> None:
    """Fetch what is not cached yet, or not any more as it should be. Raises StackError if something cannot be had."""
    wanted = missing(artifacts)
    if not wanted:
        return
    size = sum(artifact.size for artifact in wanted)
    with (_bar if sys.stderr.isatty() else _lines)(len(wanted), size) as arrived:
        fetch = MavenFetch(arrived)
        provide(wanted, fetch, fetch.cancel)


@contextmanager
def _bar(_files: int, size: int) -> Iterator[Arrived]:
    columns = (TextColumn("fetching"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("fetching", total=size)
        yield lambda piece: progress.advance(task, piece)


@contextmanager
def _lines(files: int, size: int) -> Iterator[Arrived]:
    print(f"fetching {files} files, {size / 1e6:.0f} MB, once", file=sys.stderr)
    lock, state = threading.Lock(), {"arrived": 0, "printed": 0}

    def arrived(piece: int) -> None:
        with lock:
            state["arrived"] += piece
            part = state["arrived"] * _LINES // max(1, size)
            if part > state["printed"]:
                state["printed"] = part
                print(f"fetched {state['arrived'] / 1e6:.0f} of {size / 1e6:.0f} MB", file=sys.stderr)

    yield arrived
