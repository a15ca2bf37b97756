"""`ferryman stack`: starts, shows and ends the embedded systems on this machine."""

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table

from ferryman.stack.running_record import Running, current, end, recorded
from ferryman.stack.runtime.component import Component
from ferryman.stack.runtime.download import download
from ferryman.stack.runtime.errors import StackError
from ferryman.stack.services import BROKERS, DEFAULT, SERVICES, Servers, Shape, answers, artifacts_of
from ferryman.stack.stack import Ports, client_files
from ferryman.stack.supervisor import detach, supervise


@click.group("stack")
def command() -> None:
    """Kafka, a schema registry, PostgreSQL and a payment gateway, real ones, on 127.0.0.1."""


@command.command()
@click.argument("names", metavar="[NAME]...", nargs=-1, type=click.Choice(list(SERVICES)))
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON once everything answers.")
@click.option("--detach", "detached", is_flag=True, help="Leave the stack to a supervisor process, which `down` ends.")
@click.option("--steady/--free-ports", default=True, help="The same ports every time (default), or any free ones.")
@click.option("--directory", type=click.Path(path_type=Path), help="Keep data here; by default data is temporary.")
@click.option(
    "--brokers",
    type=click.Choice(BROKERS),
    default=1,
    help="How many brokers; with 3 every topic has three replicas, two of them in sync.",
)
@click.option("--secure", is_flag=True, help="TLS, passwords and ACLs for Kafka, passwords for the registry.")
def up(
    names: tuple[str, ...],
    as_json: bool,
    detached: bool,
    steady: bool,
    directory: Path | None,
    **shape: Any,
) -> None:
    """Start all components but mariadb, or the named ones, and wait until each answers.

    Stays in the foreground as their owner; Ctrl-C ends them.
    """
    chosen = list(dict.fromkeys(names)) or list(DEFAULT)
    ports: Ports = "steady" if steady else "free"
    wanted = Shape(**shape)
    try:
        if detached:
            download(artifacts_of(chosen))
            _print_running(detach(chosen, ports, directory, wanted), as_json)
        else:
            supervise(chosen, ports, directory, wanted, _print_ready, lambda running: _print_running(running, as_json))
    except StackError as error:
        raise click.ClickException(str(error)) from error


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def status(as_json: bool) -> None:
    """Show what runs. Exit code 0 if everything answers, else 1."""
    running = current()
    answering = _answering(running) if running else {}
    if as_json:
        click.echo(json.dumps(_report(running, answering)))
    elif running is None:
        click.echo(_why_not())
    elif running.state == "starting":
        click.echo(f"starting (process {running.pid})")
    else:
        _print_table(running, answering)
    raise click.exceptions.Exit(0 if answering and all(answering.values()) else 1)


@command.command()
@click.option("--directory", type=click.Path(path_type=Path), help="End the stack only if it keeps its data here.")
def down(directory: Path | None) -> None:
    """End the stack, wherever it was started."""
    try:
        click.echo("ended" if end(directory) else "not running")
    except StackError as error:
        raise click.ClickException(str(error)) from error


def _answering(running: Running) -> dict[str, bool]:
    components = Servers(SERVICES, Shape(running.brokers, running.secure)).services
    directory = Path(running.directory)
    return {name: answers(components[name], directory, ports) for name, ports in running.ports.items()}


def _print_ready(component: Component) -> None:
    click.echo(f"{component.name} answers after {component.start_seconds:.1f} s", err=True)


def _print_running(running: Running, as_json: bool) -> None:
    if as_json:
        summary = {
            "addresses": running.addresses,
            "directory": running.directory,
            "clients": _clients(running),
            "pid": running.pid,
        }
        click.echo(json.dumps(summary))
    else:
        _print_table(running, dict.fromkeys(running.ports, True))


def _print_table(running: Running, answering: dict[str, bool]) -> None:
    table = Table("component", Column("address", overflow="fold"), "state")
    for name in running.ports:
        table.add_row(name, running.addresses[name], "answers" if answering[name] else "does not answer")
    console = Console()
    Console(width=None if console.is_terminal else 120).print(table)
    click.echo(f"process {running.pid}, data and logs in {running.directory}")
    if clients := _clients(running):
        click.echo(f"property files for workers and clients in {clients}")


def _report(running: Running | None, answering: dict[str, bool]) -> dict[str, object]:
    if running is None:
        return {"state": "stopped"}
    return {
        "state": running.state,
        "pid": running.pid,
        "directory": running.directory,
        "clients": _clients(running),
        "components": {
            name: {"address": running.addresses[name], "answers": answering[name]} for name in running.ports
        },
    }


def _clients(running: Running) -> str | None:
    """Where the property files are; without Kafka there are none."""
    return str(client_files(Path(running.directory)).directory) if "kafka" in running.addresses else None


def _why_not() -> str:
    last = recorded()
    return f"not running; the last stack failed: {last.reason}" if last and last.state == "failed" else "not running"
