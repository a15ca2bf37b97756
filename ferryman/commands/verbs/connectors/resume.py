"""``ferryman connectors resume``."""

import click

from ferryman.client.aims import aim
from ferryman.client.options import asks, names
from ferryman.client.worker import Worker


@click.command("resume")
@names
@asks
def command(worker: Worker, names: tuple[str, ...]) -> None:
    """Have connectors run that are paused or stopped."""
    aim(names, lambda name: worker.ask("PUT", "connectors", name, "resume"), "is to run")
