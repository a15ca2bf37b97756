"""``ferryman doctor``: checks the systems of configs before anything runs, and says what to mend."""

import json
import sys
from itertools import chain
from pathlib import Path

import click


@click.command("doctor")
@click.argument("configs", type=click.Path(path_type=Path, dir_okay=False), nargs=-1, required=True)
@click.option("--worker", type=click.Path(path_type=Path, dir_okay=False), help="The worker's file.")
@click.option("--read-only", is_flag=True, help="Leave out checks that write something, even if they remove it again.")
@click.option(
    "--seconds", default=10.0, show_default=True, type=click.FloatRange(0.1, 600), help="Seconds for each check."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(configs: tuple[Path, ...], worker: Path | None, read_only: bool, seconds: float, as_json: bool) -> None:
    """Look at each system that CONFIGS name: is it there, does it let us in, does it do what delivery rests on?

    CONFIGS are files of connectors and of one worker, as standalone takes them. Nothing is started; what some checks
    write they take away again. The exit code is 0 if nothing must be mended, 1 if something must, 2 for a config that
    no worker would take.
    """
    from ferryman.doctor import report, running
    from ferryman.doctor.reading import Reading
    from ferryman.errors import ConfigError
    from ferryman.findings import Finding
    from ferryman.telemetry.redaction import redact

    reading = Reading(read_only, seconds)
    try:
        reading.read(configs, worker)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(redact(problem.named), err=True)
        sys.exit(2)
    found = []
    for finding in chain(reading.found, running.findings(reading.jobs)):
        found.append(Finding(finding.level, *map(redact, (finding.subject, finding.said, finding.mend))))
        for line in () if as_json else report.lines(found[-1]):
            click.echo(line)
    click.echo(json.dumps(report.as_json(found)) if as_json else report.summary(found))
    sys.exit(report.code(found))
