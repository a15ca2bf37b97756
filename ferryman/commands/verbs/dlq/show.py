"""``ferryman dlq show``: one whole dead letter."""

import json
from collections.abc import Iterator
from typing import Any

import click
from rich.console import Group, RenderableType

from ferryman.client import dead_letters, terminal
from ferryman.client.options import as_json, asks, name
from ferryman.client.worker import Worker


@click.command("show")
@name
@click.argument("letter", metavar="LETTER")
@asks
@click.option("--edit", metavar="JQ", help="Also show the value as this jq expression edits it; nothing is changed.")
@as_json
def command(worker: Worker, name: str, letter: str, edit: str | None, as_json: bool) -> None:
    """Show a dead letter of connector NAME: the record, where it lay, and why it was refused.

    LETTER is as `ferryman dlq list` prints it: the partition and offset in the topic of dead letters, as in 0-17.
    """
    query = {} if edit is None else {"edit": edit}
    terminal.show_answer(worker.get("connectors", name, "dead-letters", letter, query=query), rendered, as_json)


def rendered(found: dict[str, Any]) -> RenderableType:
    """The letter as lines and a table."""
    facts = [
        ("letter", f"{found['id']} of {found['topic']}"),
        ("record", dead_letters.place(found["origin"])),
        ("time", dead_letters.time(found["timestamp"])),
        ("refused", dead_letters.time(found["refused_at"]) or "at a time that the letter does not say"),
        ("connector", found["connector"] or ""),
        ("task", "" if found["task"] is None else str(found["task"])),
        ("stage", found["stage"] or ""),
        ("class", found["class"] or ""),
        ("error", found["exception"] or ""),
        ("field", found["field"] or ""),
        ("left out", found["left_out"] or ""),
        ("attempts", str(found["attempts"] or "")),
        ("replayed", dead_letters.holder(found["replayed"])),
    ]
    return Group(
        terminal.table(("DEAD LETTER", ""), [(name, value) for name, value in facts if value]),
        terminal.lines(["", "message", *(f"  {line}" for line in str(found["message"] or "unknown").splitlines())]),
        terminal.lines([*_payload("key", found["key"]), *_payload("value", found["value"])]),
        terminal.lines(_payload("edited value", found["edited"]) if "edited" in found else []),
        terminal.lines(["headers"] if found["headers"] else []),
        terminal.lines(f"  {each['key']}: {_bytes(each)}" for each in found["headers"]),
        terminal.lines(["trace", *(f"  {line}" for line in found["trace"].splitlines())] if found["trace"] else []),
    )


def _payload(side: str, found: dict[str, Any] | None) -> Iterator[str]:
    if found is None:
        yield f"{side}: null"
    elif "refused" in found:
        yield f"{side}: none ({found['refused']})"
    elif "decoded" in found:
        yield side
        yield from (f"  {line}" for line in json.dumps(found["decoded"], indent=2, ensure_ascii=False).splitlines())
    else:
        yield f"{side}, which cannot be decoded ({found['undecoded']})"
        yield f"  {_bytes(found)}"


def _bytes(found: dict[str, Any]) -> str:
    if "base64" in found:
        return f"base64 {found['base64']}"
    return "null" if found["text"] is None else str(found["text"])
