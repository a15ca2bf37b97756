"""Three workers, connectors of all kinds, and one fault or request after the other; then the ledger.

Everything accepted holds, all that was sent is there as promised, each task has one process, and no process is left
without an owner.
"""

import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.reliability.chaos.connectors import Connectors, connectors
from tests.reliability.chaos.journal import journal_plugin
from tests.reliability.chaos.nemesis import Nemesis
from tests.reliability.links.broker import Broker
from tests.reliability.scoreboard.plugin import Trials
from tests.reliability.test_email import listed
from tests.running import Worker, alive, distributed, stay, until


@contextmanager
def three_workers(folder: Path, broker: Broker, name: str, **more: str) -> Iterator[list[Worker]]:
    """A group. The last worker reaches Kafka over the link that can be cut."""
    path = {"PYTHONPATH": str(journal_plugin(folder))}
    own_start = (sys.executable, "-P", "-m", "ferryman")  # their processes are known by their command lines
    quick = {"session_timeout_ms": "3000", "heartbeat_interval_ms": "500", **more}
    workers = [
        Worker(folder, distributed(address, name, **quick), environment=path, mode="distributed", command=own_start)
        for address in (broker.address, broker.address, broker.proxied)
    ]
    try:
        for each in workers:
            each.start()
        yield workers
    finally:
        for each in workers:
            each.stop()


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
        return forked and str(folder).encode() in Path(f"/proc/{pid}/environ").read_bytes()
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


def arrived(made: Connectors, workers: Sequence[Worker], seed: int) -> None:
    found: dict[str, str] = {}

    def there() -> bool:
        found.clear()
        found.update(made.lacking())
        return not found

    try:
        until(there, 240, pause=0.3)
    except AssertionError as error:
        raise AssertionError(f"missing {found} (seed {seed}), see {workers[0].directory}") from error


@pytest.mark.timeout(3600)
@pytest.mark.scoreboard("R9")
def test_whatever_befalls_the_workers_of_a_group_everything_is_there_as_promised(
    tmp_path: Path, broken_broker: Broker, stack: dict[str, str], postgres: str, unique: str, trials: Trials, long: bool
) -> None:
    if not long:
        pytest.skip("it takes minutes")
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    support = chance.choice(["disabled", "enabled"])
    with (
        connectors(tmp_path, broken_broker.address, stack["s3"], postgres, unique) as made,
        three_workers(tmp_path, broken_broker, unique, exactly_once_source_support=support) as workers,
    ):
        nemesis = Nemesis(workers, workers[-1], broken_broker.link, made, chance)
        for config in made.configs.values():
            nemesis.create(config)
        nemesis.aim(made.of("paused"), "pause", "PAUSED")
        for number in range(trials.required):
            print(f"period {number}: {nemesis.period()}", flush=True)
            for _ in stay(chance.random() * 4):
                pass
        nemesis.heal()
        arrived(made, workers, seed)
        problems: list[list[str]] = [[]]

        def as_wanted() -> bool:
            problems[0] = settled(workers, nemesis)
            return not problems[0]

        try:
            until(as_wanted, 120, pause=0.3)
        except AssertionError as error:
            raise AssertionError(f"{problems[0]} (seed {seed}), see {tmp_path}") from error
        made.check(listed(*workers))
    trials.held(trials.required)
