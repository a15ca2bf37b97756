"""``ferryman standalone``: one worker, with the files of Kafka's connect-standalone."""

import asyncio
import gc
from pathlib import Path

import click

from ferryman.commands.starting import descriptors
from ferryman.commands.starting import worker as starting
from ferryman.errors import ConfigError
from ferryman.telemetry import logs
from ferryman.worker.forks.server import ForkServer


@click.command("standalone")
@click.argument("worker", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.argument("connectors", type=click.Path(path_type=Path, dir_okay=False), nargs=-1)
@click.option(
    "--override", multiple=True, metavar="KEY=VALUE", help="A worker setting that overrides file and environment."
)
@click.option("--log-level", default="INFO", type=click.Choice([*logs.LEVELS], case_sensitive=False), show_default=True)
def command(worker: Path | None, connectors: tuple[Path, ...], override: tuple[str, ...], log_level: str) -> None:
    """Run a standalone worker.

    WORKER is its property file (CONNECT_* variables and --override go over it, or stand alone), CONNECTORS are files of
    connectors to start: properties, JSON or YAML, flat or as {"name", "config"}.
    """
    descriptors.raise_limit()
    server = ForkServer()  # before our own imports, since it has as many to do
    gc.disable()  # nearly all that is imported stays, and to look through it is a sixth of the time
    from ferryman.plugins import catalog
    from ferryman.plugins.others import Others
    from ferryman.settings.modes import STANDALONE
    from ferryman.worker import connector_file
    from ferryman.worker.standalone.worker import run

    gc.freeze()
    gc.enable()
    catalog.set_third_party(Others())  # what others have installed is found out by processes, and not imported here
    found = starting.load(worker, override, log_level, STANDALONE)
    try:
        files = [connector_file.read(path) for path in connectors]
    except ConfigError as error:
        starting.refuse(error)
    starting.warn(found)
    starting.leave(asyncio.run(run(found, files, server)))
