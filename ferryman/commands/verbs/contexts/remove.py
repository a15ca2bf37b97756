"""``ferryman contexts remove``."""

import click

from ferryman.client import contexts
from ferryman.client.contexts import Contexts


@click.command("remove")
@click.argument("name")
def command(name: str) -> None:
    """Forget a context."""
    found = contexts.load()
    found.of(name)
    known = {each: context for each, context in found.known.items() if each != name}
    contexts.save(Contexts(known, None if found.current == name else found.current))
    click.echo(f"{name} is forgotten")
