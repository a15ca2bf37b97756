"""``ferryman contexts add``."""

from pathlib import Path

import click

from ferryman.client import contexts
from ferryman.client.contexts import Context, Contexts
from ferryman.client.options import about_context


@click.command("add")
@click.argument("name")
@about_context
def command(name: str, **given: str | None) -> None:
    """Remember a worker's address and login as NAME; the first context becomes the current one."""
    if not name:
        raise click.UsageError("NAME is empty; no --context can mean it")
    if not given["url"]:
        raise click.UsageError("give the worker's address with --url")
    for each in ("password_file", "token_file", "ca", "certificate", "key"):
        file = given[each]
        given[each] = None if file is None else str(Path(file).expanduser().absolute())
    added = Context().changed(**given).checked()
    before = contexts.load()
    contexts.save(Contexts({**before.known, name: added}, before.current or name))
    click.echo(f"{name} is {added.url}")
