"""Results as a table for people or JSON for programs, and whether the sides did the same work."""

import json
import os
import platform
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from bench.run import Result

_HEAD = ("config", "side", "run", "first record s", "records/s", "whole s", "CPU s", "CPU s/million", "peak MB")


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine()
    )
    return {"cpu": model, "cores": os.cpu_count(), "load": os.getloadavg()[0], "python": platform.python_version()}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with aligned columns."""
    widths = [max(len(row[index]) for row in (head, *rows)) for index in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |" for line in lines
    )


def results(found: Sequence[Result]) -> str:
    """Every run, then per config and side the mean with its noise, then how the sides compare."""
    runs: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in found:
        runs[result.config, result.side].append(result)
    rows = [_row(result, str(number)) for group in runs.values() for number, result in enumerate(group, 1)]
    lines = [table(_HEAD, rows), "", *(_noise(key, group) for key, group in runs.items() if len(group) > 1)]
    return "\n".join([*lines, *_agreement(found)])


def _row(result: Result, run: str) -> list[str]:
    return [
        result.config,
        result.side,
        run,
        f"{result.first_seconds:.2f}",
        f"{result.rate:,.0f}",
        f"{result.seconds:.2f}",
        f"{result.cpu_seconds:.1f}",
        f"{result.cpu_seconds / result.records * 1e6:.1f}",
        f"{result.memory_mb:.0f}",
    ]


def _noise(key: tuple[str, str], group: Sequence[Result]) -> str:
    parts = [
        f"{name} ±{(max(values) - min(values)) / 2 / mean(values):.0%}"
        for name, values in (
            ("records/s", [result.rate for result in group]),
            ("CPU", [result.cpu_seconds for result in group]),
            ("first record", [result.first_seconds for result in group]),
        )
    ]
    return f"Noise of {key[1]} with {key[0]}, {len(group)} runs of the same: {', '.join(parts)}."


def _agreement(found: Sequence[Result]) -> list[str]:
    digests: dict[str, set[str]] = defaultdict(set)
    for result in found:
        digests[result.config.removesuffix("-tuned")].add(result.digest)
    lines = [
        f"Every run with {config} left the same: {next(iter(seen))}."
        if len(seen) == 1
        else f"THE RUNS WITH {config} LEFT DIFFERENT THINGS: {'; '.join(sorted(seen))}."
        for config, seen in digests.items()
    ]
    losses = dict.fromkeys((result.side, result.config, result.loss) for result in found if result.loss)
    return [*lines, *(f"{side} with {config}: {loss}." for side, config, loss in losses)]


def dump(workload: str, found: Sequence[Mapping[str, Any]]) -> str:
    """For programs."""
    return json.dumps({"workload": workload, "machine": machine(), "runs": list(found)}, indent=2)
