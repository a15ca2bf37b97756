"""Every row into every sink, beside Kafka Connect. `python -m bench.cliffs`."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from bench import report
from bench.cliffs.contenders import OURS, install, peers
from bench.cliffs.measure import Cell, cell
from bench.cliffs.rows import ROWS, SINKS, Lot, Row, Sink, lot
from bench.cliffs.table import AIMS, Cells, remarks, table
from bench.cliffs.topics import filled
from bench.world import World, world

Found = dict[Sink, list[tuple[Lot, Cells]]]
_SHOWN = 1500
"""Characters of a failure."""


def run_row(where: World, plugins: Path, made: Lot, sinks: Sequence[Sink], repeat: int, *, alone: bool) -> Found:
    """All sinks of one row, each with all that run it; ``alone`` leaves Kafka Connect out."""
    found: Found = {}
    with filled(where, made):
        for sink in sinks:
            others = () if alone or not made.row.peer else peers(sink)
            cells = {}
            for who in (OURS, *others):
                cells[who] = cell(where, plugins, who, sink, made, repeat if who == OURS else 1)
                print(f"{made.row.name}, {sink}, {who}: {_said(cells[who])}", file=sys.stderr)
            found[sink] = [(made, cells)]
    return found


def _said(found: Cell) -> str:
    if found.failure:
        return f"failed: {found.failure[:_SHOWN]}"
    return f"{found.rate:,.0f} records/s, {found.cpu:.1f} CPU s/million"


def shown(found: Found, *, alone: bool) -> Iterator[str]:
    """The tables with their remarks."""
    for sink, rows in found.items():
        lots, cells = [made for made, _ in rows], [each for _, each in rows]
        yield table(sink, lots, cells, () if alone else peers(sink))
        if said := list(remarks(sink, lots, cells)):
            yield "\n".join(said)
    yield f"{AIMS}\n~: measured from the worker's start on, since the first look found most of the records."


def components(rows: Sequence[Row], sinks: Sequence[Sink]) -> list[str]:
    """What of the stack they need."""
    needed = ["kafka", "postgres"]
    needed += ["registry"] if any(row.avro for row in rows) else []
    return [*needed, *(["s3"] if any(sink.startswith("s3") for sink in sinks) else [])]


def _only(_context: click.Context, _parameter: click.Parameter, given: str) -> list[Row]:
    names = [name.strip() for name in given.split(",") if name.strip()]
    if wrong := [name for name in names if name not in ROWS]:
        raise click.BadParameter(f"no row {', '.join(wrong)}; there are {', '.join(ROWS)}")
    return [ROWS[name] for name in names] or [*ROWS.values()]


@click.command()
@click.option("--only", "rows", default="", callback=_only, metavar="ROW,…", help=f"Of {', '.join(ROWS)}.")
@click.option("--sink", "sinks", type=click.Choice(SINKS), multiple=True, default=SINKS, help="Only these; repeatable.")
@click.option("--records", default=300_000, show_default=True, help="Of each row; of 5 MB a thousandth.")
@click.option("--ours", "alone", is_flag=True, help="Leave Kafka Connect out.")
@click.option("--repeat", default=2, show_default=True, help="Runs of ours; two show the noise.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(rows: list[Row], sinks: tuple[Sink, ...], records: int, alone: bool, repeat: int, as_json: bool) -> None:
    """Run each row into each sink, ours and Kafka Connect one after the other, and print a table for each sink."""
    found: Found = {sink: [] for sink in sinks}
    load = report.machine()["load"]
    try:
        with world(components(rows, sinks)) as where:
            plugins = install(where.directory)
            for row in rows:
                its = [sink for sink in sinks if sink in row.sinks]
                for sink, ran in run_row(where, plugins, lot(row, records), its, repeat, alone=alone).items():
                    found[sink] += ran
    except KeyboardInterrupt:
        print("interrupted: the rows that were whole are shown", file=sys.stderr)
    if as_json:
        print(json.dumps({"machine": report.machine(), "runs": list(_plain(found))}, indent=2))
        return
    machine = report.machine()
    print(f"{machine['cpu']}, {machine['cores']} cores, load {load:.1f} before and {machine['load']:.1f} after.")
    print("", *shown({sink: ran for sink, ran in found.items() if ran}, alone=alone), sep="\n\n")


def _plain(found: Found) -> Iterator[dict[str, object]]:
    for sink, rows in found.items():
        for made, cells in rows:
            for who, each in cells.items():
                yield {"sink": sink, "row": made.row.name, "records": made.records, "side": who, **asdict(each)}


if __name__ == "__main__":
    main()
