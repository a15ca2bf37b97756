"""Workers that come, go and change things in any order: no work has two owners, and all has one in the end."""

from random import Random, SystemRandom

from tests.membership.workers import Group, group
from tests.running import until


def happen(workers: Group, random: Random) -> None:
    """One thing that brings a group to rebalance, often while it still does so on account of the one before."""
    names = sorted(workers.members)
    absent = [name for name in ("w1", "w2", "w3", "w4") if name not in names]
    what = random.choice(["join", "join", "close", "leave and come back", "rejoin", "change", "change", "slow", "wait"])
    match what:
        case "join" if absent:
            protocol = random.choice(["sessioned", "sessioned", "compatible", "eager"])
            workers.join(random.choice(absent), protocol=protocol)
        case "close" if len(names) > 1:
            workers.close(random.choice(names))
        case "leave and come back" if names:
            name = random.choice(names)
            workers.members[name].leave()
            until(lambda: workers.members[name].leader_url is None, 60, "leaving")
            workers.members[name].rejoin("a test")
        case "rejoin" if names:
            workers.members[random.choice(names)].rejoin("a test")
        case "change" if names:
            workers.change(**{name: random.randrange(4) for name in random.sample("abcde", random.randrange(1, 5))})
        case "slow" if names:
            worker = workers.workers[random.choice(names)]
            worker.ending.clear()
            workers.members[random.choice(names)].rejoin("a test")
            worker.ending.wait(random.random() / 5)
            worker.ending.set()
        case "wait" if names:
            workers.settle()


def test_whatever_workers_do_no_work_has_two_owners(kafka: str, unique: str, long: bool) -> None:
    seed = SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    random = Random(seed)
    with group(kafka, unique, a=2, b=3) as workers:
        workers.join("w0")
        for _ in range(300 if long else 25):
            happen(workers, random)
        workers.settle()
        assert all(worker.times("lost") == 0 for worker in workers.workers.values())
