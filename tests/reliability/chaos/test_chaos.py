"""Three workers, connectors of all kinds, and one fault or request after the other; then the ledger.

Everything accepted holds, all that was sent is there as promised, each task has one process, and no process is left
without an owner.
"""

import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ferryman.stack import Shape, Stack
from tests.reliability.chaos.clusters import Cluster, alone, secure
from tests.reliability.chaos.connectors import Connectors, connectors
from tests.reliability.chaos.journal import journal_plugin
from tests.reliability.chaos.nemesis import PATIENCE, Nemesis
from tests.reliability.chaos.summary import tell
from tests.reliability.links.broker import Broker
from tests.reliability.scoreboard.plugin import Trials
from tests.reliability.test_email import listed
from tests.running import Worker, alive, stay, until

PACE = 5.0
"""Seconds from one thing that happens to the next, at least."""


@contextmanager
def group(folder: Path, cluster: Cluster, support: str) -> Iterator[list[Worker]]:
    """Workers that are gone at the end, with all their processes."""
    path = {"PYTHONPATH": str(journal_plugin(folder))}
    own_start = (sys.executable, "-P", "-m", "ferryman")  # their processes are known by their command lines
    once = {"exactly.once.source.support": support}
    workers = [
        Worker(folder, {**each, **once}, environment=path, mode="distributed", command=own_start)
        for each in cluster.settings
    ]
    try:
        for each in workers:
            each.start()
        yield workers
    finally:
        for each in workers:
            each.stop()
    until(lambda: not left(folder), PATIENCE, "all processes to be gone")


def left(folder: Path) -> list[str]:
    """The processes that began in a group of this folder and still live."""
    return [
        each.name for each in Path("/proc").glob("[0-9]*") if is_of(int(each.name), folder) and alive(int(each.name))
    ]


def is_of(pid: int, folder: Path) -> bool:
    """Whether a process has the environment of this test's workers."""
    try:
        return str(folder).encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def processes(workers: Sequence[Worker]) -> Counter[tuple[str, int]]:
    """How many living processes each task has. A pid may have been another's before, of this group or of anybody."""
    pattern = r"\[(\S+)\] INFO .*task (\S+)-(\d+) runs as process (\d+)"
    started = sorted(found for each in workers for found in re.findall(pattern, each.said))
    latest = {int(pid): (name, int(number)) for _, name, number, pid in started}
    return Counter(task for pid, task in latest.items() if alive(pid) and is_task_of(pid, workers[0].directory))


