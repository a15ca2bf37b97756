"""``ferryman connectors list``: all connectors and their states."""

from typing import Any

import click
from rich.console import RenderableType

from ferryman.client import connectors, terminal
from ferryman.client.connectors import Json
from ferryman.client.options import as_json, asks, watched
from ferryman.client.worker import Worker


@click.command("list")
@asks
@as_json
@watched
def command(worker: Worker, as_json: bool, watch: bool) -> None:
    """List the connectors with their states."""

    def look() -> list[Json]:
        return connectors.overview(worker)

    if watch:
        terminal.watch(look, rendered, as_json)
    else:
        terminal.show_answer(look(), rendered, as_json)


def rendered(found: list[dict[str, Any]]) -> RenderableType:
    """The connectors as a table."""
    if not found:
        return terminal.lines(["There are no connectors."])
    rows = [
        (each["name"], each["type"], each["state"], connectors.counted(each["tasks"]), ", ".join(each["workers"]))
        for each in found
    ]
    return terminal.table(("NAME", "TYPE", "STATE", "TASKS", "WORKERS"), rows)
