"""What a backfill costs its live connector: latency alone and beside a run. `python -m bench.backfill_cost`.

The live connector upserts into PostgreSQL by the records' keys, and has written a history when the measuring begins.
The run reads that history again while the producer keeps to its timetable (as `bench.latency`): into another table,
which tells what sharing the machine costs, and into the same one. Alone is measured twice.
"""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count, islice
from typing import Any
from urllib.request import Request, urlopen

import click

from bench import report
from bench.latency import WARM_SECONDS, Latency, Load, Sender, figures, table, watch
from bench.ours import ours
from bench.records import Topic, avro_messages, create, key_of, register
from bench.run import Running, started_with
from bench.side import CONFIGS
from bench.targets import TableTarget
from bench.world import World, world

ALONE, AGAIN, ELSEWHERE, BESIDE = "alone", "alone again", "beside a run into another table", "beside a run"
CONFIG = "sql-postgresql-avro"


@dataclass(frozen=True)
class Beside:
    """A measurement, and how far the run had got when it was over; None where there was none."""

    latency: Latency
    done: float | None
    pace: float | None


def config() -> str:
    """sql_postgresql's, by the records' keys."""
    text = (CONFIGS / f"{CONFIG}.properties").read_text()
    keyed = text.replace("primary.key.mode=record_value", "primary.key.mode=record_key")
    return f"{keyed}\nkey.converter=org.apache.kafka.connect.converters.LongConverter\n"


def measure(where: World, side: str, history: int, rate: int, seconds: int, number: int) -> Beside:
    """The live connector at a rate, with a run beside it or without."""
    name = f"beside_{number}"
    create(where.broker, name, 1)
    ids = [
        index for index in islice(count(), 2 * (history + rate * (seconds + WARM_SECONDS))) if key_of(index) == index
    ]
    schema = register(where.registry, name)
    past, coming = ids[:history], ids[history : history + rate * (seconds + WARM_SECONDS)]
    before = Load(name, past, list(avro_messages(schema, past)), history, keyed=True)
    load = Load(name, coming, list(avro_messages(schema, coming)), rate, keyed=True)
    target = TableTarget(where.server, name, Topic(name, 0))
    try:
        with started_with(ours(), config(), where.directory / name, where.table_variables(name, name)) as running:
            first = Sender(where.broker, before)
            first.send_first()
            first.start()
            while target.newest() < past[-1]:
                running.look()
                time.sleep(0.2)
            if side in (BESIDE, ELSEWHERE):
                wanted = {"name": f"{name}-run", "offsets": {name: {"0": [0, history]}}}
                sets = {"table.name.format": f"{name}_again"} if side == ELSEWHERE else {}
                _asked(running, "POST", "backfill", {**wanted, "config": sets})
            sender = Sender(where.broker, load)
            seen = watch(target, running, sender, coming[-1])
            run = (
                _asked(running, "GET", "status", name=f"{name}-run").get("run", {})
                if side in (BESIDE, ELSEWHERE)
                else {}
            )
    finally:
        target.close()
    done = run["records_done"] / run["records_total"] if run else None
    return Beside(figures(side, load, sender, seen, number), done, run.get("pace"))


def _asked(running: Running, method: str, path: str, body: Mapping[str, Any] | None = None, name: str = "") -> Any:
    url = f"{running.rest}/connectors/{name or running.connector}/{path}"
    content = None if body is None else json.dumps(body).encode()
    request = Request(url, content, {"Content-Type": "application/json"}, method=method)
    with urlopen(request, timeout=100) as answer:
        return json.load(answer)


def ratios(found: Sequence[Beside]) -> list[str]:
    """How the medians, and the 99th percentiles, of the second time alone and of that beside a run stand to the first
    time alone."""
    by_side = {each.latency.side: each.latency for each in found}
    alone = by_side[ALONE]
    return [
        f"{side} / {ALONE}: p50 {by_side[side].p50 / alone.p50:.2f}, p99 {by_side[side].p99 / alone.p99:.2f}"
        for side in (AGAIN, ELSEWHERE, BESIDE)
        if side in by_side
    ]


def _said(found: Sequence[Beside]) -> str:
    runs = [
        f"{each.latency.side}: when it was over the run had read {each.done:.0%} and worked {each.pace or 1.0:.0%} "
        "of the time"
        for each in found
        if each.done is not None
    ]
    return "\n".join([table([each.latency for each in found]), "", *ratios(found), *runs])


@click.command()
@click.option("--rate", default=1_000, show_default=True, help="Records a second for the live connector.")
@click.option("--seconds", default=30, show_default=True, help=f"To measure, after {WARM_SECONDS} s to warm up.")
@click.option("--history", default=1_000_000, show_default=True, help="Records that the run reads again.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(rate: int, seconds: int, history: int, as_json: bool) -> None:
    """Measure all four, one after the other, and print how they compare."""
    found = []
    with world(["kafka", "registry", "postgres"]) as where:
        for number, side in enumerate((ALONE, AGAIN, ELSEWHERE, BESIDE), 1):
            print(f"{side}, at {rate:,} records/s", file=sys.stderr)
            found.append(measure(where, side, history, rate, seconds, number))
            print(f"  p50 {found[-1].latency.p50:.1f} ms, p99 {found[-1].latency.p99:.1f} ms", file=sys.stderr)
    print(report.dump("backfill_cost", [asdict(each) for each in found]) if as_json else _said(found))


if __name__ == "__main__":
    main()
