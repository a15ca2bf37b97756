"""What befalls a group of workers: kills, sleeps, a cut link, bounces, brokers that end, and requests at any of them.

What was asked for and accepted is kept, to be compared with what the group says in the end. A fault may last into the
periods that follow, so that several are there at once; one worker is always well, and so are all brokers but one.
"""

import random
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx

from tests.reliability.chaos.clusters import Cluster
from tests.reliability.chaos.connectors import Connectors
from tests.reliability.flows import Config
from tests.running import WEB, Worker, send, stay, until

PATIENCE = 600
"""Seconds after which what does not happen never will."""
Thing = Callable[[], str | None]
"""Does something and says what; None if it cannot be done now."""

SETTLED = frozenset({"inserted", "upserted", "s3", "mail", "lines", "journal", "grown", "paid"})
"""Whose tasks and targets may be changed without another ledger."""


@dataclass
class Nemesis:
    """Draws what happens in a period, and does it."""

    workers: Sequence[Worker]
    cluster: Cluster
    made: Connectors
    chance: random.Random
    targets: dict[str, str] = field(default_factory=dict)
    """What each connector is to be: RUNNING, PAUSED or STOPPED."""
    happened: Counter[str] = field(default_factory=Counter)
    """How often each kind of thing did."""
    _deck: list[Thing] = field(default_factory=list)
    """What is still to be drawn before all of it is drawn anew, so that none stays away for long."""
    _ill: dict[str, Callable[[], object]] = field(default_factory=dict)
    """The workers and brokers that are not well, and what makes them well again."""
    _extra: int = 0

    def period(self) -> str:
        """One thing happens, and perhaps another one ends."""
        what = self._one()
        self.made.feed()
        if self._ill and self.chance.random() < 0.5:
            what += "; " + self._cure(self.chance.choice(list(self._ill)))
        return what

    def _one(self) -> str:
        while True:
            if not self._deck:
                self._deck = [self.kill, self.sleep, self.cut, self.bounce, self.end_broker, self.ask, self.ask]
                self.chance.shuffle(self._deck)
            thing = self._deck.pop()
            if (what := thing()) is not None:
                self.happened[thing.__name__.replace("_", " ")] += 1
                return what

    def heal(self) -> None:
        """All is well again, and all connectors run that shall."""
        self.cure()
        for name, target in list(self.targets.items()):
            if target != "RUNNING" and name != self.made.of("paused"):
                self.aim(name, "resume", "RUNNING")

    # Faults.

    def cure(self) -> None:
        """No fault is left."""
        for name in list(self._ill):
            self._cure(name)

    def _cure(self, name: str) -> str:
        self._ill.pop(name)()
        return f"{name} is well again"

    def _well(self) -> list[Worker]:
        return [each for each in self.workers if each.id not in self._ill]

    def _victim(self) -> Worker | None:
        well = self._well()
        return self.chance.choice(well) if len(well) > 1 else None

    def kill(self) -> str | None:
        victim = self._victim()
        if victim is None:
            return None
        victim.kill()
        self._ill[victim.id] = victim.start
        return f"SIGKILL of {victim.id}"

    def sleep(self) -> str | None:
        victim = self._victim()
        if victim is None or victim.process is None:
            return None
        pid = victim.process.pid
        send(pid, signal.SIGSTOP)
        self._ill[victim.id] = lambda: send(pid, signal.SIGCONT)
        return f"SIGSTOP of {victim.id}"

    def cut(self) -> str | None:
        victim, link = self.workers[-1], self.cluster.link
        if link is None or victim not in self._well() or self._victim() is None:
            return None
        fault = self.chance.choice(["cut", "half-open"])
        link.suffer(fault)  # type: ignore[arg-type]
        self._ill[victim.id] = link.heal
        return f"{fault} link of {victim.id}"

    def bounce(self) -> str | None:
        victim = self._victim()
        if victim is None:
            return None
        assert victim.process is not None
        victim.process.terminate()
        victim.process.wait(PATIENCE)
        victim.start()
        return f"bounce of {victim.id}"

    def end_broker(self) -> str | None:
        """One alone is back before anything else happens."""
        brokers = self.cluster.brokers
        if any(each.name in self._ill for each in brokers):
            return None
        victim, how = self.chance.choice(brokers), self.chance.choice(["SIGTERM", "SIGKILL"])
        (victim.stop if how == "SIGTERM" else victim.kill)()
        if len(brokers) > 1:
            self._ill[victim.name] = victim.start
            return f"{how} of {victim.name}"
        for _ in stay(self.chance.choice([0, 4])):
            pass
        victim.start()
        return f"restart of {victim.name} after {how}"

    # Requests.

    def ask(self) -> str | None:
        name = self.made.of(self.chance.choice(sorted(SETTLED)))
        requests = [self._pause, self._stop, self._resume, self._restart, self._put, self._anew, self._create]
        return self.chance.choice(requests)(name)

    def _pause(self, name: str) -> str:
        return self.aim(name, "pause", "PAUSED")

    def _stop(self, name: str) -> str:
        return self.aim(name, "stop", "STOPPED")

    def _resume(self, name: str) -> str:
        return self.aim(name, "resume", "RUNNING")

    def aim(self, name: str, verb: str, target: str) -> str:
        """Asks until it is accepted."""
        self._insist("PUT", f"/connectors/{name}/{verb}")
        self.targets[name] = target
        return f"{verb} {name}"

    def _restart(self, name: str) -> str:
        how = self.chance.choice(
            ["restart", "restart?includeTasks=true", "restart?includeTasks=true&onlyFailed=true", "tasks/0/restart"]
        )
        self._try("POST", f"/connectors/{name}/{how}")
        return f"{how} of {name}"

    def _put(self, name: str) -> str:
        config = self.made.configs[name]
        more = {"errors.log.enable": self.chance.choice(["true", "false"])}
        if "tasks.max" in config:
            more["tasks.max"] = str(self.chance.randint(1, 3))
        self.made.configs[name] = config | more
        self._insist("PUT", f"/connectors/{name}/config", self.made.configs[name])
        return f"PUT {name} with {more}"

    def _anew(self, name: str) -> str:
        """A connector is deleted and made again under its name."""
        self._insist("DELETE", f"/connectors/{name}", known=404)
        self.create(self.made.configs[name])
        return f"DELETE and POST of {name}"

    def _create(self, name: str) -> str:
        """One more, which is deleted before it has done much; nothing of it may be left."""
        self._extra += 1
        extra = {**self.made.configs[self.made.of("failed")], "name": f"{name}-{self._extra}"}
        self._insist("POST", "/connectors", {"name": extra["name"], "config": extra}, known=409)
        self._insist("DELETE", f"/connectors/{extra['name']}", known=404)
        return f"POST and DELETE of {extra['name']}"

    def create(self, config: Config) -> None:
        """Asks until it is there."""
        self._insist("POST", "/connectors", {"name": config["name"], "config": config}, known=409)
        self.targets[config["name"]] = "RUNNING"

    def _insist(self, method: str, path: str, body: object = None, known: int = 0) -> None:
        """Asks worker after worker until one says yes. A former try may have been heard though nobody said so: then
        the answer is ``known``."""

        def accepted() -> bool:
            status = self._try(method, path, body)
            return status is not None and (status < 400 or status == known)

        until(accepted, PATIENCE, f"{method} {path} to be accepted", pause=0.3)

    def _try(self, method: str, path: str, body: object = None) -> int | None:
        worker = self.chance.choice(self._well())
        try:
            return WEB.request(method, worker.url + path, json=body).status_code
        except httpx.TransportError:
            return None
