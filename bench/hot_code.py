"""Which functions tasks run while they start and wait: `python -m bench.hot_code` writes the list by which the
server that forks tasks lays their code together in memory (`ferryman/worker/forks/hot_code.py`).

Each kind of `bench.cost` runs once. To be run when tasks do other things at their start, or libraries have changed
much; a list that is out of date costs memory and nothing else.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import click

from bench.cost import KINDS, Bench, Idle
from bench.ours import ours
from bench.recorder import FOLDER
from bench.records import envelope_messages, fill
from bench.run import started
from bench.s3 import bucket
from bench.world import World, world
from ferryman.worker.forks.hot_code import INDEX

Name = tuple[str, str]
"""A module and a function in it."""
TASKS = 2
OF_TASKS: Name = ("ferryman.task.sessions", "run")
"""What only a task's process runs."""
_START = "import bench.recorder\n"


def recorded(where: World, config: str, seconds: float) -> set[Name]:
    """What the tasks of one kind have run."""
    name, topic = f"hot-{config}", fill(where.broker, f"{config}-records", envelope_messages(1), 1)
    directory = where.directory / name
    notes = directory.with_suffix(".notes")
    notes.mkdir()
    (notes / "sitecustomize.py").write_text(_START)
    if config == "cost-s3":
        bucket(where.addresses["s3"], name)
    side, paths = ours(), f"{notes}:{Path.cwd()}"
    side = replace(side, variables={**side.variables, "PYTHONPATH": paths, FOLDER: str(notes)})
    with started(side, config, directory, Bench(where, topic, TASKS, seconds, 0).variables(name, directory)) as running:
        idle = Idle(running, config, directory)
        (directory / "input.txt").write_text("a line\n")
        idle.await_running(1)
        for number in range(1, TASKS):
            idle.create(number)
        idle.await_running(TASKS)
        time.sleep(seconds)
    processes = [set(_names(each)) for each in notes.iterdir() if each.name.isdigit()]
    return set[Name]().union(*(each for each in processes if OF_TASKS in each))


def _names(file: Path) -> Iterable[Name]:
    for line in file.read_text().splitlines():
        module, _, name = line.partition(":")
        if not module.startswith("bench."):
            yield module, name


def by_module(names: Iterable[Name]) -> dict[str, list[str]]:
    """Sorted, as the list has them."""
    return {module: [name for _, name in found] for module, found in groupby(sorted(names), lambda each: each[0])}


@click.command()
@click.option("--seconds", default=20.0, show_default=True, help="For how long tasks wait.")
def main(seconds: float) -> None:
    """Run every kind, and write the list."""
    with world(["kafka", "postgres", "s3"]) as where:
        found = [recorded(where, config, seconds) for config in KINDS]
    counts = Counter(name for each in found for name in each)
    lists = [[name for name, count in counts.items() if count == kinds] for kinds in range(len(KINDS), 0, -1)]
    INDEX.write_text(json.dumps([by_module(each) for each in lists], indent=0) + "\n")
    print(f"functions by the number of kinds: {', '.join(str(len(each)) for each in lists)}", file=sys.stderr)


if __name__ == "__main__":
    main()
