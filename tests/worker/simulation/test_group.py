"""Groups of workers in simulated time, with whatever befalls them; all drawn from one seed, which is printed."""

import json
import subprocess
import sys

import pytest

from tests.differential import search
from tests.worker.simulation import summary

HAPPENS = (
    *("rebalances", "changes of the leader", "members expired", "fenced writes", "leases lost", "kills", "sleeps"),
    *("takeovers from the living", "ends in order", "moved offsets", "requests between workers", "recoveries"),
    *("lost requests", "lost answers", "network cut", "process dies", "process fails", "process ends"),
    *("answered 200", "answered 201", "answered 202", "answered 204", "answered 400", "answered 404", "answered 409"),
)
"""What must have happened, or the simulation has proved little."""


def simulated(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.worker.simulation.main", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.timeout(7200)
def test_whatever_befalls_a_group_each_task_has_one_owner_and_all_is_as_wanted_once_it_is_over(long: bool) -> None:
    seed, hours = search.seed_of(long), 50 if long else 5
    found = simulated("--seed", str(seed), "--hours", str(hours))
    assert found.returncode == 0, f"{found.stdout[-20000:]}\n{found.stderr[-5000:]}"
    told = json.loads(found.stdout.splitlines()[-1])
    summary.simulated.append((seed, told))
    count = told["count"]
    assert {what: count.get(what, 0) for what in HAPPENS if not count.get(what)} == {}


@pytest.mark.timeout(600)
def test_the_same_seed_is_the_same_simulation() -> None:
    first, second = (simulated("--seed", "7", "--episode", "1") for _ in range(2))
    assert first.returncode == 0, first.stdout[-20000:] + first.stderr[-5000:]
    assert first.stdout == second.stdout
