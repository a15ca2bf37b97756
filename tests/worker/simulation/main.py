"""Simulates a group for some hours, from a seed; says what happened, or what was wrong.

``python -m tests.worker.simulation.main --seed 7 --hours 5``; ``--episode 12`` repeats one, ``--trace`` tells it all.
"""

import ctypes
import os
import sys

if os.environ.get("PYTHONHASHSEED") != "0":
    # The order of sets follows from hashes, and those of some objects from where they lie in memory.
    os.environ["PYTHONHASHSEED"] = "0"
    if sys.platform == "linux":
        ctypes.CDLL(None).personality(0x0040000)  # ADDR_NO_RANDOMIZE
    os.execv(sys.executable, [sys.executable, "-m", "tests.worker.simulation.main", *sys.argv[1:]])

from tests.worker.simulation import played

# isort: split
import argparse
import gc
import hashlib
import json
import logging
import random
import warnings

from tests.worker.simulation import cluster as clusters
from tests.worker.simulation import threads
from tests.worker.simulation.cluster import Cluster
from tests.worker.simulation.machine import Machine
from tests.worker.simulation.story import LONGEST, Story

LAST = 120
"""How many of the last things that happened are told when something is wrong."""


class Wrong(Exception):
    """What was wrong in an episode."""


def episode(seed: str, trace: bool) -> tuple[float, int, dict[str, int], str]:
    """One group from its beginning to its end: seconds simulated, turns, what happened how often, and all of it."""
    source = random.Random(seed)
    random.seed(source.random())
    machine = Machine(source)
    threads.play(machine)
    session = source.choice([6.0, 10.0])
    rebalance = source.choice([12.0, 12.0, 30.0, 60.0])
    delay = source.choice([0.0, 0.0, 5.0, 20.0])
    given = {
        "session.timeout.ms": str(int(session * 1000)),
        "heartbeat.interval.ms": "2000" if session == 6.0 else "3000",
        "rebalance.timeout.ms": str(int(rebalance * 1000)),
        "scheduled.rebalance.max.delay.ms": str(int(delay * 1000)),
        "worker.unsync.backoff.ms": "15000",
        "exactly.once.source.support": source.choice(["disabled", "preparing"]),
        "connect.protocol": source.choice(["sessioned", "sessioned", "compatible", "eager"]),
    }
    cluster = Cluster(machine, source, given)
    told: list[str] = [str(given)]

    def tell(what: str) -> None:
        told.append(f"{machine.now:9.2f} {what}")
        if trace:
            print(told[-1])

    story = Story(
        cluster,
        source,
        most=source.choice([2, 3, 3, 4]),
        recovers=2 * session + rebalance + 2 * delay + 15.0 + 2 * LONGEST,
        tell=tell,
    )
    running = cluster.world.loop.create_task(story.runs(4))
    problems = story.checks.problems
    try:
        machine.run_until(lambda: running.done() or problems)
        if running.done() and not problems:
            running.result()
    except AssertionError as error:
        problems.append(str(error))
    finally:
        machine.close()
        threads.play(None)
        clusters.forget()
        owners = cluster.owners
        counted = {"leases lost": owners.parked, "takeovers from the living": owners.taken_over}
        counted |= {"fenced writes": cluster.kafka.fenced, "members expired": cluster.group.expired}
        cluster.count |= counted
    if problems:
        raise Wrong("\n".join([*told[-LAST:], *problems]))
    return machine.now, machine.steps, cluster.count, "\n".join(told)


def main() -> int:
    """Returns 1 if something was wrong."""
    options = argparse.ArgumentParser()
    options.add_argument("--seed", type=int, required=True)
    options.add_argument("--hours", type=float, default=1.0)
    options.add_argument("--episode", type=int)
    options.add_argument("--trace", action="store_true")
    given = options.parse_args()
    assert played.threads is threads
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    sys.unraisablehook = lambda _: None  # what is let go of in the middle of something
    clusters.install(random.Random(given.seed))
    gc.collect()
    gc.freeze()
    seconds, steps, count, number = 0.0, 0, dict[str, int](), given.episode or 0
    episodes = list[tuple[int, str]]()
    while seconds < given.hours * 3600:
        gc.collect()
        gc.disable()
        try:
            lasted, turns, counted, told = episode(f"{given.seed}/{number}", given.trace)
        except Wrong as error:
            print(f"{error}\nseed {given.seed}, episode {number}")
            return 1
        finally:
            gc.enable()
        episodes.append((turns, hashlib.sha256(told.encode()).hexdigest()))
        seconds, steps, number = seconds + lasted, steps + turns, number + 1
        for what, times in counted.items():
            count[what] = max(times, count.get(what, 0)) if what.startswith("longest") else times + count.get(what, 0)
        if given.episode is not None:
            break
    found = {"hours": seconds / 3600, "steps": steps, "episodes": episodes}
    print(json.dumps({**found, "count": dict(sorted(count.items()))}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
