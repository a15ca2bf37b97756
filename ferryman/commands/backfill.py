"""``ferryman backfill``: a part of a connector's history, run again."""

import asyncio
import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ferryman.client.time_option import bound
from ferryman.commands.starting import worker as starting
from ferryman.errors import ConfigError, FerrymanError
from ferryman.telemetry import logs
from ferryman.worker.forks.server import ForkServer

if TYPE_CHECKING:
    from ferryman.backfill.request import Request

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("backfill")
@click.argument("worker", type=FILE)
@click.argument("connector", type=FILE)
@click.option("--from", "begins", callback=bound, metavar="TIME", help="The first time: 2026-11-01T00:00:00Z.")
@click.option("--to", "ends", callback=bound, metavar="TIME", help="The time after the last.")
@click.option("--offsets", multiple=True, metavar="TOPIC:PARTITION:FIRST-BEHIND", help="Only these, the last excluded.")
@click.option("--positions", metavar="FIRST-BEHIND", help="For a source: only these, the last excluded.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="A key with another value for the run.")
@click.option("--name", default="", help="The run's name; by default made from connector and bounds.")
@click.option("--rate", default=0.0, type=float, help="Records a second at most.")
@click.option(
    "--version-field", metavar="NAME", help="The field of the value that tells which of two records is newer."
)
@click.option(
    "--allow-duplicates", is_flag=True, help="Write where the live connector does, although that makes duplicates."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be read and where it would go.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@click.option(
    "--override", multiple=True, metavar="KEY=VALUE", help="A worker setting that overrides file and environment."
)
@click.option("--log-level", default="WARN", type=click.Choice([*logs.LEVELS], case_sensitive=False))
def command(worker: Path, connector: Path, override: tuple[str, ...], log_level: str, **given: Any) -> None:
    """Run a part of a connector's history again.

    WORKER is a worker's property file, CONNECTOR the file of the live connector, which may go on running elsewhere.
    Called again with the same bounds, it goes on where it stood. The exit code is 0 when all is done, 1 when it failed,
    2 when the run was refused, 3 when all is done but for records that were refused, 130 or 143 when Ctrl-C or SIGTERM
    came before its end.
    """
    server = ForkServer()  # before our own imports, since it has as many to do
    gc.disable()
    from ferryman.backfill.by_file import ByFile
    from ferryman.backfill.terminal import Report
    from ferryman.settings.modes import STANDALONE
    from ferryman.worker import connector_file
    from ferryman.worker.standalone import run

    gc.freeze()
    gc.enable()
    found = starting.load(worker, override, log_level, STANDALONE)
    report = Report(sys.stdout, given["as_json"])
    try:
        request = _request(given)
        by_file = ByFile(found, connector_file.read(connector).config)
        made = by_file.run(request)
        report.planned(made)
        if request.dry_run:
            by_file.explain(made, report)
            starting.leave(0)
        by_file.keep(made, request)
    except ConfigError as error:
        starting.refuse(error)
    except FerrymanError as error:
        starting.refuse(ConfigError.for_key("", str(error)))
    code = asyncio.run(run.run(found, made.config, server, report.told))
    report.ended(code, made)
    if code > run.STOPPED:
        report.line(f"{made.name} is not complete: call it again, and it goes on where it stopped")
    _leave(code)


def _leave(code: int) -> NoReturn:
    sys.stdout.flush()
    starting.leave(code)


def _request(given: dict[str, Any]) -> "Request":
    from ferryman.backfill import bounds_text
    from ferryman.backfill.request import Request, of_offsets, of_positions

    try:
        offsets = bounds_text.parsed(given["offsets"])
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--offsets") from None
    try:
        positions = None if given["positions"] is None else of_positions(bounds_text.positions(given["positions"]))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--positions") from None
    sets = dict(starting.pair(each) for each in given["sets"])
    return Request(
        begins=given["begins"] or "",
        ends=given["ends"] or "",
        offsets=of_offsets(offsets),
        positions=positions,
        sets=sets,
        name=given["name"],
        rate=given["rate"],
        version_field=given["version_field"],
        allow_duplicates=given["allow_duplicates"],
        dry_run=given["dry_run"],
    )
