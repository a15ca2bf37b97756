"""``ferryman connectors pause``."""

import click

from ferryman.client.each_connector import ask_each
from ferryman.client.options import asks, names
from ferryman.client.worker import Worker


@click.command("pause")
@names
@asks
def command(worker: Worker, names: tuple[str, ...]) -> None:
    """Pause connectors: their tasks stay, but do nothing."""
    ask_each(names, lambda name: worker.ask("PUT", "connectors", name, "pause"), "is to pause")
