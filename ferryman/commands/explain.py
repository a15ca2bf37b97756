"""``ferryman explain``: what a task will do with its values and records, and what is guaranteed of it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

if TYPE_CHECKING:
    from ferryman.dry_run.report import Report

_STANDARD_INPUT = "<stdin>"


@click.command("explain")
@click.argument("config", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--worker", type=click.Path(path_type=Path, dir_okay=False), help="The worker's file.")
@click.option(
    "--sample", type=click.File("rb"), help="Records for a sink, in the form that `ferryman transform` reads."
)
@click.option(
    "--from-topic", type=click.IntRange(1, 10_000), help="About this many of the newest records of each topic."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(config: Path, worker: Path | None, sample: BinaryIO | None, from_topic: int | None, as_json: bool) -> None:
    """Print the plan of a connector's tasks, what is guaranteed of it and what is not, and what would be done.

    CONFIG is a connector's file: JSON, properties or YAML. With records, a sink says what it would do with them: SQL,
    names of objects, messages, lines. A source says what it would ask for first. Nothing of it is done.

    The exit code is 1 if the task would fail with these records, or they cannot be had; 2 if the config is wrong.
    """
    from ferryman.dry_run import report
    from ferryman.dry_run.sample_lines import BadLine
    from ferryman.errors import ConfigError, FerrymanError
    from ferryman.telemetry.redaction import redact

    if sample is not None and from_topic is not None:
        raise click.UsageError("--sample and --from-topic exclude each other")
    try:
        found = report.report_on(config, worker, sample, from_topic)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(redact(problem.named), err=True)
        sys.exit(2)
    except BadLine as error:
        name = str(getattr(sample, "name", _STANDARD_INPUT))
        click.echo(redact(str(error) if name == _STANDARD_INPUT else f"{name}: {error}"), err=True)
        sys.exit(1)
    except FerrymanError as error:
        click.echo(redact(str(error)), err=True)
        sys.exit(1)
    _print(found, as_json)
    if found.wrong:
        sys.exit(2)
    if found.failure is not None:
        sys.exit(1)


def _print(found: "Report", as_json: bool) -> None:
    from ferryman.telemetry.lines import printable
    from ferryman.telemetry.redaction import redact

    if as_json:
        click.echo(redact(found.as_json()))
        return
    for line in found.lines():
        click.echo(printable(redact(line)))
