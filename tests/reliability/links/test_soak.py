"""Everything at once, for a while: kills, sleeps, bad links, REST requests; a quarter of the time nothing.

Then the ledger of every flow is clean, and the worker has grown no more threads, descriptors and memory than it had.
"""

import random
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.reliability.links.all_flows import LINKS, Flows
from tests.reliability.links.proxy import FAULTS
from tests.reliability.scoreboard.plugin import Trials
from tests.running import send, until


@dataclass(frozen=True)
class Usage:
    """What the worker's process holds."""

    threads: int
    descriptors: int
    kilobytes: int


def usage(flows: Flows) -> Usage:
    assert flows.running.process is not None
    proc = Path(f"/proc/{flows.running.process.pid}")
    fields = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
    return Usage(
        int(fields["Threads"]), len(list((proc / "fd").iterdir())), int(fields["VmRSS"].removesuffix("kB").strip())
    )


@dataclass
class Nemesis:
    """Draws what happens in a period, and does it."""

    flows: Flows
    chance: random.Random

    def period(self) -> str:
        """One to three things happen while records flow, or nothing; then all is well again."""
        things: list[Callable[[], str]] = [self.kill, self.sleep, self.cut, self.ask, self.kill_worker]
        chosen = [] if self.chance.random() < 0.25 else self.chance.sample(things, self.chance.randint(1, 3))
        self.flows.feed()
        what = [thing() for thing in chosen]
        self.flows.feed()
        bad = [name for name, link in self.flows.links.items() if link.fault is not None]
        self.flows.feel(bad)
        for name in bad:
            self.flows.links[name].heal()
        return ", ".join(what) or "nothing"

    def _pid(self) -> tuple[str, int]:
        name = self.chance.choice(self.flows.configs)["name"]
        pids = until(lambda: self.flows.running.pids(name), 60)
        return name, pids[-1]

    def kill(self) -> str:
        name, pid = self._pid()
        with suppress(ProcessLookupError):  # what was drawn before may have ended it meanwhile
            send(pid, signal.SIGKILL)
        return f"SIGKILL of {name}"

    def sleep(self) -> str:
        name, pid = self._pid()
        with suppress(ProcessLookupError):
            send(pid, signal.SIGSTOP)
            self.flows.feed()
            send(pid, signal.SIGCONT)
        return f"SIGSTOP of {name}"

    def cut(self) -> str:
        link, fault = self.chance.choice(LINKS), self.chance.choice([each for each in FAULTS if "clos" not in each])
        self.flows.links[link].suffer(fault)
        return f"{link} {fault}"

    def ask(self) -> str:
        name = self.chance.choice(self.flows.configs)["name"]
        self.flows.running.call("PUT", f"/connectors/{name}/pause", expect=202)
        self.flows.feed()
        self.flows.running.call("PUT", f"/connectors/{name}/resume", expect=202)
        self.flows.running.call("POST", f"/connectors/{name}/restart?includeTasks=true")
        return f"pause, resume and restart of {name}"

    def kill_worker(self) -> str:
        self.flows.running.kill()
        self.flows.running.start()
        for config in self.flows.configs:
            self.flows.running.create(config)
        return "SIGKILL of the worker"


@pytest.mark.timeout(3600)
@pytest.mark.scoreboard("R17")
def test_after_a_mixture_of_faults_everything_is_there_once(flows: Flows, trials: Trials) -> None:
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    nemesis = Nemesis(flows, random.Random(seed))
    flows.arrive("in good times")
    before, process = usage(flows), flows.running.process
    for number in range(trials.required):
        what = nemesis.period()
        print(f"period {number}: {what}")
        flows.arrive(f"after period {number}: {what} (seed {seed})")
        if flows.running.process is not process:
            before, process = usage(flows), flows.running.process
    flows.check()
    after = usage(flows)
    assert after.threads <= before.threads + 20
    assert after.descriptors <= before.descriptors + 20
    assert after.kilobytes <= 1.5 * before.kilobytes
    trials.held(trials.required)
