"""``ferryman dlq list``: dead letters by what was wrong with them."""

from typing import Any

import click
from rich.console import Group, RenderableType

from ferryman.client import dead_letters, terminal
from ferryman.client.options import as_json, asks, connector_names
from ferryman.client.worker import Worker


@click.command("list")
@connector_names
@asks
@dead_letters.choosing
@click.option(
    "--letters", default=0, type=click.IntRange(min=0), help="Also list this many single letters, the newest."
)
@click.option("--scan", type=click.IntRange(min=1), help="Read this many of the newest letters of a topic (100,000).")
@as_json
def command(worker: Worker, names: tuple[str, ...], letters: int, as_json: bool, **chosen: str | int | None) -> None:
    """List the dead letters of connectors NAME..., or of all that write any, grouped by stage, error and field."""
    query = dead_letters.query(chosen) | {"limit": str(letters)}
    found = dict(dead_letters.of(worker, names, query))
    terminal.show_answer(found, rendered, as_json)


def rendered(found: dict[str, Any]) -> RenderableType:
    """As tables."""
    if not found:
        return terminal.lines(["No connector writes dead letters: none has errors.deadletterqueue.topic.name."])
    groups = [
        (
            *(name, each["stage"] or "", dead_letters.short(each["exception"]), each["field"] or ""),
            *(
                str(each["letters"]),
                dead_letters.time(each["last"]),
                each["latest"],
                dead_letters.line(each["message"]),
            ),
        )
        for name, answer in found.items()
        for each in answer["groups"]
    ]
    columns = ("CONNECTOR", "STAGE", "ERROR", "FIELD", "LETTERS", "NEWEST RECORD", "LATEST", "ITS MESSAGE")
    parts: list[RenderableType] = [terminal.table(columns, groups)] if groups else []
    for name, answer in found.items():
        how = "" if answer["complete"] else f" among the newest {answer['scanned']:,} of the topic"
        parts.append(
            terminal.lines([f"{name}: {answer['count']:,} dead letters in {answer['topic']}{how}", *_silent(answer)])
        )
        if answer["letters"]:
            head = ("LETTER", "RECORD", "TIME", "ERROR", "REPLAYED", "MESSAGE")
            parts.append(terminal.table(head, map(_row, answer["letters"])))
    return Group(*parts)


def _silent(answer: dict[str, Any]) -> list[str]:
    silent = sum(group["letters"] for group in answer["groups"] if group["stage"] is None)
    if not silent:
        return []
    return [
        f"{silent:,} of them do not say what was wrong: the connector was without "
        "errors.deadletterqueue.context.headers.enable=true when they were written."
    ]


def _row(letter: dict[str, Any]) -> tuple[str, ...]:
    return (
        letter["id"],
        dead_letters.place(letter["origin"]),
        dead_letters.time(letter["timestamp"]),
        dead_letters.short(letter["exception"]),
        dead_letters.holder(letter["replayed"]),
        dead_letters.line(letter["message"]),
    )
