"""``ferryman connectors show``: one connector, whole."""

from collections.abc import Iterator
from functools import partial

import click
from rich.console import Group, RenderableType

from ferryman.client import connectors, terminal
from ferryman.client.connectors import Json
from ferryman.client.options import as_json, asks, name, watched
from ferryman.client.worker import Worker

_LINES = 3
"""Lines of a trace that are shown, from its end: the error itself stands there."""


@click.command("show")
@name
@asks
@click.option("--trace", is_flag=True, help="Show whole traces.")
@as_json
@watched
def command(worker: Worker, name: str, trace: bool, as_json: bool, watch: bool) -> None:
    """Show a connector: its state, its tasks and why they fail or wait, its topics, its config without secrets."""
    look = partial(connectors.described, worker, name)
    render = partial(rendered, whole=trace)
    if watch:
        terminal.watch(look, render, as_json)
    else:
        terminal.show_answer(look(), render, as_json)


def rendered(found: Json, whole: bool = False) -> RenderableType:
    """The connector as lines and tables."""
    config = found["config"]
    head = [
        ("name", found["name"]),
        ("type", found["type"]),
        ("class", config.get("connector.class") or ""),
        ("state", found["connector"]["state"]),
        ("worker", found["connector"]["worker_id"]),
        ("topics", "not known" if found["topics"] is None else ", ".join(found["topics"]) or "none yet"),
    ]
    if "run" in found:
        head += [("run of", found["run"]["of"])] if "of" in found["run"] else []
        head.append(("run", _said(found)))
    letters = config.get("errors.deadletterqueue.topic.name")
    if letters:
        head.append(("dead letters", letters))
    tasks = [(str(task["id"]), task["state"], task["worker_id"]) for task in found["tasks"]]
    return Group(
        terminal.table(("CONNECTOR", ""), head),
        terminal.lines(["", *_why("connector", found["connector"], whole)]),
        terminal.table(("TASK", "STATE", "WORKER"), tasks),
        terminal.lines([line for task in found["tasks"] for line in _why(f"task {task['id']}", task, whole)]),
        terminal.lines([""]),
        terminal.table(("CONFIG", ""), [(key, "" if value is None else value) for key, value in config.items()]),
    )


def _said(found: Json) -> str:
    from ferryman.client import runs

    return runs.progress_line(found)


def _why(whose: str, state: Json, whole: bool) -> Iterator[str]:
    """Why it does not run, if it does not."""
    if "outage" in state:
        away = state["outage"]
        yield f"  {whose} has been waiting since {away['since']}: {away['reason']} (next try {away['next_try']})"
    if "restart" in state:
        again = state["restart"]
        yield f"  {whose} has failed {again['failures']} times and is started again at {again['next_try']}"
    trace = [line for line in str(state.get("trace") or "").splitlines() if line.strip()]
    shown = trace if whole else trace[-_LINES:]
    if shown:
        yield f"  {whose} has failed{'' if len(shown) == len(trace) else ' (the whole trace: --trace)'}:"
    yield from (f"    {line}" for line in shown)
