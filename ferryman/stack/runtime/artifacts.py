"""The Java programs of the embedded world: pinned in a lock file, fetched once, checked, kept in the user's cache.

A lock file has a table per bundle, `roots` being what was asked for and `files` all that it takes, each by its Maven
coordinate with SHA-256 and size in bytes. Fetching resolves nothing: only what the lock file names is accepted.
"""

import contextlib
import hashlib
import os
import re
import shutil
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from ferryman.stack.runtime.cache_paths import cache_directory
from ferryman.stack.runtime.errors import StackError

LOCK_FILE = Path(__file__).with_name("artifacts.toml")
_CONNECTIONS = 8
_ATTEMPTS = 2

Fetch = Callable[["Artifact", Path], Path]
"""Brings an artifact below a directory, which is empty at first, and says where it lies; raises StackError."""


@dataclass(frozen=True)
class Artifact:
    """One file: `coordinate` is group:artifact:version[:classifier]:packaging, `size` in bytes."""

    coordinate: str
    sha256: str
    size: int

    @property
    def name(self) -> str:
        """The file's name as repositories have it."""
        _, artifact, version, *rest = self.coordinate.split(":")
        return "-".join([artifact, version, *rest[:-1]]) + f".{rest[-1]}"

    @property
    def path(self) -> Path:
        """Where it lies in the cache. The hash in the path keeps files of different lock files apart."""
        return cache_directory() / "artifacts" / self.sha256[:16] / self.name

    @property
    def cached(self) -> bool:
        """Whether the cache has it: files get there complete and checked, so the size is enough."""
        return self.path.is_file() and self.path.stat().st_size == self.size


def read_lock(file: Path = LOCK_FILE) -> dict[str, list[Artifact]]:
    """The artifacts of each bundle in a lock file. Raises StackError for an entry that is no artifact."""
    bundles: dict[str, list[Artifact]] = {}
    for bundle, table in tomllib.loads(file.read_text()).items():
        bundles[bundle] = [_artifact(file, coordinate, pin) for coordinate, pin in table["files"].items()]
    return bundles


def _artifact(file: Path, coordinate: str, pin: dict[str, str | int]) -> Artifact:
    sha256, size = pin.get("sha256"), pin.get("size")
    right_form = re.fullmatch(r"[\w.-]+(:[\w.-]+){3,4}", coordinate) and re.fullmatch(r"[0-9a-f]{64}", str(sha256))
    if not right_form or not isinstance(size, int):
        raise StackError(f"{file}: {coordinate} needs group:artifact:version[:classifier]:packaging, sha256 and size")
    return Artifact(coordinate, str(sha256), size)


def provide(artifacts: Sequence[Artifact], fetch: Fetch, cancel: Callable[[], None]) -> None:
    """Bring what the cache lacks into it, several at a time; `cancel` must make the fetches under way fail.

    Raises StackError for the first that cannot be fetched, or that differs from the lock file at a second attempt too.
    """
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        pending = [pool.submit(_provide, artifact, fetch) for artifact in artifacts if not artifact.cached]
        try:
            for task in as_completed(pending):
                task.result()
        except BaseException:
            cancel()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _provide(artifact: Artifact, fetch: Fetch) -> None:
    artifact.path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetching-", dir=artifact.path.parent) as directory:
        for attempt in range(_ATTEMPTS):
            place = Path(directory) / str(attempt)
            place.mkdir()
            try:
                _accept(artifact, fetch(artifact, place))
                break
            except StackError:
                if attempt == _ATTEMPTS - 1:
                    raise


def _accept(artifact: Artifact, file: Path) -> None:
    found = hash_of(file)
    if found != artifact.sha256:
        raise StackError(
            f"{artifact.coordinate} is not the file that the lock file names: SHA-256 {found} instead of "
            f"{artifact.sha256}. A repository or a proxy on the way altered it, or cut it short."
        )
    file.replace(artifact.path)


def hash_of(file: Path) -> str:
    """A file's SHA-256, in hexadecimal digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def unpacked(artifact: Artifact) -> Path:
    """The directory with the contents of a cached archive (tar.gz, jar), unpacked when first asked for."""
    target = cache_directory() / "unpacked" / artifact.sha256[:16]
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix="unpacking-", dir=target.parent))
    try:
        _extract(artifact.path, fresh)
        with contextlib.suppress(OSError):  # another process was first, and its directory is as good
            fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return target


def _extract(archive: Path, directory: Path) -> None:
    if archive.suffix == ".jar":
        _extract_jar(archive, directory)
        return
    with tarfile.open(archive) as contents:
        if hasattr(tarfile, "data_filter"):  # not in the first releases of Python 3.11
            contents.extractall(directory, filter="data")
        else:
            contents.extractall(directory)  # noqa: S202 - the archive is the one that the lock file pins


def _extract_jar(archive: Path, directory: Path) -> None:
    with zipfile.ZipFile(archive) as contents:
        for entry in contents.infolist():
            file = Path(contents.extract(entry, directory))
            mode = entry.external_attr >> 16 & 0o777
            if mode and not entry.is_dir():  # zipfile forgets which files are programs
                file.chmod(mode)


def class_path(artifacts: Iterable[Artifact]) -> str:
    """Java's -cp for cached jars."""
    return os.pathsep.join(str(artifact.path) for artifact in artifacts)
