"""The Java programs of the embedded world: pinned in a lock file, fetched once, checked, kept in the user's cache.

A lock file has a table per bundle, `roots` being what was asked for and `files` all that it takes, each by its Maven
coordinate with SHA-256 and size in bytes; an archive has a `tree` too, which stands for all files in it. Fetching
resolves nothing: only what the lock file names is accepted. What lies in the cache is not believed either: whoever asks
whether it is there has it hashed again, since a jar that was altered would be run.
"""

import contextlib
import hashlib
import logging
import os
import re
import shutil
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ferryman.stack.runtime.cache_paths import cache_directory
from ferryman.stack.runtime.errors import StackError

log = logging.getLogger(__name__)

LOCK_FILE = Path(__file__).with_name("artifacts.toml")
_CONNECTIONS = 8
_ATTEMPTS = 2
_HASHING = 4

Fetch = Callable[["Artifact", Path], Path]
"""Brings an artifact below a directory, which is empty at first, and says where it lies; raises StackError."""


@dataclass(frozen=True)
class Artifact:
    """One file that a component needs."""

    coordinate: str
    """group:artifact:version[:classifier]:packaging"""
    sha256: str
    size: int
    """In bytes."""
    tree: str | None = None
    """SHA-256 of the list of an archive's files (see `tree_of`); None: as its bytes say."""

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
        """Whether the cache has it, with the bytes that the lock file names."""
        try:
            found = self.path.stat()
        except OSError:
            return False
        same = (found.st_ino, found.st_mtime_ns, found.st_ctime_ns)
        return found.st_size == self.size and _remembered(self.path, same) == self.sha256


def read_lock(file: Path = LOCK_FILE) -> dict[str, list[Artifact]]:
    """The artifacts of each bundle in a lock file. Raises StackError for an entry that is no artifact."""
    bundles: dict[str, list[Artifact]] = {}
    for bundle, table in tomllib.loads(file.read_text()).items():
        bundles[bundle] = [_artifact(file, coordinate, pin) for coordinate, pin in table["files"].items()]
    return bundles


def _artifact(file: Path, coordinate: str, pin: dict[str, str | int]) -> Artifact:
    sha256, size, tree = pin.get("sha256"), pin.get("size"), pin.get("tree")
    right_form = re.fullmatch(r"[\w.-]+(:[\w.-]+){3,4}", coordinate) and re.fullmatch(r"[0-9a-f]{64}", str(sha256))
    if not right_form or not isinstance(size, int):
        raise StackError(f"{file}: {coordinate} needs group:artifact:version[:classifier]:packaging, sha256 and size")
    return Artifact(coordinate, str(sha256), size, None if tree is None else str(tree))


def missing(artifacts: Sequence[Artifact]) -> list[Artifact]:
    """The artifacts that the cache lacks, or has with other bytes; several are hashed at a time."""
    with ThreadPoolExecutor(_HASHING) as pool:
        cached = pool.map(lambda artifact: artifact.cached, artifacts)
        return [each for each, there in zip(artifacts, cached, strict=True) if not there]


def provide(artifacts: Sequence[Artifact], fetch: Fetch, cancel: Callable[[], None]) -> None:
    """Bring what the cache lacks into it, several at a time; `cancel` must make the fetches under way fail.

    Raises StackError for the first that cannot be fetched, or that differs from the lock file at a second attempt too.
    """
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        pending = [pool.submit(_provide, artifact, fetch) for artifact in missing(artifacts)]
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


@lru_cache(maxsize=1024)
def _remembered(file: Path, _same: tuple[int, ...]) -> str:
    """A file's hash, once in a process as long as nobody writes to it: that would change the time of its inode."""
    return hash_of(file)


def unpacked(artifact: Artifact) -> Path:
    """The directory with the contents of a cached archive (tar.gz, jar), unpacked when first asked for, and again if
    they are no longer what the archive has."""
    target = cache_directory() / "unpacked" / artifact.sha256[:16]
    if target.is_dir():
        if tree_of(_files(target)) == (artifact.tree or tree_of(members(artifact.path))):
            return target
        log.warning("%s differs from %s and is unpacked again", target, artifact.name)
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix="unpacking-", dir=target.parent))
    try:
        _extract(artifact.path, fresh)
        with contextlib.suppress(OSError):  # another process was first, and its directory is as good
            fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return target


def tree_of(files: Iterable[tuple[str, str]]) -> str:
    """One hash for many files, given by their relative paths and hashes in any order."""
    return hashlib.sha256("".join(f"{digest}  {path}\n" for path, digest in sorted(files)).encode()).hexdigest()


def _files(directory: Path) -> Iterator[tuple[str, str]]:
    for path in directory.rglob("*"):
        if path.is_symlink():
            yield str(path.relative_to(directory)), f"-> {path.readlink()}"
        elif path.is_file():
            yield str(path.relative_to(directory)), hash_of(path)


def members(archive: Path) -> Iterator[tuple[str, str]]:
    """The files of an archive, as `tree_of` takes them."""
    if archive.suffix == ".jar":
        with zipfile.ZipFile(archive) as jar:
            for name in (entry.filename for entry in jar.infolist() if not entry.is_dir()):
                yield os.path.normpath(name), hashlib.sha256(jar.read(name)).hexdigest()
        return
    with tarfile.open(archive) as contents:
        for member in contents:
            content = contents.extractfile(member) if member.isreg() or member.islnk() else None
            name = os.path.normpath(member.name)
            if content is not None:
                yield name, hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]
            elif member.issym():
                yield name, f"-> {member.linkname}"


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
