"""``ferryman dlq list``: dead letters by what was wrong with them."""

from collections.abc import Iterator
from typing import Any

import click
from rich.console import Group, RenderableType

from ferryman.client import dead_letters, terminal
from ferryman.client.options import as_json, asks, connector_names
from ferryman.client.worker import Worker

_TEXTS = (
    ("replaying", "being replayed by runs that have not come to their end"),
    ("replayed", "replayed"),
    ("left", "left over by runs that were deleted before their end"),
    ("doubles", "of records that another letter holds too"),
)


@click.command("list")
@connector_names
@asks
@dead_letters.choosing
@click.option(
    "--letters", default=0, type=click.IntRange(min=0), help="Also list this many single letters, the newest."
)
@click.option("--open", "only_open", is_flag=True, help="Only letters that are still to be replayed.")
@click.option("--scan", type=click.IntRange(min=1), help="Read this many of the newest letters of a topic (100,000).")
@as_json
def command(
    worker: Worker,
    names: tuple[str, ...],
    letters: int,
    only_open: bool,
    as_json: bool,
    **chosen: str | int | None,
) -> None:
    """List the dead letters of connectors NAME..., or of all that write any, grouped by stage, error and field.

    OPEN says how many of a group are still to be replayed.
    """
    query = dead_letters.query(chosen) | {"limit": str(letters)} | ({"open": "true"} if only_open else {})
    found = dict(dead_letters.of(worker, names, query))
    terminal.show_answer(found, rendered, as_json)


def rendered(found: dict[str, Any]) -> RenderableType:
    """The groups, and single letters, as tables."""
    if not found:
        return terminal.lines(["No connector writes dead letters: none has errors.deadletterqueue.topic.name."])
    groups = [
        (
            *(name, each["stage"] or "", dead_letters.short(each["exception"]), each["field"] or ""),
            *(
                str(each["letters"]),
                "" if each["open"] is None else str(each["open"]),
                dead_letters.time(each["last"]),
                dead_letters.time(each["last_refused"]),
                each["latest"],
                dead_letters.line(each["message"]),
            ),
        )
        for name, answer in found.items()
        for each in answer["groups"]
    ]
    columns = ("CONNECTOR", "STAGE", "ERROR", "FIELD", "LETTERS", "OPEN", "NEWEST RECORD", "LAST REFUSED", "LATEST")
    parts: list[RenderableType] = [terminal.table((*columns, "ITS MESSAGE"), groups)] if groups else []
    for name, answer in found.items():
        parts.append(terminal.lines([_sum(name, answer), *_unknown(answer)]))
        if answer["letters"]:
            head = ("LETTER", "RECORD", "TIME", "REFUSED", "ERROR", "REPLAYED", "MESSAGE")
            parts.append(terminal.table(head, map(_row, answer["letters"])))
    return Group(*parts)


def _sum(name: str, answer: dict[str, Any]) -> str:
    """How many there are, and what became of them."""
    how = "" if answer["complete"] else f" among the newest {answer['scanned']:,} of the topic"
    found = f"{name}: {answer['count']:,} dead letters in {answer['topic']}{how}"
    if not answer["count"] or answer["open"] is None:
        return found
    parts = [f"{answer['open']:,} open", *(f"{answer[each]:,} {text}" for each, text in _TEXTS if answer[each])]
    return f"{found}: {', '.join(parts)}"


def _unknown(answer: dict[str, Any]) -> Iterator[str]:
    silent = sum(group["letters"] for group in answer["groups"] if group["stage"] is None)
    if silent:
        yield (
            f"{silent:,} of them do not say what was wrong: the connector was without "
            "errors.deadletterqueue.context.headers.enable=true when they were written."
        )
    if answer["undated"]:
        yield f"{answer['undated']:,} others do not say when they were refused, and are left out."
    if answer["marks_unread"]:
        yield f"Which of them were replayed is not known: {answer['marks_unread']}"


def _row(letter: dict[str, Any]) -> tuple[str, ...]:
    return (
        letter["id"],
        dead_letters.place(letter["origin"]),
        dead_letters.time(letter["timestamp"]),
        dead_letters.time(letter["refused_at"]),
        dead_letters.short(letter["exception"]),
        dead_letters.holder(letter["replayed"]),
        dead_letters.line(letter["message"]),
    )
