"""Schemaless JSON through four transforms into a file. `python -m bench.file_sink`."""

import sys
from collections.abc import Callable

import click

from bench import report
from bench.ours import ours
from bench.peer import peer
from bench.records import Topic, fill, shop_messages
from bench.run import Result, measure, started
from bench.side import Side
from bench.targets import FileTarget
from bench.world import World, world

SIDES: dict[str, Callable[[], Side]] = {"peer": lambda: peer("file"), "ours": ours}


def run(where: World, side: Side, topic: Topic, name: str) -> Result:
    """One side, once."""
    directory = where.directory / name
    file = directory / "out.txt"
    with started(side, "file-sink", directory, where.file_variables(topic.name, file)) as running:
        result = measure(running, side, "file-sink", topic.records, FileTarget(file, topic.records))
    file.unlink()
    return result


@click.command()
@click.option("--records", default=1_000_000, show_default=True)
@click.option("--repeat", default=2, show_default=True, help="Runs of each side; two show the noise.")
@click.option("--side", "only", type=click.Choice([*SIDES]), help="Only this side.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(records: int, repeat: int, only: str | None, as_json: bool) -> None:
    """Run both sides, one after the other, and print what they took."""
    sides = [make for name, make in SIDES.items() if only in (None, name)]
    with world(["kafka"]) as where:
        topic = fill(where.broker, "file-sink", shop_messages(records), records)
        found = []
        for number in range(repeat):
            for make in sides:
                side = make()
                print(f"{side.name}, run {number + 1} of {repeat}", file=sys.stderr)
                found.append(run(where, side, topic, f"file-sink-{side.name.split()[0].lower()}-{number}"))
                print(f"  {found[-1].rate:,.0f} records/s, {found[-1].cpu_seconds:.1f} CPU s", file=sys.stderr)
    print(report.dump("file_sink", [result.dump() for result in found]) if as_json else report.results(found))


if __name__ == "__main__":
    main()
