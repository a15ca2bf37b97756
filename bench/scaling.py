"""The Avro of sql_postgresql with more partitions and more tasks: `python -m bench.scaling`."""

import re
import sys
from collections.abc import Sequence
from typing import NamedTuple

import click

from bench import report
from bench.ours import ours
from bench.peer import peer
from bench.records import Topic, avro_messages, fill, register
from bench.run import Result, measure, started_with
from bench.side import CONFIGS, Side
from bench.targets import TableTarget
from bench.world import World, world


class Shape(NamedTuple):
    """How a topic is read."""

    partitions: int
    tasks: int

    @property
    def name(self) -> str:
        """What the report calls it."""
        return f"{self.partitions} partitions, {self.tasks} task{'s' if self.tasks > 1 else ''}"


SHAPES = (*(Shape(partitions, 1) for partitions in (1, 4, 16, 64)), Shape(16, 2), Shape(16, 4))


def run(where: World, side: Side, shape: Shape, topic: Topic, name: str) -> Result:
    """One side, once, into a database of its own."""
    text = (CONFIGS / "sql-postgresql-avro.properties").read_text()
    text, changed = re.subn(r"(?m)^tasks\.max=.*$", f"tasks.max={shape.tasks}", text)
    assert changed == 1
    target = TableTarget(where.server, name, topic)
    try:
        variables = where.table_variables(topic.name, name)
        with started_with(side, text, where.directory / name, variables) as running:
            return measure(running, side, shape.name, topic.records, target)
    finally:
        target.close()


def filled(where: World, partitions: int, records: int) -> Topic:
    """A topic of so many partitions."""
    name = f"scaling-{partitions}"
    return fill(where.broker, name, avro_messages(register(where.registry, name), range(records)), records, partitions)


def measured(where: World, shapes: Sequence[Shape], records: int, repeat: int) -> list[Result]:
    """All runs, each side after the other."""
    found = []
    topics = {partitions: filled(where, partitions, records) for partitions in {shape.partitions for shape in shapes}}
    for number in range(repeat):
        for shape in shapes:
            for side in (peer("jdbc", "avro"), ours()):
                name = f"s{shape.partitions}_{shape.tasks}_{side.name.split()[0].lower()}_{number}"
                found.append(run(where, side, shape, topics[shape.partitions], name))
                rate = f"{found[-1].rate:,.0f} records/s, {found[-1].cpu_seconds:.1f} CPU s"
                print(f"{shape.name}: {side.name}, run {number + 1} of {repeat}: {rate}", file=sys.stderr)
    return found


@click.command()
@click.option("--records", default=300_000, show_default=True)
@click.option("--repeat", default=2, show_default=True, help="Runs of each side; two show the noise.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(records: int, repeat: int, as_json: bool) -> None:
    """Run both sides, one after the other, and print what they took."""
    with world(["kafka", "registry", "postgres"]) as where:
        found = measured(where, SHAPES, records, repeat)
    print(report.dump("scaling", [result.dump() for result in found]) if as_json else report.results(found))


if __name__ == "__main__":
    main()
