"""One run of a row into a sink: from the first records that can be read to the last."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from urllib.error import URLError
from urllib.request import urlopen

from bench.cliffs.configs import config, text
from bench.cliffs.contenders import OURS, TUNED, side
from bench.cliffs.rows import Lot, Sink
from bench.cliffs.targets import Counted, Lines, Objects, Tables, Target
from bench.run import Running, Stuck, started_with
from bench.s3 import bucket
from bench.usage import cpu_seconds
from bench.world import World

_LOOK_SECONDS = 0.02
_LOOKS_SHARE = 5
"""A look is followed by a pause of so many times what it took: the onlooker is to have little of the machine."""
_ANY = 1e-9
_HALF = 0.5


@dataclass(frozen=True)
class Run:
    """What one run gave."""

    seconds: float
    """Seconds that were measured."""
    cpu: float
    """User and system time in these seconds, of the process and its children."""
    share: float
    """The part of the records that went by in them."""
    whole: bool
    """Whether it was measured from the moment at which the worker answered, since the first look found most of them."""
    digest: str
    records: int

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.records * self.share / self.seconds if self.seconds else math.nan

    @property
    def cpu_per_million(self) -> float:
        """CPU seconds for a million records."""
        return self.cpu / (self.records * self.share) * 1e6


@dataclass(frozen=True)
class Cell:
    """The runs of one contender in a row; none, and why, if it does not get through."""

    runs: Sequence[Run] = ()
    failure: str = ""

    @property
    def rate(self) -> float:
        """Records a second; NaN without a run."""
        return mean(run.rate for run in self.runs) if self.runs else math.nan

    @property
    def cpu(self) -> float:
        """CPU seconds for a million records; NaN without a run."""
        return mean(run.cpu_per_million for run in self.runs) if self.runs else math.nan

    @property
    def noise(self) -> tuple[float, float]:
        """Half the distance between the runs relative to their mean: of the rate, of the CPU seconds."""
        return _spread([run.rate for run in self.runs]), _spread([run.cpu_per_million for run in self.runs])

    @property
    def whole(self) -> bool:
        """Whether a run was measured from its start on."""
        return any(run.whole for run in self.runs)


def _spread(values: Sequence[float]) -> float:
    if len(values) < 2 or not mean(values):
        return math.nan
    return (max(values) - min(values)) / 2 / mean(values)


def run(where: World, plugins: Path, who: str, sink: Sink, lot: Lot, name: str) -> Run:
    """One run, in a directory, and into a database or bucket, of its own. Raises Stuck."""
    target, variables = _target(where, sink, lot, name)
    keys = text(config(sink, lot.row, tuned=who == TUNED))
    try:
        with started_with(side(who, sink, lot.row, plugins), keys, where.directory / name, variables) as running:
            return _watch(running, target, lot)
    finally:
        target.close()


def _target(where: World, sink: Sink, lot: Lot, name: str) -> tuple[Target, dict[str, str]]:
    topics = ",".join(lot.row.topic_names)
    variables = where.table_variables(topics, name)
    file = where.directory / f"{name}.out"
    match sink:
        case "sql":
            return Tables(where.server, name, lot), variables
        case "file" | "plugin":
            made = Lines(file, lot) if sink == "file" else Counted(file, lot)
            return made, {**variables, "BENCH_FILE": str(file)}
        case "s3-parquet" | "s3-json":
            store = where.addresses["s3"]
            found = bucket(store, name.replace("_", "-"))
            own = {"BENCH_BUCKET": found.name, "BENCH_STORE": store, "BENCH_FLUSH": str(lot.flush_size)}
            return Objects(found, lot), {**variables, **own, "BENCH_PASSWORD": "an-obol"}


def _watch(running: Running, target: Target, lot: Lot) -> Run:
    began, cpu_before = _await_up(running)
    early = _await_share(running, target, _ANY)
    first, cpu_first = time.monotonic(), cpu_seconds(running.process.pid)
    _await_share(running, target, 1)
    ended, cpu = time.monotonic(), cpu_seconds(running.process.pid)
    whole = early > _HALF
    return Run(
        seconds=ended - (began if whole else first),
        cpu=cpu - (cpu_before if whole else cpu_first),
        share=1.0 if whole else 1 - early,
        whole=whole,
        digest=target.digest(),
        records=lot.records,
    )


def _await_share(running: Running, target: Target, wanted: float) -> float:
    """The first share that is as much."""
    while True:
        running.look()
        began = time.monotonic()
        share = target.share()
        if share >= wanted:
            return share
        time.sleep(max(_LOOK_SECONDS, _LOOKS_SHARE * (time.monotonic() - began)))


def _await_up(running: Running) -> tuple[float, float]:
    """When the worker answered, and what CPU it had used by then."""
    while True:
        running.look()
        try:
            with urlopen(f"{running.rest}/connectors", timeout=2):
                return time.monotonic(), cpu_seconds(running.process.pid)
        except (URLError, OSError):
            time.sleep(_LOOK_SECONDS)


def cell(where: World, plugins: Path, who: str, sink: Sink, lot: Lot, repeat: int) -> Cell:
    """Runs of one contender; a failure ends them."""
    runs = []
    for number in range(repeat):
        words = [lot.row.name, sink, "tuned" if who == TUNED else "ours" if who == OURS else "peer", str(number)]
        name = "_".join(["cliff", *words]).replace("-", "_")
        try:
            runs.append(run(where, plugins, who, sink, lot, name))
        except Stuck as stuck:
            return Cell(failure=str(stuck))
    return Cell(runs)
