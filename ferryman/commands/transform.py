"""``ferryman transform``: a connector's chain of transforms, run on sample records without Kafka."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ferryman.dry_run.sample_run import Stream


@click.command("transform")
@click.argument("config", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--input", "source", type=click.File("rb"), default="-", help="Read this file instead of stdin.")
@click.option("--explain", is_flag=True, help="Print on stderr which steps there are, and which work on columns.")
def command(config: Path, source: "Stream", explain: bool) -> None:
    """Run the transforms of a connector's file on records, one JSON object a line.

    CONFIG is JSON, properties or YAML; only its keys transforms* and predicates* matter. A line of the input is
    {"topic", "partition", "offset", "timestamp", "key", "value", "headers": [{"key", "value"}]}, where keys and values
    are plain JSON, or {"schema", "payload"} as JsonConverter writes it. For each, a line comes out: the record,
    {"dropped": true}, or {"error", "message"}.
    """
    from ferryman.dry_run import chain_file, sample_run
    from ferryman.dry_run.sample_lines import BadLine
    from ferryman.errors import ConfigError
    from ferryman.telemetry.redaction import redact

    try:
        found = chain_file.read(config)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(redact(problem.message), err=True)
        sys.exit(2)
    for warning in found.warnings:
        click.echo(f"warning: {redact(warning)}", err=True)
    if explain:
        for step in sample_run.chain_of(found.steps).plan.steps[1:]:
            click.echo(f"plan: {step}", err=True)
    try:
        sample_run.run(found.steps, source, sys.stdout.buffer)
    except BadLine as error:
        click.echo(str(error), err=True)
        sys.exit(1)
