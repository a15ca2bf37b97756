"""How a command about archives ends when something cannot be read or written."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from ferryman.errors import ConfigError, FerrymanError
from ferryman.telemetry.redaction import redact


@contextmanager
def exits_with_two() -> Iterator[None]:
    """Says every problem that is raised within, and exits with 2."""
    try:
        yield
    except ConfigError as error:
        for problem in error.problems:
            click.echo(redact(problem.named), err=True)
        sys.exit(2)
    except FerrymanError as error:
        click.echo(redact(str(error)), err=True)
        sys.exit(2)
