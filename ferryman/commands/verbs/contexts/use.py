"""``ferryman contexts use``."""

from dataclasses import replace

import click

from ferryman.client import contexts


@click.command("use")
@click.argument("name")
def command(name: str) -> None:
    """Make NAME the current context, which commands use by default."""
    if not name:
        raise click.UsageError("NAME is empty; no --context can mean it")
    found = contexts.load()
    context = found.of(name)
    contexts.save(replace(found, current=name))
    click.echo(f"{name} is {context.url}")
