"""Artifacts are what the lock file says, or they do not get into the cache."""

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from ferryman.stack.runtime.artifacts import Artifact, members, provide, read_lock, tree_of, unpacked
from ferryman.stack.runtime.errors import StackError
from ferryman.stack.runtime.maven import MavenFetch
from ferryman.stack.runtime.ports import HOST, free_port

CONTENT = b"a jar"


def pinned(content: bytes = CONTENT, coordinate: str = "org.example:thing:1.0:jar") -> Artifact:
    return Artifact(coordinate, hashlib.sha256(content).hexdigest(), len(content))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FERRYMAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Deliveries:
    """A source that hands out one content after the other, the last one for ever."""

    def __init__(self, *contents: bytes) -> None:
        self.contents = list(contents)
        self.asked = 0

    def __call__(self, artifact: Artifact, directory: Path) -> Path:
        file = directory / artifact.name
        file.write_bytes(self.contents[min(self.asked, len(self.contents) - 1)])
        self.asked += 1
        return file


def fetch_all(artifacts: list[Artifact], source: Deliveries) -> None:
    provide(artifacts, source, cancel=lambda: None)


def test_what_is_cached_is_not_fetched_again() -> None:
    source = Deliveries(CONTENT)
    fetch_all([pinned()], source)
    fetch_all([pinned()], source)
    assert source.asked == 1
    assert pinned().path.read_bytes() == CONTENT


def test_a_file_that_differs_from_the_lock_file_is_refused_and_leaves_nothing(cache: Path) -> None:
    with pytest.raises(StackError, match=r"org\.example:thing:1\.0:jar is not the file that the lock file names"):
        fetch_all([pinned()], Deliveries(b"another jar"))
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_a_file_cut_short_on_the_way_is_fetched_again() -> None:
    fetch_all([pinned()], Deliveries(CONTENT[:2], CONTENT))
    assert pinned().cached


def test_a_truncated_file_in_the_cache_is_replaced() -> None:
    fetch_all([pinned()], Deliveries(CONTENT))
    pinned().path.write_bytes(b"")
    fetch_all([pinned()], Deliveries(CONTENT))
    assert pinned().path.read_bytes() == CONTENT


def altered(file: Path) -> None:
    """As somebody does who does not want it to be seen: as many bytes, and the time of before."""
    before = file.stat()
    file.write_bytes(bytes(byte ^ 1 for byte in file.read_bytes()))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_file_that_was_altered_in_the_cache_is_fetched_again() -> None:
    source = Deliveries(CONTENT)
    fetch_all([pinned()], source)
    assert pinned().cached
    altered(pinned().path)
    assert not pinned().cached
    fetch_all([pinned()], source)
    assert source.asked == 2
    assert pinned().path.read_bytes() == CONTENT


@pytest.mark.parametrize("known", [True, False], ids=["tree in the lock file", "tree in the archive"])
def test_an_unpacked_archive_that_was_altered_is_unpacked_again(known: bool) -> None:
    artifact = archive()
    fetch_all([artifact], Deliveries(packed()))
    tree = tree_of(members(artifact.path)) if known else None
    artifact = replace(artifact, tree=tree)
    run = unpacked(artifact) / "app" / "run.jar"
    before = run.stat().st_ino
    assert (unpacked(artifact) / "app" / "run.jar").stat().st_ino == before
    altered(run)
    unpacked(artifact)
    assert run.read_bytes() == CONTENT
    (run.parent / "more.jar").write_bytes(b"planted")
    unpacked(artifact)
    assert not (run.parent / "more.jar").exists()
    run.unlink()
    assert (unpacked(artifact) / "app" / "run.jar").read_bytes() == CONTENT


@lru_cache
def packed() -> bytes:
    """An archive with one jar."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as contents:
        member = tarfile.TarInfo("./app/run.jar")
        member.size = len(CONTENT)
        contents.addfile(member, io.BytesIO(CONTENT))
    return whole.getvalue()


def archive() -> Artifact:
    return pinned(packed(), "org.example:app:1.0:all:tar.gz")


def test_an_archive_is_unpacked_once() -> None:
    fetch_all([archive()], Deliveries(packed()))
    artifact = replace(archive(), tree=tree_of(members(archive().path)))
    directory = unpacked(artifact)
    assert (directory / "app" / "run.jar").read_bytes() == CONTENT
    artifact.path.unlink()
    assert unpacked(artifact) == directory


def test_the_file_name_has_the_classifier() -> None:
    assert pinned(coordinate="org.example:app:1.0:all:tar.gz").name == "app-1.0-all.tar.gz"


def test_our_lock_file_pins_every_artifact() -> None:
    bundles = read_lock()
    assert {"kafka", "registry"} <= set(bundles)
    assert all(bundles.values())


@pytest.mark.parametrize(
    "line",
    [
        '"org.example:thing:jar" = { sha256 = "SHA", size = 5 }',
        '"org.example:thing:1.0:jar" = { size = 5 }',
        '"org.example:thing:1.0:jar" = { sha256 = "SHA" }',
        '"org.example:thing:1.0:../../jar" = { sha256 = "SHA", size = 5 }',
    ],
)
def test_a_lock_file_that_leaves_something_open_is_refused(tmp_path: Path, line: str) -> None:
    file = tmp_path / "lock.toml"
    file.write_text("[things.files]\n" + line.replace("SHA", "0" * 64))
    with pytest.raises(StackError, match=r"lock.toml: org.example:thing:.* needs group:artifact:version"):
        read_lock(file)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A Maven repository on this machine: its address and its files."""
    files = tmp_path / "repository"
    (files / "org/example/thing/1.0").mkdir(parents=True)
    with ThreadingHTTPServer((HOST, 0), partial(Quiet, directory=str(files))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{HOST}:{server.server_port}", files / "org/example/thing/1.0"
        server.shutdown()


def use_repository(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "jgo.conf"
    settings.write_text(f"[repositories]\ncentral = {address}\n")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(settings))


def test_the_users_own_repository_is_asked(
    repository: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, files = repository
    (files / "thing-1.0.jar").write_bytes(CONTENT)
    use_repository(address, tmp_path, monkeypatch)
    pieces: list[int] = []
    fetch = MavenFetch(pieces.append)
    provide([pinned()], fetch, fetch.cancel)
    assert pinned().path.read_bytes() == CONTENT
    assert sum(pieces) == len(CONTENT)


def test_without_a_network_one_line_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_repository(f"http://{HOST}:{free_port()}", tmp_path, monkeypatch)
    fetch = MavenFetch(lambda _piece: None)
    with pytest.raises(StackError) as raised:
        provide([pinned()], fetch, fetch.cancel)
    assert str(raised.value).startswith("org.example:thing:1.0:jar could not be fetched: the network does not reach")
    assert "\n" not in str(raised.value)
