"""All transforms and a chain on three sides, from bytes to bytes. `python -m bench.transforms`."""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from bench import records as made
from bench import report
from bench.transforms import ours
from bench.transforms.cases import CASES, FORMATS, TOPIC, converters
from bench.transforms.jvm import Loop
from bench.transforms.measure import Measured
from bench.world import world

_HEAD = ("transform", "JVM", "columns", "to JVM", "rows", "to JVM", "noise JVM, columns, rows", "same bytes")
_DISTINCT = 100_000
"""Records that differ; a million is passes over them."""
_CONFLUENT_HEAD = 5
SIDES = ("jvm", "columns", "rows")
Found = Mapping[str, Sequence[Measured]]


@contextmanager
def _registry(forms: Sequence[str]) -> Iterator[str]:
    if "avro" not in forms:
        yield ""
        return
    with world(["registry"]) as where:
        yield where.registry


def _values(form: str, registry: str, count: int) -> list[bytes]:
    if form == "json":
        return list(made.envelope_messages(count))
    return list(made.avro_messages(made.register(registry, TOPIC), range(count)))


def _measure(
    loop: Loop, form: str, registry: str, names: Sequence[str], sides: Sequence[str], counts: tuple[int, int, int]
) -> Iterator[tuple[str, list[Measured]]]:
    values = _values(form, registry, min(counts[1], _DISTINCT))
    skipped = _CONFLUENT_HEAD if form == "avro" else 0
    for name in names:
        found = []
        for side in sides:
            own = converters(form, registry, apicurio=side == "jvm")
            if side == "jvm":
                found.append(loop.measure(CASES[name], own, values, skipped, counts))
            else:
                found.append(ours.measure(side, CASES[name], own, values, skipped, counts))
            print(f"{form} {name} {side}: {found[-1].per_cpu:,.0f} records/CPU s", file=sys.stderr)
        yield name, found


def table(found: Found) -> str:
    """Records a CPU second on each side, and as multiples of the JVM's."""
    rows = []
    for name, sides in found.items():
        by = {each.side: each for each in sides}
        jvm = by.get("JVM")
        cells = [name, f"{jvm.per_cpu:,.0f}" if jvm else ""]
        for side in ("columns", "rows"):
            own = by.get(side)
            cells += [f"{own.per_cpu:,.0f}" if own else "", f"{own.per_cpu / jvm.per_cpu:.2f}" if own and jvm else ""]
        noise = ", ".join(f"±{by[side].noise:.0%}" for side in ("JVM", "columns", "rows") if side in by)
        rows.append([*cells, noise, "yes" if len({each.left for each in sides}) == 1 else "NO"])
    return report.table(_HEAD, rows)


@click.command()
@click.option("--records", default=1_000_000, show_default=True)
@click.option("--warm-up", default=200_000, show_default=True, help="Records before the first measurement.")
@click.option("--repeat", default=2, show_default=True, help="Measurements of each; two show the noise.")
@click.option("--format", "forms", type=click.Choice(FORMATS), multiple=True, default=FORMATS, show_default=True)
@click.option("--transform", "names", type=click.Choice([*CASES]), multiple=True, default=[*CASES])
@click.option("--side", "sides", type=click.Choice(SIDES), multiple=True, default=SIDES, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(
    records: int,
    warm_up: int,
    repeat: int,
    forms: tuple[str, ...],
    names: tuple[str, ...],
    sides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Measure each transform on each side, and print records per CPU second."""
    directory = Path(tempfile.mkdtemp(prefix="ferryman-bench-"))
    found: dict[str, Found] = {}
    try:
        with _registry(forms) as registry:
            loop = Loop(directory)
            for form in forms:
                found[form] = dict(_measure(loop, form, registry, names, sides, (warm_up, records, repeat)))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if as_json:
        runs = [
            {"format": form, "transform": name, **asdict(each)}
            for form, cases in found.items()
            for name, each_case in cases.items()
            for each in each_case
        ]
        print(json.dumps({"machine": report.machine(), "runs": runs}, indent=2))
    else:
        print("\n\n".join(f"{form}:\n{table(cases)}" for form, cases in found.items()))


if __name__ == "__main__":
    main()
