"""Calls of ``ferryman backfill`` for one live connector in one folder."""

from dataclasses import dataclass
from pathlib import Path

from tests.cli_calls import Called, Calling, Place


@dataclass
class Command:
    """The command for one live connector."""

    folder: Path
    worker: Path
    connector: Path

    def begin(self, *options: str) -> Calling:
        """Starts it."""
        return Place(self.folder).begin("backfill", str(self.worker), str(self.connector), *options)

    def call(self, *options: str) -> Called:
        """Waits for its end."""
        return self.begin(*options).ended()
