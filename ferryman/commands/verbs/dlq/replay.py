"""``ferryman dlq replay``: dead letters given to their connector once more, or sent back to their topics."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import click
from rich.console import RenderableType

from ferryman.client import dead_letters, runs, terminal
from ferryman.client.options import as_json, asks, name
from ferryman.client.worker import Worker
from ferryman.telemetry.lines import printable

_WHY = {
    "replayed": "were replayed before (--again)",
    "attempts": "were replayed too often (--attempts)",
    "homeless": "do not say which topic their record was in",
    "incomplete": "lack a part of their record",
    "refused": "cannot be sent (the worker's log says why)",
    "undated": "do not say when they were refused",
    "internal": "say that their record was in an internal topic",
    "doubles": "hold a record that another letter holds too",
}


@click.command("replay")
@name
@click.argument("letters", nargs=-1, metavar="[LETTER]...")
@asks
@dead_letters.choosing
@click.option("--all", "everything", is_flag=True, help="All letters of the connector.")
@click.option("--to-topic", is_flag=True, help="Send them to the topics of their records, for all their consumers.")
@click.option("--again", is_flag=True, help="Also letters that were replayed before.")
@click.option("--attempts", type=click.IntRange(min=1), help="Pass over letters that were replayed this often (3).")
@click.option("--allow-older", is_flag=True, help="Write even if rows may go back to an older state.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="A key with another value for the run.")
@click.option("--edit", metavar="JQ", help="A jq expression that edits each value before it is sent.")
@click.option("--run", "run", help="The run's name; by default made from connector and time.")
@click.option("--dry-run", is_flag=True, help="Only say which letters would be replayed.")
@click.option("--wait", is_flag=True, help="Wait until the run is over, and say how it went.")
@as_json
def command(worker: Worker, name: str, letters: tuple[str, ...], as_json: bool, wait: bool, **given: Any) -> None:
    """Replay dead letters of connector NAME: each LETTER, as `ferryman dlq list` prints it, or those that the options
    choose, or --all.

    They go through the connector's converters and transforms into its target, in a run of their own beside it. Each is
    replayed once. With --wait the exit code is 3 where letters were refused again, and 1 where the run has failed or
    was stopped.
    """
    told = worker.ask("POST", "connectors", name, "dead-letters", "replay", body=_body(letters, **given))
    is_run = wait and told["name"] is not None
    if as_json and is_run:
        click.echo(json.dumps(told))  # a line, as the status is that follows
    else:
        terminal.show_answer(told, lambda found: rendered(found, given["dry_run"]), as_json)
    if is_run:
        sys.exit(_waited(worker, name, told, as_json))


def _body(letters: tuple[str, ...], everything: bool, sets: tuple[str, ...], run: str | None, **given: Any) -> Any:
    pairs = dict(_pair(each) for each in sets)
    chosen = {key: value for key, value in given.items() if value is not None and value is not False}
    more = {"letters": list(letters), "all": everything, "config": pairs, "name": run}
    return chosen | {key: value for key, value in more.items() if value}


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise click.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--set")
    return key.strip(), value


def rendered(found: dict[str, Any], is_dry: bool) -> RenderableType:
    """The answer to a replay as lines."""
    return terminal.lines(_lines(found, is_dry))


def _lines(found: dict[str, Any], is_dry: bool) -> Iterator[str]:
    count = _many(found["letters"])
    if found["name"] is not None:
        yield f"{found['name']} replays {count}; {found['target']}"
    else:
        yield f"{count}{' would go' if is_dry else ''}; {found['target']}"
    yield from (f"{number:,} {_WHY.get(why, why)}" for why, number in found["passed_over"].items())
    yield from found.get("refusals", ())
    if found.get("records_done"):
        yield f"it continues after {found['records_done']:,} offsets that an earlier run of that name has done"
    if not found["complete"]:
        yield "these were not all: repeat the command for the others"
    if is_dry:
        yield "nothing was changed"


def _waited(worker: Worker, name: str, told: dict[str, Any], as_json: bool) -> int:
    """Says how the run went; returns the exit code."""
    run, latest = told["name"], dict[str, Any]()
    try:
        code = runs.followed(worker, run, latest.update)
    except KeyboardInterrupt:
        click.echo(f"{printable(run)} goes on", err=True)
        raise
    if as_json:
        click.echo(json.dumps(latest))
    if code not in (0, runs.REFUSED):
        raise click.ClickException(f"{run} has {_end(latest)}")
    if not as_json:
        terminal.say(terminal.lines([outcome(name, told, runs.refused(latest))]))
    return code


def outcome(name: str, told: dict[str, Any], refused: int) -> str:
    """How a run that is complete went, whose letters are ``told``."""
    through = f"{_many(told['letters'] - refused)} went through"
    again = f"{refused:,} refused again, with new letters: `ferryman dlq list {name} --open`"
    if told.get("records_done"):  # an earlier run of that name has refused some of them, nobody knows how many
        parts = [again] if refused else ["all went through"]
    else:
        parts = [through, again] if refused else [through]
    return f"{told['name']} is complete: {', '.join(parts)}"


def _many(letters: int) -> str:
    return f"{letters:,} dead letter{'s' if letters != 1 else ''}"


def _end(status: dict[str, Any]) -> str:
    failed = [each for each in (status["connector"], *status["tasks"]) if each["state"] == "FAILED"]
    return f"failed: {_last(failed[0].get('trace'))}" if failed else "been stopped before its end"


def _last(trace: str | None) -> str:
    """What is at fault, at the end of a trace of Python."""
    lines = (trace or "").strip().splitlines()
    return lines[-1] if lines else "see its status"
