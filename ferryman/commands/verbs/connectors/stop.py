"""``ferryman connectors stop``."""

import click

from ferryman.client.each_connector import ask_each
from ferryman.client.options import asks, names
from ferryman.client.worker import Worker


@click.command("stop")
@names
@asks
def command(worker: Worker, names: tuple[str, ...]) -> None:
    """Stop connectors: their tasks end, their configs and offsets stay."""
    ask_each(names, lambda name: worker.ask("PUT", "connectors", name, "stop"), "is to stop")
