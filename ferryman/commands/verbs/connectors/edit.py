"""``ferryman connectors edit``: another config, key by key or in an editor."""

import json
from collections.abc import Mapping
from typing import Any

import click

from ferryman.client.changes import parsed
from ferryman.client.errors import RefusedRequestError
from ferryman.client.options import asks, name
from ferryman.client.worker import Worker
from ferryman.files import documents


@click.command("edit")
@name
@click.argument("changes", nargs=-1, metavar="[KEY=VALUE | KEY-]...")
@asks
def command(worker: Worker, name: str, changes: tuple[str, ...]) -> None:
    """Change a connector's config: set each KEY to VALUE, remove each that ends with a minus; or open an editor.

    The editor (EDITOR, VISUAL) gets the config as JSON, with its secrets. Nothing is changed if the file stays as it
    is, or if somebody else has changed the config meanwhile.
    """
    if changes:
        _change(worker, name, parsed(changes, "KEY=VALUE"))
    else:
        before = worker.get("connectors", name, "config")
        after = _edited(before)
        if after == before:
            click.echo("Nothing is changed.")
            return
        if worker.get("connectors", name, "config") != before:
            raise RefusedRequestError(409, f"{name} was given another config in the meantime: edit it again")
        worker.ask("PUT", "connectors", name, "config", body=after)
    click.echo(f"{name} has a new config")


def _change(worker: Worker, name: str, changes: Mapping[str, str | None]) -> None:
    try:
        worker.ask("PATCH", "connectors", name, "config", body=changes)
    except RefusedRequestError as error:
        if error.status != 405:
            raise
        # Kafka Connect before KIP-477 changes configs as a whole only.
        both = {**worker.get("connectors", name, "config"), **changes}
        after = {key: value for key, value in both.items() if value is not None}
        worker.ask("PUT", "connectors", name, "config", body=after)


def _edited(before: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(before, indent=2, ensure_ascii=False)
    while True:
        changed = click.edit(f"{text}\n", extension=".json")  # its file is this user's alone
        if changed is None:
            return before
        try:
            found = documents.loads(changed)
        except documents.NoDocumentError as error:
            problem = str(error)
        else:
            if isinstance(found, dict):
                return found
            problem = "a config must be one object"
        click.echo(problem, err=True)
        if not click.confirm("Edit it again?", default=True, err=True):
            raise click.Abort
        text = changed.rstrip("\n")
