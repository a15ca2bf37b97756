"""``ferryman connectors backfill``: a part of a connector's history, run again by the worker that has it."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import click
from rich.console import RenderableType

from ferryman.backfill import bounds_text
from ferryman.client import terminal
from ferryman.client.changes import parsed
from ferryman.client.options import as_json, asks, name
from ferryman.client.time_option import bound
from ferryman.client.worker import Worker
from ferryman.telemetry.lines import printable

Json = dict[str, Any]


@click.command("backfill")
@name
@asks
@click.option("--from", "begins", callback=bound, metavar="TIME", help="The first time: 2026-11-01T00:00:00Z.")
@click.option("--to", "ends", callback=bound, metavar="TIME", help="The time after the last.")
@click.option("--offsets", multiple=True, metavar="TOPIC:PARTITION:FIRST-BEHIND", help="Only these, the last excluded.")
@click.option("--positions", metavar="FIRST-BEHIND", help="For a source: only these, the last excluded.")
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="KEY=VALUE | KEY-",
    help="A key with another value for the run; KEY- removes it.",
)
@click.option("--name", "called", help="The run's name; by default made from connector and bounds.")
@click.option("--rate", type=float, help="Records a second at most.")
@click.option(
    "--version-field", metavar="NAME", help="The field of the value that tells which of two records is newer."
)
@click.option(
    "--allow-duplicates", is_flag=True, help="Write where the live connector does, although that makes duplicates."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be read and where it would go.")
@click.option(
    "--wait", is_flag=True, help="Wait until it is over; the exit code is 1 if it failed, 3 if records were refused."
)
@click.option("--watch", is_flag=True, help="The same, and show its progress.")
@as_json
def command(worker: Worker, name: str, as_json: bool, wait: bool, watch: bool, **given: Any) -> None:
    """Run a part of the history of the connector NAME again, beside it.

    The run is a connector of its own, which the worker has from then on: it goes on when this command is interrupted,
    and is shown, paused, stopped and deleted as others are.
    """
    if given["dry_run"] and (wait or watch):
        raise click.UsageError("--dry-run starts nothing, so there is nothing to wait for")
    made = worker.ask("POST", "connectors", name, "backfill", body=_body(given))
    if as_json and (wait or watch):
        click.echo(json.dumps(made))  # a line, as each status is that follows
    else:
        terminal.show_answer(made, _Rendered(given["dry_run"]), as_json)
    if wait or watch:
        sys.exit(_followed(worker, made["name"], watch, as_json))


def _body(given: Json) -> Json:
    try:
        offsets = bounds_text.parsed(given["offsets"])
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--offsets") from None
    try:
        positions = None if given["positions"] is None else bounds_text.positions(given["positions"])
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--positions") from None
    body = {
        "from": given["begins"],
        "to": given["ends"],
        "offsets": offsets,
        "positions": positions,
        "config": parsed(given["sets"], "--set"),
        "name": given["called"],
        "rate": given["rate"],
        "version_field": given["version_field"],
        "allow_duplicates": given["allow_duplicates"],
        "dry_run": given["dry_run"],
    }
    return {key: value for key, value in body.items() if value or (key == "version_field" and value is not None)}


class _Rendered:
    """The answer for people."""

    def __init__(self, dry_run: bool) -> None:
        self._dry_run = dry_run

    def __call__(self, made: Json) -> RenderableType:
        from ferryman.runs.progress_text import many

        size = many(made["records"]) if "records" in made else "an unknown number of records"
        last = "Nothing was started." if self._dry_run else f"{made['name']} is created"
        first = f"{made['name']}: {size}; {made['target']}"
        return terminal.lines([first, *_ranges(made), *_part(made), *_before(made), *_sizes(made), last])


def _ranges(made: Json) -> Iterator[str]:
    from ferryman.runs.progress_text import many

    for topic, each in made.get("ranges", {}).items():
        for number, (first, behind) in each.items():
            yield f"  {topic}-{number}: {many(behind - first)}, {first} up to {behind}"


def _part(made: Json) -> Iterator[str]:
    """What is told of a source's run: which part it is."""
    times = [f"{word} {made[name]}" for name, word in (("from", "from"), ("to", "up to")) if name in made]
    first, behind = made.get("positions", (None, None))
    places = [] if first is None else [f"positions from {first}", *([] if behind is None else [f"up to {behind}"])]
    if times or places:
        yield f"  {' '.join([*times, *places])}"
    yield from (f"  {warning}" for warning in made.get("warnings", ()))


def _sizes(made: Json) -> Iterator[str]:
    from ferryman.runs.progress_text import sizes

    yield from (f"  {text}" for text in sizes(*map(made.get, ("bytes", "records_in_period", "seconds"))))


def _before(made: Json) -> Iterator[str]:
    if made.get("records_done"):
        yield f"  it continues after {made['records_done']:,} that an earlier run of that name has done"


def _followed(worker: Worker, run: str, watch: bool, as_json: bool) -> int:
    from ferryman.client import runs
    from ferryman.runs.progress_text import refusals

    before, latest = "", Json()

    def told(status: Json) -> None:
        nonlocal before, latest
        news = json.dumps(status) if as_json else printable(f"{run}: {runs.progress_line(status)}")
        if news != before and (watch or runs.exit_code(status) is not None):
            click.echo(news)
        before, latest = news, status

    try:
        code = runs.followed(worker, run, told)
    except KeyboardInterrupt:
        click.echo(f"{printable(run)} goes on", err=True)
        raise
    if code == runs.REFUSED and not as_json:
        click.echo(printable(refusals(runs.refused(latest), run, None)))
    return code
