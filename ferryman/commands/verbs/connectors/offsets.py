"""``ferryman connectors offsets``: how far a connector has come, and from where it is to go on."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import RenderableType

from ferryman.client import terminal
from ferryman.client.errors import RefusedRequestError
from ferryman.client.options import as_json, asks, name
from ferryman.client.worker import Worker
from ferryman.files import documents


@click.command("offsets")
@name
@asks
@click.option(
    "--set", "given", multiple=True, metavar="TOPIC:PARTITION=OFFSET", help="Set the offset at which a sink goes on."
)
@click.option(
    "--from-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file in the form that --json prints, instead.",
)
@click.option("--reset", is_flag=True, help="Delete all offsets: the connector starts from the beginning.")
@as_json
def command(
    worker: Worker, name: str, given: tuple[str, ...], from_file: Path | None, reset: bool, as_json: bool
) -> None:
    """Show the offsets of a connector, or change them. To be changed, it must be stopped."""
    if sum(map(bool, (given, from_file, reset))) > 1:
        raise click.UsageError("--set, --from-file and --reset exclude each other")
    path = ("connectors", name, "offsets")
    if not (given or from_file or reset):
        terminal.show_answer(worker.get(*path), rendered, as_json)
        return
    try:
        if reset:
            answer = worker.ask("DELETE", *path)
        else:
            answer = worker.ask("PATCH", *path, body=_sink(given) if from_file is None else _from(from_file))
    except RefusedRequestError as error:
        hint = f" (ferryman connectors stop {name})" if "STOPPED" in error.message else ""
        raise RefusedRequestError(error.status, error.message + hint) from None
    terminal.show_answer(answer, lambda found: terminal.lines([found["message"]]), as_json)


def rendered(found: dict[str, Any]) -> RenderableType:
    """A sink's by topic and partition, a source's as the JSON that it is."""
    offsets: Sequence[dict[str, Any]] = found["offsets"]
    if not offsets:
        return terminal.lines(["There are no offsets yet."])
    if all("kafka_topic" in each["partition"] for each in offsets):
        rows = sorted(
            (each["partition"]["kafka_topic"], int(each["partition"]["kafka_partition"]), _sink_offset(each["offset"]))
            for each in offsets
        )
        return terminal.table(
            ("TOPIC", "PARTITION", "OFFSET"), [(topic, str(at), offset) for topic, at, offset in rows]
        )
    rows_ = [(json.dumps(each["partition"]), json.dumps(each["offset"])) for each in offsets]
    return terminal.table(("PARTITION", "OFFSET"), rows_)


def _sink_offset(offset: dict[str, Any] | None) -> str:
    return "" if offset is None else str(offset["kafka_offset"])


def _sink(given: Sequence[str]) -> dict[str, Any]:
    found = []
    for each in given:
        source, _, offset = each.partition("=")
        topic, _, partition = source.rpartition(":")
        if not (topic and partition.isdecimal() and offset.isdecimal()):
            raise click.BadParameter(f"{each!r} is not TOPIC:PARTITION=OFFSET", param_hint="--set")
        at = {"kafka_topic": topic, "kafka_partition": int(partition)}
        found.append({"partition": at, "offset": {"kafka_offset": int(offset)}})
    return {"offsets": found}


def _from(file: Path) -> Any:
    try:
        return documents.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"{file}: {error}", param_hint="--from-file") from None
