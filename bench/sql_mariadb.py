"""Avro through three transforms into MariaDB by upsert. `python -m bench.sql_mariadb`."""

import sys
from collections.abc import Callable

import click

from bench import report
from bench.ours import ours
from bench.peer import peer
from bench.run import Result, measure, started
from bench.side import Side
from bench.sql_postgresql import fill_with
from bench.targets_mariadb import MariadbTarget
from bench.world import World, world

CONFIGS = ("sql-mariadb-avro", "sql-mariadb-avro-tuned")
SIDES: dict[str, Callable[[], Side]] = {"peer": lambda: peer("jdbc", "avro"), "ours": ours}


@click.command()
@click.option("--records", default=300_000, show_default=True)
@click.option("--repeat", default=2, show_default=True, help="Runs of each side; two show the noise.")
@click.option("--side", "only", type=click.Choice(list(SIDES)), help="Only this side.")
@click.option("--default", "default_only", is_flag=True, help="Leave the tuned config out.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(records: int, repeat: int, only: str | None, default_only: bool, as_json: bool) -> None:
    """Run both sides, one after the other, and print what they took."""
    found: list[Result] = []
    with world(["kafka", "registry", "mariadb"]) as where:
        topic = fill_with(where, "avro", records)
        for number in range(repeat):
            for config in CONFIGS[:1] if default_only else CONFIGS:
                for whose in [only] if only else SIDES:
                    side = SIDES[whose]()
                    print(f"{side.name} with {config}, run {number + 1} of {repeat}", file=sys.stderr)
                    name = f"ferryman_{config}-{whose}-{number}".replace("-", "_")
                    found.append(_run(where, side, config, MariadbTarget(where.mariadb, name, topic), name))
                    print(f"  {found[-1].rate:,.0f} records/s, {found[-1].cpu_seconds:.1f} CPU s", file=sys.stderr)
    print(report.dump("sql_mariadb", [result.dump() for result in found]) if as_json else report.results(found))


def _run(where: World, side: Side, config: str, target: MariadbTarget, name: str) -> Result:
    try:
        variables = where.mariadb_variables(target.topic.name, name)
        with started(side, config, where.directory / name, variables) as running:
            return measure(running, side, config, target.topic.records, target)
    finally:
        target.close()


if __name__ == "__main__":
    main()
