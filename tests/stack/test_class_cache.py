"""What a JVM has read and linked is there for its next start, and no start depends on it."""

import subprocess
from pathlib import Path

import pytest

from ferryman.stack.runtime.artifacts import class_path
from ferryman.stack.runtime.class_cache import ClassCache
from ferryman.stack.runtime.java import java
from ferryman.stack.services import artifacts_of

TOOL = ("kafka.tools.StorageTool", "random-uuid")


@pytest.fixture
def jvm(tmp_path: Path, stack: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The command of one with Kafka's classes; a cache of the test's own is empty."""
    command = java("256m", tmp_path, "-cp", class_path(artifacts_of(["kafka"])))
    monkeypatch.setenv("FERRYMAN_CACHE", str(tmp_path / "cache"))
    return command


def loaded_from_cache(*command: str) -> int:
    """How many classes a JVM has from a cache."""
    found = subprocess.run([command[0], "-Xlog:class+load", *command[1:]], capture_output=True, text=True, check=True)
    return sum("source: shared objects file" in line for line in found.stdout.splitlines())


def test_a_program_that_starts_again_has_its_classes_from_the_cache(jvm: tuple[str, ...], tmp_path: Path) -> None:
    classes = ClassCache("tool", "1")
    before = loaded_from_cache(*classes.used_by(jvm), *TOOL)
    with classes.filled(jvm, tmp_path) as command:
        subprocess.run([*command, *TOOL], check=True)
    assert loaded_from_cache(*classes.used_by(jvm), *TOOL) > before + 1000
    assert [each.name for each in classes.file.parent.iterdir()] == [classes.file.name]


def test_a_program_whose_cache_is_damaged_starts_without_it(jvm: tuple[str, ...]) -> None:
    classes = ClassCache("tool", "1")
    classes.file.parent.mkdir(parents=True)
    classes.file.write_bytes(b"no classes")
    assert subprocess.run([*classes.used_by(jvm), *TOOL], check=False).returncode == 0


def test_a_program_that_fails_leaves_no_cache(jvm: tuple[str, ...], tmp_path: Path) -> None:
    classes = ClassCache("tool", "1")
    with pytest.raises(subprocess.CalledProcessError), classes.filled(jvm, tmp_path) as command:
        subprocess.run([*command, "no.such.Program"], check=True)
    assert not classes.is_there
