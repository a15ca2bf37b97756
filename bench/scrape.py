"""What a scrape of a worker with many tasks takes, and what metrics cost a task that works. `python -m bench.scrape`.

The first is the work of the worker alone: the lines of its tasks are made once and joined again and again. The second
runs a sink at a fixed rate, with metrics that are scraped every five seconds and without, one after the other; with
`--logs` also with metrics that nobody scrapes, with logs as JSON, with both, and twice without either, since two runs
of the same differ as well.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import cycle, islice
from statistics import median
from urllib.request import urlopen

import click
from confluent_kafka import Producer

from bench import report
from bench.ours import ours
from bench.records import create, shop_messages
from bench.run import Running, started
from bench.side import Files, Side
from bench.usage import cpu_seconds
from bench.world import World, world
from ferryman.metrics import exposition
from ferryman.metrics import ours as own
from ferryman.metrics.exposition import Form, Lines, Sample
from ferryman.metrics.histogram import Histogram
from ferryman.metrics.registry import FAMILIES

ROUNDS, WARM, STEP, EVERY = 20, 10.0, 0.05, 5.0
SCRAPED = "scraped"
"""What the names of sides end in whose metrics are asked for."""


@dataclass(frozen=True)
class Scrape:
    """One way of answering; times are milliseconds of CPU."""

    form: Form
    tasks: int
    series: int
    megabytes: float
    middle: float
    longest: float

    def row(self) -> list[str]:
        """For the table."""
        sizes = [f"{self.series:,}", f"{self.megabytes:.1f}", f"{self.middle:.1f}", f"{self.longest:.1f}"]
        return [self.form, str(self.tasks), *sizes]


def lines(task: int) -> Lines:
    """What a sink's task tells: a series of every family that a task has, and four histograms."""
    key = (f"connector-{task}", "0")
    busy = Histogram(own.SECONDS)
    for number in range(100):
        busy.observe(0.001 * number)
    samples: list[Sample] = []
    for family in FAMILIES.values():
        if family.labels[:2] == ("connector", "task"):
            rest = tuple("a-value" for _ in family.labels[2:])
            samples.append((family, (*key, *rest), busy if family.kind == "histogram" else 12345.678 + task))
    return exposition.lines(samples)


def scrapes(tasks: int) -> Iterator[Scrape]:
    """Both forms, over so many tasks."""
    told = [lines(task) for task in range(tasks)]
    for form in ("text", "openmetrics"):

        def answer(form: Form = form) -> bytes:
            return exposition.joined(FAMILIES.values(), told, form).encode()

        times = sorted(timed(answer) for _ in range(ROUNDS))
        text = answer()
        series = sum(not line.startswith(b"#") for line in text.splitlines())
        yield Scrape(form, tasks, series, len(text) / 1e6, median(times), times[-1])


def timed(call: Callable[[], object]) -> float:
    """Milliseconds of CPU: the machine may be busy with others."""
    began = time.process_time()
    call()
    return 1000 * (time.process_time() - began)


def telling(side: Side, name: str, *, metrics: bool, logs: bool) -> Side:
    """A side that tells so much. ``logs``: those of a worker by default, as JSON; else errors only."""
    format_, enabled = "json" if logs else "text", str(metrics).lower()
    lines = f"ferryman.metrics.enable={enabled}\nferryman.log.format={format_}\n"

    def command(files: Files) -> tuple[str, ...]:
        return (*side.command(files), *(() if logs else ("--log-level", "ERROR")))

    return replace(side, name=name, command=command, worker_lines=lambda _: lines)


def sides(logs: bool) -> list[Side]:
    """The sides of a round, in their order."""
    if not logs:
        pairs = ((name, name == SCRAPED) for name in ("without", SCRAPED))
        return [telling(ours(), name, metrics=metrics, logs=True) for name, metrics in pairs]
    return [
        telling(ours(), "neither", metrics=False, logs=False),
        telling(ours(), "metrics", metrics=True, logs=False),
        telling(ours(), f"metrics, {SCRAPED}", metrics=True, logs=False),
        telling(ours(), "logs", metrics=False, logs=True),
        telling(ours(), f"both, {SCRAPED}", metrics=True, logs=True),
        telling(ours(), "neither, again", metrics=False, logs=False),
    ]


def cost(where: World, side: Side, rate: int, seconds: float, name: str) -> float:
    """CPU seconds a second of the worker and its task, while so many records a second go to a file."""
    create(where.broker, name, 1)
    messages = cycle(list(shop_messages(rate)))
    producer = Producer({"bootstrap.servers": where.broker, "linger.ms": 5})
    variables = where.file_variables(name, where.directory / f"{name}.out")
    with started(side, "file-sink", where.directory / name, variables) as running:
        wait_for(running)
        sent, began, at_first, next_scrape = 0, time.monotonic(), 0.0, 0.0
        while (passed := time.monotonic() - began) < WARM + seconds:
            for message in islice(messages, max(0, int(passed * rate) - sent)):
                producer.produce(name, message)
                sent += 1
            producer.poll(0)
            if at_first == 0.0 and passed >= WARM:
                at_first = cpu_seconds(running.process.pid)
            if side.name.endswith(SCRAPED) and passed >= next_scrape and passed >= WARM:
                next_scrape = passed + EVERY
                urlopen(f"{running.rest}/metrics", timeout=60).read()
            time.sleep(STEP)
        used = cpu_seconds(running.process.pid) - at_first
    producer.flush(60)
    return used / seconds


def wait_for(running: Running) -> None:
    """Until its worker answers."""
    while True:
        running.look()
        try:
            urlopen(f"{running.rest}/health", timeout=60).read()
        except OSError:
            time.sleep(STEP)
        else:
            return


@click.command()
@click.option("--tasks", default=300)
@click.option("--rate", default=10_000)
@click.option("--seconds", default=30.0)
@click.option("--repeat", default=3)
@click.option("--logs", is_flag=True, help="Logs too, and a run like the first at the end of each round.")
@click.option("--json", "as_json", is_flag=True)
def main(tasks: int, rate: int, seconds: float, repeat: int, logs: bool, as_json: bool) -> None:
    """Prints both tables."""
    found, used = list(scrapes(tasks)), dict[str, list[float]]()
    with world(("kafka",)) as where:
        for number in range(repeat):
            for place, side in enumerate(sides(logs)):
                name = f"scrape-{place}-{number}"
                used.setdefault(side.name, []).append(cost(where, side, rate, seconds, name))
    if as_json:
        print(json.dumps({"scrapes": [asdict(each) for each in found], "cpu": used}))
        return
    print(report.table(["form", "tasks", "series", "MB", "ms", "longest ms"], [each.row() for each in found]))
    rows = [
        [name, *(f"{100 * each:.1f}" for each in values), f"{100 * median(values):.1f}"]
        for name, values in used.items()
    ]
    print(report.table(["with", *(f"CPU % in run {number}" for number in range(repeat)), "middle"], rows))


if __name__ == "__main__":
    main()
