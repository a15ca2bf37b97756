"""``ferryman distributed``: one worker of a group, with the file of Kafka's connect-distributed."""

import asyncio
import gc
import logging
from pathlib import Path

import click

from ferryman.commands.starting import descriptors
from ferryman.commands.starting import worker as starting
from ferryman.telemetry import logs
from ferryman.telemetry.redaction import redact
from ferryman.worker.forks.server import ForkServer

log = logging.getLogger(__name__)


@click.command("distributed", context_settings={"allow_extra_args": True})
@click.argument("worker", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option(
    "--override", multiple=True, metavar="KEY=VALUE", help="A worker setting that overrides file and environment."
)
@click.option("--log-level", default="INFO", type=click.Choice([*logs.LEVELS], case_sensitive=False), show_default=True)
@click.pass_context
def command(context: click.Context, worker: Path | None, override: tuple[str, ...], log_level: str) -> None:
    """Run a worker of a group that shares connectors and tasks.

    WORKER is its property file (CONNECT_* variables and --override go over it, or stand alone). Connectors are created
    over REST, at any worker of the group; their configs are kept in Kafka.
    """
    descriptors.raise_limit()
    server = ForkServer()  # before our own imports, since it has as many to do
    gc.disable()  # nearly all that is imported stays, and to look through it is a sixth of the time
    from ferryman.plugins import catalog
    from ferryman.plugins.others import Others
    from ferryman.settings.modes import DISTRIBUTED
    from ferryman.worker.distributed.worker import run

    gc.freeze()
    gc.enable()
    catalog.set_third_party(Others())  # what others have installed is found out by processes, and not imported here
    found = starting.load(worker, override, log_level, DISTRIBUTED)
    starting.warn(found)
    for extra in context.args:  # Kafka's connect-distributed takes no notice of them either
        log.warning("The argument %s has no effect: connectors of a group are created over REST", redact(extra))
    starting.leave(asyncio.run(run(found, server)))
