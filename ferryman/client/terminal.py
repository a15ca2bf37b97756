"""What commands print of a worker's answers: tables and lines for people, JSON for programs, once or on and on."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ferryman.telemetry.lines import printable

POLL_SECONDS = 2.0
"""Seconds between two looks."""
_WIDE = 10_000
"""The width for output that is not a terminal: nothing is cut or wrapped there."""
_STYLES = {"RUNNING": "green", "FAILED": "bold red", "PAUSED": "yellow", "STOPPED": "yellow", "UNASSIGNED": "magenta"}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Columns as wide as they need to be; states have colours."""
    found = Table(*head, box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for column in found.columns:
        column.overflow = "fold"
    for row in rows:
        found.add_row(*map(cell, row))
    return found


def cell(text: str) -> Text:
    """A text from elsewhere, without characters that would control the terminal."""
    return Text(printable(text), style=_STYLES.get(text, ""))


def lines(texts: Iterable[str]) -> Group:
    """Lines of text from elsewhere."""
    return Group(*(Text(printable(each)) for each in texts))


def say(shown: RenderableType) -> None:
    """Prints on standard output."""
    _console().print(shown, soft_wrap=not isinstance(shown, Table))


def show_answer(found: Any, render: Callable[[Any], RenderableType], as_json: bool) -> None:
    """An answer, in one of the two ways."""
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        say(render(found))


def watch(look: Callable[[], Any], render: Callable[[Any], RenderableType], as_json: bool) -> None:
    """What a look finds, until Ctrl-C: in its place on a terminal, elsewhere once more whenever it has changed."""
    try:
        if as_json or not sys.stdout.isatty():
            _log(look, render, as_json)
        with Live(render(look()), console=_console(), auto_refresh=False) as live:
            while True:
                time.sleep(POLL_SECONDS)
                live.update(render(look()), refresh=True)
    except KeyboardInterrupt:
        return


def _log(look: Callable[[], Any], render: Callable[[Any], RenderableType], as_json: bool) -> None:
    before = None
    while True:
        found = look()
        if found != before:
            if as_json:
                click.echo(json.dumps(found))
            else:
                say(render(found))
            sys.stdout.flush()
        before = found
        time.sleep(POLL_SECONDS)


def _console() -> Console:
    is_terminal = sys.stdout.isatty()
    return Console(highlight=False, markup=False, emoji=False, width=None if is_terminal else _WIDE)
