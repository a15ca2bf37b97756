"""``ferryman explain``: what a task will do with its values, step by step, on columns or on rows, and why."""

import sys
from pathlib import Path

import click


@click.command("explain")
@click.argument("config", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--worker", type=click.Path(path_type=Path, dir_okay=False), help="The worker's file, for its converter.")
def command(config: Path, worker: Path | None) -> None:
    """Print the plan of a connector's tasks: each step, on columns or on rows, and why.

    CONFIG is a connector's file: JSON, properties or YAML. The lines are those that the task writes to its log.
    """
    from ferryman.dry_run.explanation import explained
    from ferryman.errors import ConfigError
    from ferryman.telemetry.redaction import redact

    try:
        steps = explained(config, worker)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(redact(problem.named), err=True)
        sys.exit(2)
    for step in steps:
        click.echo(f"plan: {step}")
