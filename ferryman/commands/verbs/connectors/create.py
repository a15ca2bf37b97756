"""``ferryman connectors create``: connectors from their files."""

from pathlib import Path
from typing import Any

import click

from ferryman.client.errors import RefusedRequestError
from ferryman.client.options import asks
from ferryman.client.worker import Worker

_STATES = ("running", "paused", "stopped")


@click.command("create")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path, dir_okay=False))
@asks
@click.option("--replace", is_flag=True, help="Replace the config of a connector that exists already.")
@click.option("--state", type=click.Choice(_STATES), help="The initial state, whatever the file says.")
@click.option("--check", is_flag=True, help="Only have the worker check the configs.")
def command(worker: Worker, files: tuple[Path, ...], replace: bool, state: str | None, check: bool) -> None:
    """Create a connector of each FILE: JSON, properties or YAML, as `ferryman standalone` takes them."""
    if replace and state:
        raise click.UsageError("--replace keeps the connector's state: leave out --state")
    failed = False
    read = [_read(file) for file in files]  # all of them, before anything is done
    for file, config, target in read:
        try:
            done = _checked(worker, config) if check else _created(worker, config, state or target, replace)
        except RefusedRequestError as error:
            failed = True
            click.echo(f"{file}: {error.message}", err=True)
        else:
            click.echo(done)
    if failed:
        raise SystemExit(1)


def _read(file: Path) -> tuple[Path, dict[str, str], str]:
    from ferryman.errors import ConfigError
    from ferryman.telemetry import redaction
    from ferryman.worker import connector_file

    try:
        found = connector_file.read(file)
    except ConfigError as error:
        raise click.UsageError("\n".join(redaction.redact(each.named) for each in error.problems)) from None
    redaction.protect_config(found.config)
    return file, dict(found.config), found.target.value


def _created(worker: Worker, config: dict[str, str], state: str, replace: bool) -> str:
    name = config["name"]
    if replace:
        before = worker.names()
        worker.ask("PUT", "connectors", name, "config", body=config)
        return f"{name} has a new config" if name in before else f"{name} is created"
    request: dict[str, Any] = {"name": name, "config": config}
    if state.upper() != "RUNNING":
        request["initial_state"] = state.upper()
    worker.ask("POST", "connectors", body=request)
    return f"{name} is created"


def _checked(worker: Worker, config: dict[str, str]) -> str:
    plugin = config.get("connector.class")
    if not plugin:
        raise RefusedRequestError(400, "connector.class is missing")
    found = worker.ask("PUT", "connector-plugins", plugin, "config", "validate", body=config)
    values = [each["value"] for each in found["configs"]]
    errors = [f"{each['name']}: {error}" for each in values for error in each["errors"]]
    if errors:
        raise RefusedRequestError(400, "\n  ".join(["the worker refuses the config:", *errors]))
    return f"{config['name']} is fine"
