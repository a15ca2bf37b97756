"""Fetches artifacts as Maven would, through jgo's library: its settings file and its repositories count."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ferryman.stack.runtime.artifacts import Artifact
from ferryman.stack.runtime.errors import StackError

_TIMEOUT_SECONDS = 20

Progress = Callable[[int], None]
"""Is told of every piece of a file that has arrived, in bytes."""


def context(cache: Path, progress: Progress) -> Any:
    """jgo's MavenContext with the user's repositories, storing below `cache`."""
    from jgo.config import GlobalSettings
    from jgo.maven import MavenContext, PythonResolver

    @contextmanager
    def arriving(_file: str, _size: int) -> Iterator[Progress]:
        yield progress

    settings = GlobalSettings.load()
    resolver = PythonResolver(progress_callback=arriving)
    maven = MavenContext(resolver=resolver, repo_cache=cache, timeout=_TIMEOUT_SECONDS)
    maven.remote_repos.update(settings.repositories)
    return maven


class MavenFetch:
    """Fetches one artifact into a directory; several threads may ask at once."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._cancelled = False

    def cancel(self) -> None:
        """Make what is being fetched fail with the next piece that arrives."""
        self._cancelled = True

    def __call__(self, artifact: Artifact, directory: Path) -> Path:
        """Raises StackError, in one line, if it cannot be had."""
        group, name, version, *classifier, packaging = artifact.coordinate.split(":")
        try:
            maven = context(directory, self._arrived)
            component = maven.project(group, name).at_version(version)
            return Path(component.artifact("".join(classifier), packaging).resolve())
        except Exception as error:
            raise StackError(f"{artifact.coordinate} could not be fetched: {_reason(error)}") from error

    def _arrived(self, size: int) -> None:
        if self._cancelled:
            raise StackError("cancelled")
        with self._lock:
            self._progress(size)


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        return (
            "the Maven repository's certificate is not trusted; REQUESTS_CA_BUNDLE may name a file of those that are."
        )
    if isinstance(error, requests.ConnectionError):
        return "the network does not reach the Maven repository. It is needed once, to fill the cache."
    if isinstance(error, requests.Timeout):
        return f"the Maven repository did not answer within {_TIMEOUT_SECONDS} s."
    return str(error).partition("\n")[0]
