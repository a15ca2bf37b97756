"""Times given on the command line, as they are passed on."""

import click

from ferryman.config import trim


def bound(_context: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """The callback of an option that is a bound. One that is empty, as an unset variable of a shell makes it, bounds
    nothing and is not meant so: BadParameter."""
    if value is not None and not trim(value):
        raise click.BadParameter("is empty; leave the option out, or name a time such as 2026-11-01T00:00:00Z")
    return value
