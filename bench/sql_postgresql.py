"""Avro, and JSON with schemas, through three transforms into PostgreSQL by upsert. `python -m bench.sql_postgresql`."""

import sys
from collections.abc import Callable, Iterator

import click

from bench import report
from bench.ours import ours
from bench.peer import peer
from bench.records import Topic, avro_messages, envelope_messages, fill, register
from bench.run import Result, measure, started
from bench.side import Side
from bench.targets import TableTarget
from bench.world import World, world

FORMATS = ("avro", "json")


def contenders(form: str) -> Iterator[tuple[str, str, Callable[[], Side]]]:
    """Config, whose it is, and how to make the side. UNNEST needs a newer Debezium than the default runs have."""
    converter = ["avro"] if form == "avro" else []
    yield f"sql-postgresql-{form}", "peer", lambda: peer("jdbc", *converter)
    yield f"sql-postgresql-{form}", "ours", ours
    yield f"sql-postgresql-{form}-tuned", "peer", lambda: peer("jdbc_newest", *converter)
    yield f"sql-postgresql-{form}-tuned", "ours", ours


def fill_with(where: World, form: str, records: int) -> Topic:
    """The topic of a format."""
    topic = f"sql-postgresql-{form}"
    if form == "json":
        return fill(where.broker, topic, envelope_messages(records), records)
    return fill(where.broker, topic, avro_messages(register(where.registry, topic), range(records)), records)


def run(where: World, side: Side, config: str, topic: Topic, name: str) -> Result:
    """One side, once, into a database of its own."""
    target = TableTarget(where.server, name, topic)
    try:
        with started(side, config, where.directory / name, where.table_variables(topic.name, name)) as running:
            return measure(running, side, config, topic.records, target)
    finally:
        target.close()


@click.command()
@click.option("--records", default=300_000, show_default=True)
@click.option("--repeat", default=2, show_default=True, help="Runs of each side; two show the noise.")
@click.option("--format", "forms", type=click.Choice(FORMATS), multiple=True, default=FORMATS, show_default=True)
@click.option("--side", "only", type=click.Choice(["peer", "ours"]), help="Only this side.")
@click.option("--default", "default_only", is_flag=True, help="Leave the tuned config out.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(
    records: int, repeat: int, forms: tuple[str, ...], only: str | None, default_only: bool, as_json: bool
) -> None:
    """Run both sides, one after the other, and print what they took."""
    found = []
    with world(["kafka", "registry", "postgres"]) as where:
        for form in forms:
            topic = fill_with(where, form, records)
            chosen = [
                (config, whose, make)
                for config, whose, make in contenders(form)
                if only in (None, whose) and not (default_only and config.endswith("-tuned"))
            ]
            for number in range(repeat):
                for config, whose, make in chosen:
                    side = make()
                    print(f"{side.name} with {config}, run {number + 1} of {repeat}", file=sys.stderr)
                    name = f"{config}-{whose}-{number}".replace("-", "_")
                    found.append(run(where, side, config, topic, name))
                    print(f"  {found[-1].rate:,.0f} records/s, {found[-1].cpu_seconds:.1f} CPU s", file=sys.stderr)
    print(report.dump("sql_postgresql", [result.dump() for result in found]) if as_json else report.results(found))


if __name__ == "__main__":
    main()
