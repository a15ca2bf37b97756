"""``ferryman connectors logs``: the last lines of the log about a connector and its tasks, wherever they run."""

import json
import time
from collections.abc import Iterator

import click

from ferryman.client import terminal
from ferryman.client.connectors import Json
from ferryman.client.errors import RefusedRequestError
from ferryman.client.options import as_json, asks, name
from ferryman.client.worker import Worker
from ferryman.telemetry.lines import printable


@click.command("logs")
@name
@asks
@click.option("--task", type=click.IntRange(min=0), help="Only of this task.")
@click.option("--lines", default=50, type=click.IntRange(min=1), show_default=True, help="How many of the last lines.")
@click.option("--follow", is_flag=True, help="Keep printing new lines, until Ctrl-C.")
@as_json
def command(worker: Worker, name: str, task: int | None, lines: int, follow: bool, as_json: bool) -> None:
    """Print the last lines that the log has about a connector and its tasks.

    Each worker keeps the last 200 lines of whatever runs on it, of level INFO and above unless other levels are set.
    """
    found = _found(worker, name, task)
    _print(found[-lines:], as_json)
    while follow:
        try:
            time.sleep(terminal.POLL_SECONDS)
            known, found = {json.dumps(each) for each in found}, _found(worker, name, task)
            _print([each for each in found if json.dumps(each) not in known], as_json)
        except KeyboardInterrupt:
            return


def _found(worker: Worker, name: str, task: int | None) -> list[Json]:
    if task is not None:
        return list(worker.get("connectors", name, "tasks", str(task), "logs")["lines"])
    found = list(worker.get("connectors", name, "logs")["lines"])
    for each in worker.get("connectors", name, "status")["tasks"]:
        try:
            found += worker.get("connectors", name, "tasks", str(each["id"]), "logs")["lines"]
        except RefusedRequestError as error:
            if error.status != 404:  # a task that there was a moment ago
                raise
    return sorted(found, key=lambda line: str(line["time"]))


def _print(found: list[Json], as_json: bool) -> None:
    for line in found:
        for text in [json.dumps(line)] if as_json else _as_text(line):
            click.echo(text)


def _as_text(line: Json) -> Iterator[str]:
    whose = "" if line.get("task") is None else f" [task-{line['task']}]"
    yield printable(f"[{line['time']}] {line['level']}{whose} {line['message']} ({line['logger']})")
    yield from (f"  {printable(each)}" for each in str(line.get("trace") or "").splitlines())