def is_task_of(pid: int, folder: Path) -> bool:
    """Whether a process was forked for a task, by a worker of this test."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        parent = status.split("PPid:")[1].split()[0]
        forked = b"ferryman.worker.forks.server_process" in Path(f"/proc/{parent}/cmdline").read_bytes()
        return forked and is_of(pid, folder)
    except OSError:
        return False


def settled(workers: Sequence[Worker], nemesis: Nemesis) -> list[str]:
    """What is not yet as it shall be."""
    made = nemesis.made
    problems = [
        f"{each.id} knows of {known}"
        for each in workers
        if (known := each.call("GET", "/connectors")) != sorted(made.configs)
    ]
    wanted = Counter[tuple[str, int]]()
    for name, config in made.configs.items():
        failed, tasks = name == made.of("failed"), int(config.get("tasks.max", "1"))
        state = nemesis.targets[name]
        for each in workers:
            states = each.states(name)
            if states != [state, *["FAILED" if failed else state] * tasks]:
                problems.append(f"{each.id} says of {name} {states}")
        if not failed:
            wanted.update((name, number) for number in range(tasks))
    if not problems and (found := processes(workers)) != wanted:
        problems.append(f"there are processes of {found}")
    return problems


def arrived(made: Connectors) -> None:
    found: dict[str, str] = {}

    def there() -> bool:
        found.clear()
        found.update(made.lacking())
        return not found

    try:
        until(there, PATIENCE, pause=0.3)
    except AssertionError as error:
        raise AssertionError(f"missing {found}") from error


def as_wanted(workers: Sequence[Worker], nemesis: Nemesis) -> None:
    problems: list[list[str]] = [[]]

    def settles() -> bool:
        problems[0] = settled(workers, nemesis)
        return not problems[0]

    try:
        until(settles, PATIENCE, pause=0.3)
    except AssertionError as error:
        raise AssertionError(str(problems[0])) from error


def endures(workers: Sequence[Worker], nemesis: Nemesis, periods: int, once: bool) -> None:
    """One thing after the other befalls the group; then all is as it shall be."""
    for config in nemesis.made.configs.values():
        nemesis.create(config)
    paused = nemesis.made.of("paused")
    # Whoever is paused before it has tasks gets none.
    until(lambda: workers[0].states(paused) == ["RUNNING"] * 2, PATIENCE, f"{paused} to run")
    nemesis.aim(paused, "pause", "PAUSED")
    for number in range(periods):
        began = time.monotonic()
        print(f"period {number}: {nemesis.period()}", flush=True)
        for _ in stay(began + PACE - time.monotonic()):
            pass
    nemesis.heal()
    arrived(nemesis.made)
    as_wanted(workers, nemesis)
    nemesis.made.check(listed(*workers), once)


@dataclass(frozen=True)
class Chaos:
    """What a test of chaos has, whatever its cluster."""

    request: pytest.FixtureRequest
    folder: Path
    s3: str
    postgres: str
    name: str
    usual: int
    """How many periods it has if nobody says how long it is to last."""

    def befalls(self, cluster: Cluster) -> int:
        """How many things have befallen a group of this cluster, which has endured them."""
        options = self.request.config.option
        seed = options.chaos_seed or random.SystemRandom().getrandbits(32)
        periods = -(-options.chaos_seconds // int(PACE)) if options.chaos_seconds else self.usual
        chance = random.Random(seed)
        support = chance.choice(["disabled", "enabled"])
        said = f"seed {seed}, {len(cluster.brokers)} of Kafka's brokers, exactly.once.source.support={support}"
        print(said, self.folder, flush=True)
        with (
            connectors(self.folder, cluster.client, self.s3, self.postgres, self.name) as made,
            group(self.folder, cluster, support) as workers,
        ):
            nemesis = Nemesis(workers, cluster, made, chance)
            try:
                endures(workers, nemesis, periods, once=support == "enabled")
            finally:
                nemesis.cure()
                counts = ", ".join(f"{times} {what}" for what, times in sorted(nemesis.happened.items()))
                tell(self.request, f"{said}: {counts}; {made.sent} records into each of the flows")
        return periods


@pytest.fixture
def chaos(
    request: pytest.FixtureRequest, tmp_path: Path, stack: dict[str, str], postgres: str, unique: str, trials: Trials
) -> Chaos:
    return Chaos(request, tmp_path, stack["s3"], postgres, unique, trials.required)


@pytest.mark.timeout(0)
@pytest.mark.scoreboard("R9")
def test_whatever_befalls_the_workers_of_a_group_and_their_broker_everything_is_there_as_promised(
    chaos: Chaos, broken_broker: Broker, trials: Trials
) -> None:
    cluster = alone(broken_broker, chaos.name)
    try:
        trials.held(chaos.befalls(cluster))
    finally:
        cluster.mend()


@pytest.mark.timeout(0)
@pytest.mark.scoreboard("R9 secure")
def test_it_is_so_too_with_several_brokers_that_allow_no_more_than_is_needed(chaos: Chaos, trials: Trials) -> None:
    if not trials.required:
        pytest.skip("it takes minutes")
    with Stack(("kafka",), shape=Shape(brokers=3, secure=True)) as stack:
        trials.held(chaos.befalls(secure(stack)))
