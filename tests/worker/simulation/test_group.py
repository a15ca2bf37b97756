"""Groups of workers in simulated time, with whatever befalls them; all drawn from one seed, which is printed."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.differential import search
from tests.worker.simulation import summary

HAPPENS = (
    *("rebalances", "changes of the leader", "members expired", "fenced writes", "leases lost", "kills", "sleeps"),
    *("takeovers from the living", "ends in order", "moved offsets", "requests between workers", "recoveries"),
    *("lost requests", "lost answers", "network cut", "process dies", "process fails", "process ends"),
    *("members removed", "clock jumps ahead", "clock jumps back", "suspended computers"),
    *("takeover, killed", "takeover, sleeps", "takeover, cut off"),
    *("answered 200", "answered 201", "answered 202", "answered 204", "answered 400", "answered 404", "answered 409"),
)
"""What must have happened, or the simulation has proved little."""


def simulated(*options: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.worker.simulation.main", *options]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, f"{found.stdout[-20000:]}\n{found.stderr[-5000:]}"
    told: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
    return told


@pytest.mark.timeout(7200)
def test_whatever_befalls_a_group_each_task_has_one_owner_and_all_is_as_wanted_once_it_is_over(long: bool) -> None:
    seed, hours = search.seed_of(long), 50 if long else 4
    told = simulated("--seed", str(seed), "--hours", str(hours))
    summary.simulated.append((seed, told))
    count = told["count"]
    assert {what: count.get(what, 0) for what in HAPPENS if not count.get(what)} == {}
    # The same seed is the same simulation: the shortest episode, in a process that has played no other.
    number, episode = min(enumerate(told["episodes"]), key=lambda each: each[1][0])
    assert simulated("--seed", str(seed), "--episode", str(number))["episodes"] == [episode]
