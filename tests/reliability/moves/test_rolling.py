"""Workers that are restarted, leave and come in good order while records flow: none is lost, none is doubled, and what
is not taken from anybody goes on.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.reliability.moves.flowing import Flowing, created, flowing
from tests.reliability.moves.logbook import logbook_plugin, stalls
from tests.reliability.scoreboard.plugin import Trials
from tests.running import Worker, distributed, group, stay, until

KINDS = ("inserted", "archived", "classic", "cooperative")
ON_THE_WAY = 60
"""Records of each flow that must come out after a change before it counts as got over."""


@dataclass
class Rolling:
    """What is done to a group, in good order each."""

    workers: list[Worker]
    made: Flowing
    chance: random.Random
    away: list[Worker] = field(default_factory=list)
    configs: dict[str, dict[str, str]] = field(default_factory=dict)

    def change(self) -> str:
        """One thing happens. One worker at least stays."""
        here = [each for each in self.workers if each not in self.away]
        things = [self.bounce, self.resize, self.join if self.away else self.leave]
        return self.chance.choice(things)(self.chance.choice(here))

    def bounce(self, worker: Worker) -> str:
        worker.stop()
        worker.start()
        return f"bounce of {worker.id}"

    def leave(self, worker: Worker) -> str:
        worker.stop()
        self.away.append(worker)
        return f"{worker.id} leaves"

    def join(self, _worker: Worker) -> str:
        worker = self.away.pop().start()
        return f"{worker.id} joins"

    def resize(self, worker: Worker) -> str:
        """Tasks join a sink's own group, or leave it."""
        kind, tasks = self.chance.choice(KINDS), self.chance.randint(1, 3)
        name = self.made.of(kind)
        until(lambda: self._put(worker, name, tasks), what=f"{name} to have {tasks} tasks")
        return f"{kind} has {tasks} tasks"

    def _put(self, worker: Worker, name: str, tasks: int) -> bool:
        """Whether it is taken, and by a group that does not rebalance just then."""
        config = {**self.configs[name], "tasks.max": str(tasks)}
        answer = worker.call("PUT", f"/connectors/{name}/config", config)
        self.configs[name] = config
        return "error_code" not in answer


@contextmanager
def three_workers(folder: Path, kafka: str, name: str, **more: str) -> Iterator[list[Worker]]:
    """A group that runs sinks with logbooks."""
    chosen = distributed(kafka, name, exactly_once_source_support="enabled", **more)
    with group(folder, chosen, 3, PYTHONPATH=str(logbook_plugin(folder))) as workers:
        yield workers


@pytest.mark.timeout(3600)
@pytest.mark.scoreboard("R4")
def test_however_workers_come_and_go_in_good_order_each_record_arrives_once(
    tmp_path: Path, kafka: str, stack: dict[str, str], postgres: str, unique: str, trials: Trials
) -> None:
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    with (
        flowing(tmp_path, kafka, stack["s3"], postgres, unique) as made,
        three_workers(tmp_path, kafka, unique) as workers,
    ):
        created(made, workers[0])
        rolling = Rolling(workers, made, random.Random(seed))
        rolling.configs = {each["name"]: each for each in made.configs()}
        made.all_go_on(1)
        for _ in range(trials.required):
            for _ in stay(rolling.chance.random() * 2):  # some files are half full, some commits are due
                pass
            print(rolling.change(), flush=True)
            made.all_go_on(ON_THE_WAY)
            trials.held()
        made.end()
        made.check(again=False)
        for kind in ("classic", "cooperative"):
            print(f"{kind}: the longest stall of a kept partition {max(stalls(made.log(kind))):.2f} s")
