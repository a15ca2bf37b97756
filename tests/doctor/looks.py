"""What `ferryman doctor` finds, in this process: of a connector's system, and of its way to Kafka."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ferryman.doctor.job import Job, What
from ferryman.doctor.process import LOOKS
from ferryman.doctor.reading import Reading
from ferryman.findings import Finding, Level
from ferryman.telemetry import owners

SECONDS = 60.0
"""For a check: many times what it takes, as a loaded machine needs."""


def written(folder: Path, config: Mapping[str, Any]) -> Path:
    """A connector's file."""
    file = folder / f"{config['name']}.json"
    file.write_text(json.dumps({"name": config["name"], "config": dict(config)}))
    return file


def worker_file(folder: Path, settings: Mapping[str, str], name: str = "worker") -> Path:
    """A worker's file."""
    file = folder / f"{name}.properties"
    file.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    return file


def jobs(files: Sequence[Path], read_only: bool = False) -> list[Job]:
    """What the command would have looked at."""
    reading = Reading(read_only, SECONDS)
    reading.read(files, None)
    return reading.jobs


def looked(what: What, *files: Path, read_only: bool = False) -> list[Finding]:
    """What the looks of one kind find, with these files on the command line; other tests may say their secrets."""
    with owners.passing():
        return [finding for job in jobs(files, read_only) if job.what == what for finding in LOOKS[what](job)]


def system(folder: Path, config: Mapping[str, Any], read_only: bool = False) -> list[Finding]:
    """What a connector's own class finds."""
    return looked("system", written(folder, config), read_only=read_only)


def at(level: Level, found: Sequence[Finding]) -> list[Finding]:
    """The findings of a level."""
    return [each for each in found if each.level == level]


def about(subject: str, found: Sequence[Finding]) -> Finding:
    """The one about this."""
    (one,) = [each for each in found if each.subject == subject]
    return one
