"""From a command line to a worker's settings, and the way out of its process."""

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from ferryman.config import trim
from ferryman.errors import ConfigError
from ferryman.telemetry import background, logs
from ferryman.telemetry.recent import Keeper
from ferryman.telemetry.redaction import redact

if TYPE_CHECKING:  # the caller imports these, after the fork server has started
    from ferryman.settings.modes import Mode
    from ferryman.settings.settings import Settings

log = logging.getLogger(__name__)


def load(worker: Path | None, override: Sequence[str], log_level: str, mode: "Mode") -> "Settings":
    """Begins to log, and reads a worker's settings. Ends the process, with each problem, if they cannot be used."""
    from ferryman.settings import ambient, settings

    logs.start("worker", {"root": log_level}, kept=Keeper())
    background.install()
    try:
        found = settings.load(worker, dict(pair(each) for each in override), mode, with_converters=False)
    except ConfigError as error:
        refuse(error, f"{worker or 'no worker file given, and CONNECT_* variables'}: ")
    ambient.withhold()
    if found.config.ferryman_log_format != "text":
        logs.start("worker", {"root": log_level}, form=found.config.ferryman_log_format, kept=Keeper())
        background.install()
    return found


def warn(settings: "Settings") -> None:
    """Logs what is doubtful about the settings."""
    for warning in settings.warnings:
        log.warning("%s", redact(warning))


def pair(text: str) -> tuple[str, str]:
    """A KEY=VALUE of the command line."""
    key, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not KEY=VALUE")
    return trim(key), value


def refuse(error: ConfigError, where: str = "") -> NoReturn:
    """Prints each problem and ends the process."""
    for problem in error.problems:
        click.echo(f"{where}{redact(problem.named)}", err=True)
    sys.exit(2)


def leave(code: int) -> NoReturn:
    """Ends the process. Threads that wait for what does not answer, and processes that do not end, would hold up an
    orderly exit."""
    background.farewell()
    os._exit(code)
