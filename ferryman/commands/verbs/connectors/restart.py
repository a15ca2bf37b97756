"""``ferryman connectors restart``."""

import click

from ferryman.client.each_connector import ask_each
from ferryman.client.errors import RefusedRequestError
from ferryman.client.options import asks, names
from ferryman.client.worker import Worker

_CONNECTOR_ALONE = (
    "the connector is restarted, and none of its tasks: this worker is older than Kafka 3.0 and passed over what was "
    "asked for them. Restart them with --task"
)


@click.command("restart")
@names
@asks
@click.option("--task", type=click.IntRange(min=0), help="Only this task of a single connector.")
@click.option("--failed", is_flag=True, help="Only the failed ones.")
@click.option("--without-tasks", is_flag=True, help="Only the connector, not its tasks.")
def command(worker: Worker, names: tuple[str, ...], task: int | None, failed: bool, without_tasks: bool) -> None:
    """Restart connectors with their tasks."""
    if task is not None:
        if len(names) > 1 or failed or without_tasks:
            raise click.UsageError("--task needs a single connector, and cannot be combined with other options")
        worker.ask("POST", "connectors", names[0], "tasks", str(task), "restart")
        click.echo(f"{names[0]}: task {task} is restarted")
        return
    query = {"includeTasks": _flag(not without_tasks), "onlyFailed": _flag(failed)}

    def restart(name: str) -> None:
        told = worker.ask("POST", "connectors", name, "restart", query=query)
        if told is None and (failed or not without_tasks):
            raise RefusedRequestError(204, _CONNECTOR_ALONE)

    ask_each(names, restart, "is restarted")


def _flag(flag: bool) -> str:
    return "true" if flag else "false"
