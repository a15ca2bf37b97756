"""``ferryman connectors resume``."""

import click

from ferryman.client.each_connector import ask_each
from ferryman.client.options import asks, names
from ferryman.client.worker import Worker


@click.command("resume")
@names
@asks
def command(worker: Worker, names: tuple[str, ...]) -> None:
    """Have connectors run that are paused or stopped."""
    ask_each(names, lambda name: worker.ask("PUT", "connectors", name, "resume"), "is to run")
