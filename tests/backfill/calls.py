"""Calls of ``ferryman backfill`` for one live connector in one folder."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Called:
    """A call that has ended."""

    code: int
    said: str
    errors: str

    def well(self) -> None:
        """It must have come to its end."""
        assert self.code == 0, f"{self.code}\n{self.said}\n{self.errors}"


@dataclass
class Command:
    """The command for one live connector."""

    folder: Path
    worker: Path
    connector: Path

    def begin(self, *options: str) -> "subprocess.Popen[str]":
        """Starts it."""
        given = ["backfill", str(self.worker), str(self.connector), *options]
        pipe = subprocess.PIPE
        command = [sys.executable, "-m", "ferryman", *given]
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=self.folder)

    def call(self, *options: str) -> Called:
        """Waits for its end."""
        with self.begin(*options) as process:
            said, errors = process.communicate(timeout=600)
        return Called(process.returncode, said, errors)
