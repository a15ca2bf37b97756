"""``ferryman standalone``: one worker, with the files of Kafka's connect-standalone."""

import asyncio
import gc
import logging
import os
import sys
from pathlib import Path
from typing import NoReturn

import click

from ferryman.errors import ConfigError
from ferryman.telemetry import background, logs
from ferryman.telemetry.redaction import redact
from ferryman.worker.forkserver import ForkServer

log = logging.getLogger(__name__)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not KEY=VALUE")
    return key.strip(), value


def _refuse(error: ConfigError, where: str = "") -> NoReturn:
    for problem in error.problems:
        click.echo(f"{where}{redact(problem.named)}", err=True)
    sys.exit(2)


@click.command("standalone")
@click.argument("worker", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.argument("connectors", type=click.Path(path_type=Path, dir_okay=False), nargs=-1)
@click.option("--override", multiple=True, metavar="KEY=VALUE", help="A worker setting, over file and environment.")
@click.option("--log-level", default="INFO", type=click.Choice([*logs.LEVELS], case_sensitive=False), show_default=True)
def command(worker: Path | None, connectors: tuple[Path, ...], override: tuple[str, ...], log_level: str) -> None:
    """Run a standalone worker.

    WORKER is its property file (CONNECT_* variables and --override go over it, or stand alone), CONNECTORS are files of
    connectors to start: properties, JSON or YAML, flat or as {"name", "config"}.
    """
    server = ForkServer()  # before our own imports, since it has as many to do
    gc.disable()  # nearly all that is imported stays, and to look through it is a sixth of the time
    from ferryman.settings import ambient, settings
    from ferryman.worker import connector_file
    from ferryman.worker.standalone.worker import run

    gc.freeze()
    gc.enable()
    logs.start("worker", {"root": log_level})
    background.install()
    try:
        found = settings.load(worker, dict(_pair(each) for each in override))
    except ConfigError as error:
        _refuse(error, f"{worker or 'no worker file given, and CONNECT_* variables'}: ")
    ambient.withhold()
    try:
        files = [connector_file.read(path) for path in connectors]
    except ConfigError as error:
        _refuse(error)
    for warning in found.warnings:
        log.warning("%s", redact(warning))
    _leave(asyncio.run(run(found, files, server)))


def _leave(code: int) -> NoReturn:
    # Threads that wait for what does not answer, and processes that do not end, would hold up an orderly exit.
    background.farewell()
    os._exit(code)
