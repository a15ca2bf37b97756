"""``ferryman contexts list``."""

from dataclasses import asdict

import click
from rich.console import RenderableType

from ferryman.client import contexts, terminal
from ferryman.client.contexts import Contexts
from ferryman.client.options import as_json


@click.command("list")
@as_json
def command(as_json: bool) -> None:
    """List the contexts; a star is at the current one."""
    found = contexts.load()
    known = {name: asdict(each) for name, each in sorted(found.known.items())}
    shown = {"current": found.current, "contexts": known}
    terminal.show_answer(shown, lambda _: rendered(found), as_json)


def rendered(found: Contexts) -> RenderableType:
    """The contexts as a table."""
    if not found.known:
        return terminal.lines([f"There are no contexts; commands use {contexts.DEFAULT_URL}."])
    rows = [
        ("*" if name == found.current else "", name, each.url, each.user or "")
        for name, each in sorted(found.known.items())
    ]
    return terminal.table(("", "NAME", "URL", "USER"), rows)
