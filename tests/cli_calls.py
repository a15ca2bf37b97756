"""Calls of ``ferryman`` that come to an end, and what they said."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from tests.prefork import Process, start
from tests.running import FERRYMAN

LONGEST = 600.0
"""Seconds after which a call is given up."""


@dataclass
class Called:
    """A call that has ended."""

    code: int
    said: str
    errors: str

    def well(self) -> "Called":
        """It must have come to its end."""
        assert self.code == 0, f"{self.code}\n{self.said}\n{self.errors}"
        return self


@dataclass
class Calling:
    """A call under way."""

    process: Process
    _said: BinaryIO
    _errors: BinaryIO

    @property
    def goes_on(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> Called:
        """SIGKILL: the power cut."""
        self.process.kill()
        return self.ended()

    def ended(self) -> Called:
        """What it has said, when it is over. Raises subprocess.TimeoutExpired."""
        code = self.process.wait(LONGEST)
        texts = []
        for output in (self._said, self._errors):
            output.seek(0)
            texts.append(output.read().decode())
            output.close()
        return Called(code, *texts)


@dataclass(frozen=True)
class Place:
    """Where calls are made: in a folder, with more in their environment than the tests have."""

    folder: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def begin(self, *words: str) -> Calling:
        """Calls ``ferryman`` with these words."""
        said, errors = (tempfile.TemporaryFile() for _ in range(2))  # noqa: SIM115 (closed when they have been read)
        environment = {**os.environ, **self.environment}
        return Calling(start([FERRYMAN, *words], said, environment, self.folder, errors), said, errors)

    def call(self, *words: str) -> Called:
        """Waits for its end."""
        return self.begin(*words).ended()
