"""``ferryman connectors delete``."""

import sys

import click

from ferryman.client.each_connector import ask_each
from ferryman.client.options import asks, names
from ferryman.client.worker import Worker


@click.command("delete")
@names
@asks
@click.option("--yes", is_flag=True, help="Do not ask first.")
def command(worker: Worker, names: tuple[str, ...], yes: bool) -> None:
    """Delete connectors and their configs. Offsets stay: one created again under its name goes on there."""
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError(
                "standard input is not a terminal, so nobody can be asked: --yes deletes without asking"
            )
        click.confirm(f"Delete {', '.join(names)}?", abort=True)
    ask_each(names, lambda name: worker.ask("DELETE", "connectors", name), "is deleted")
