"""What befalls a group of workers: kills, sleeps, a cut link, bounces, and requests at any of them.

What was asked for and accepted is kept, to be compared with what the group says in the end. A fault may last into the
periods that follow, so that several are there at once; one worker is always well.
"""

import random
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx

from tests.reliability.chaos.connectors import Connectors
from tests.reliability.flows import Config
from tests.reliability.links.proxy import Proxy
from tests.running import WEB, Worker, send, until

SETTLED = frozenset({"inserted", "upserted", "s3", "mail", "lines", "journal", "grown", "paid"})
"""Whose tasks and targets may be changed without another ledger."""


@dataclass
class Nemesis:
    """Draws what happens in a period, and does it."""

    workers: Sequence[Worker]
    cut_off: Worker
    """The worker whose link to Kafka can be cut."""
    link: Proxy
    made: Connectors
    chance: random.Random
    targets: dict[str, str] = field(default_factory=dict)
    """What each connector is to be: RUNNING, PAUSED or STOPPED."""
    _ill: dict[int, Callable[[], None]] = field(default_factory=dict)
    """The workers that are not well, by port, and what makes them well again."""
    _extra: int = 0

    def period(self) -> str:
        """One thing happens, and perhaps another one ends."""
        things = [self.kill, self.sleep, self.cut, self.bounce, self.ask, self.ask]
        what = self.chance.choice(things)()
        self.made.feed()
        if self._ill and self.chance.random() < 0.5:
            what += "; " + self._cure(self.chance.choice(list(self._ill)))
        return what

    def heal(self) -> None:
        """All is well again, and all connectors run that shall."""
        for port in list(self._ill):
            self._cure(port)
        for name, target in list(self.targets.items()):
            if target != "RUNNING" and name != self.made.of("paused"):
                self.aim(name, "resume", "RUNNING")

    # Faults.

    def _well(self) -> list[Worker]:
        return [each for each in self.workers if each.port not in self._ill]

    def _victim(self) -> Worker | None:
        well = self._well()
        return self.chance.choice(well) if len(well) > 1 else None

    def _cure(self, port: int) -> str:
        self._ill.pop(port)()
        return f"{port} is well again"

    def kill(self) -> str:
        victim = self._victim()
        if victim is None:
            return "nothing"
        victim.kill()
        self._ill[victim.port] = lambda: (victim.start(), None)[1]
        return f"SIGKILL of {victim.port}"

    def sleep(self) -> str:
        victim = self._victim()
        if victim is None or victim.process is None:
            return "nothing"
        pid = victim.process.pid
        send(pid, signal.SIGSTOP)
        self._ill[victim.port] = lambda: send(pid, signal.SIGCONT)
        return f"SIGSTOP of {victim.port}"

    def cut(self) -> str:
        if self.cut_off not in self._well() or self._victim() is None:
            return "nothing"
        fault = self.chance.choice(["cut", "half-open"])
        self.link.suffer(fault)  # type: ignore[arg-type]
        self._ill[self.cut_off.port] = self.link.heal
        return f"{fault} link of {self.cut_off.port}"

    def bounce(self) -> str:
        victim = self._victim()
        if victim is None:
            return "nothing"
        assert victim.process is not None
        victim.process.terminate()
        victim.process.wait(120)
        victim.start()
        return f"bounce of {victim.port}"

    # Requests.

    def ask(self) -> str:
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

        until(accepted, 120, f"{method} {path} to be accepted", pause=0.3)

    def _try(self, method: str, path: str, body: object = None) -> int | None:
        worker = self.chance.choice(self._well())
        try:
            return WEB.request(method, worker.url + path, json=body).status_code
        except httpx.TransportError:
            return None
