"""The same request about several connectors: what is refused of one keeps none of the others from it."""

from collections.abc import Callable, Sequence
from typing import Any

import click

from ferryman.client.errors import RefusedRequestError
from ferryman.telemetry.lines import printable


def ask_each(names: Sequence[str], ask: Callable[[str], Any], done: str) -> None:
    """Asks for each; says of each what is ``done``, or why not. Exits with 1 if any was refused."""
    refused = False
    for name in names:
        try:
            ask(name)
        except RefusedRequestError as error:
            refused = True
            click.echo(f"{printable(name)}: {error.message}", err=True)
        else:
            click.echo(f"{printable(name)} {done}")
    if refused:
        raise SystemExit(1)
