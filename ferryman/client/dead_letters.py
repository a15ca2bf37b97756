"""Dead letters for commands, from a worker's answers: which are meant, and how they are printed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import click

from ferryman.client.errors import RefusedRequestError
from ferryman.client.worker import Worker
from ferryman.runs.span import iso

Called = Callable[..., Any]
_CHOICE: tuple[Callable[[Called], Called], ...] = (
    click.option(
        "--stage", help="Only letters that failed at this stage: VALUE_CONVERTER, TRANSFORMATION, TASK_PUT, ..."
    ),
    click.option(
        "--exception", help="Only letters that failed with this error: its class, or the part after the last dot."
    ),
    click.option("--field", help="Only letters that failed at this field."),
    click.option("--since", help="Only records from this time on, for example 2026-11-01T00:00:00Z."),
    click.option("--until", help="Only records before this time."),
    click.option("--refused-since", metavar="TIME", help="Only records that were refused from this time on."),
    click.option("--refused-until", metavar="TIME", help="Only records that were refused before this time."),
)
_LONGEST = 100
"""Characters of a message in a table."""


def choosing(command: Called) -> Called:
    """Adds the options to a command that choose letters."""
    for each in reversed(_CHOICE):
        command = each(command)
    return command


def query(chosen: Mapping[str, str | int | None]) -> dict[str, str]:
    """The chosen options as parameters of a request; those that are not given are left out."""
    return {name: str(value) for name, value in chosen.items() if value is not None}


def of(worker: Worker, names: Sequence[str], query: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """The letters of these connectors, or of all that write any."""
    for name in names or worker.names():
        try:
            yield name, worker.get("connectors", name, "dead-letters", query=query)
        except RefusedRequestError as error:
            if names or error.status != 404:
                raise


def time(milliseconds: int | None) -> str:
    """A record's time; the number where no calendar has it."""
    return "" if milliseconds is None else iso(milliseconds)


def place(origin: Mapping[str, Any] | None) -> str:
    """Where a record lay."""
    return "" if origin is None else f"{origin['topic']}-{origin['partition']}@{origin['offset']}"


def holder(mark: Mapping[str, Any] | None) -> str:
    """Who has a letter."""
    if mark is None:
        return ""
    return f"by {mark['run']}" if mark["run"] is not None else f"to {mark['topic']}"


def short(name: str | None) -> str:
    """A class's name without its package."""
    return (name or "").rpartition(".")[2]


def line(message: str | None) -> str:
    """The beginning of a message."""
    first = (message or "").partition("\n")[0]
    return first if len(first) <= _LONGEST else f"{first[: _LONGEST - 1]}…"
