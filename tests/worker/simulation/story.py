"""What befalls a group in one simulation: requests, faults and their ends, all drawn from one source."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import orjson

from ferryman.errors import ConfigError, TaskError
from ferryman.facts.states import State
from tests.worker.lively_processes import Habits
from tests.worker.simulation.calls import Call, Calls
from tests.worker.simulation.checks import Checks
from tests.worker.simulation.cluster import GRACE, Cluster, MoodySink, Node
from tests.worker.simulation.network import Link
from tests.worker.simulation.takeovers import Takeover

NAMES = ("a", "b", "c")
LOOK = 0.5
"""Seconds between two looks at what must always hold."""
LONGEST = 70.0
"""Seconds between two tries where something was in the way, and what a start takes."""
LATEST = 120.0
"""Seconds after which what was asked for has happened, or never will."""
ENDS = GRACE + 12.0
"""Seconds in which a worker that gets SIGTERM ends."""


@dataclass
class Story:
    """One group from its beginning to its end. ``tell`` notes what happens."""

    cluster: Cluster
    source: random.Random
    most: int
    """How many workers there are when all is well."""
    recovers: float
    """Seconds in which the group must be as wanted once all is well."""
    tell: Callable[[str], None]
    calls: Calls = field(init=False)
    checks: Checks = field(init=False)
    _running: set["asyncio.Task[Any]"] = field(default_factory=set)
    _marks: int = 0
    _asked: int = 0
    """How many requests are under way."""
    _restarts_asked: float = -1000.0
    """When a restart was asked for last: it may come when nobody waits for it any more."""
    _calm: bool = False

    def __post_init__(self) -> None:
        self.calls = Calls(self.cluster.settings.distributed.fenced_writes)
        self.checks = Checks(self.cluster, self.calls, self.tell)

    async def runs(self, phases: int) -> None:
        """Trouble and recovery by turns, and an end in order."""
        self._goes(self._looks())
        for number in range(1, self.most + 1):
            self.cluster.starts(number)
        for _ in range(phases):
            await self._trouble(self.source.uniform(60, 240))
            await self._recovery()
            await self._takeover()
        self._calm = True
        for node in self.cluster.live:
            self._goes(self._ends(node))
        while self.cluster.live:
            await asyncio.sleep(LOOK)
        left = [each.name for _, each in self.cluster.processes()]
        assert not left, f"processes are left: {left}"

    def _goes(self, what: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(what)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _looks(self) -> None:
        while True:
            self.checks.look()
            await asyncio.sleep(LOOK)

    async def _trouble(self, seconds: float) -> None:
        until = self._now + seconds
        kinds: list[tuple[Callable[[], None], int]] = [
            (self._call, 40),
            (self._network, 10),
            (self._sleep, 6),
            (self._suspend, 3),
            (self._clock, 3),
            (self._ambush, 4),
            (self._kill, 4),
            (self._bounce, 4),
            (self._start, 3),
            (self._process, 6),
            (self._habit, 6),
            (self._mood, 4),
        ]
        pace = self.source.choice([1.0, 4.0, 15.0])
        while self._now < until:
            await asyncio.sleep(min(self.source.expovariate(1 / pace), until - self._now))
            if self._now >= until:
                break
            self.source.choices([each for each, _ in kinds], [weight for _, weight in kinds])[0]()

    @property
    def _now(self) -> float:
        return self.cluster.machine.now

    def _some(self) -> Node | None:
        return self.source.choice(self.cluster.live) if self.cluster.live else None

    # Requests.

    def _call(self) -> None:
        node = self._some()
        if node is None:
            return
        name, draw = self.source.choice(NAMES), self.source.random()
        if draw < 0.35:
            self._goes(self._config(node, name))
        elif draw < 0.55:
            self._goes(self._changes(node, Call(name, "delete", "", self._now), "DELETE", f"/connectors/{name}"))
        elif draw < 0.75:
            verb, target = self.source.choice([("pause", "PAUSED"), ("resume", "RUNNING"), ("stop", "STOPPED")])
            self._goes(self._changes(node, Call(name, target, "", self._now), "PUT", f"/connectors/{name}/{verb}"))
        elif draw < 0.85:
            path = self.source.choice(
                [
                    f"/connectors/{name}/restart",
                    f"/connectors/{name}/restart?includeTasks=true",
                    f"/connectors/{name}/tasks/0/restart",
                ]
            )
            self._goes(self._asks(node, "POST", path))
        elif draw < 0.97:
            self._goes(self._moves_offsets(node, name))
        else:
            self._goes(self._asks(node, "GET", f"/connectors/{name}/status"))

    async def _config(self, node: Node, name: str) -> None:
        self._marks += 1
        mark, tasks = f"c{self._marks}", self.source.randint(1, 4)
        call = Call(name, "config", mark, self._now)
        config = {"connector.class": "Moody", "topics": "t", "tasks.max": str(tasks), "colour": mark}
        draw = self.source.random()
        if draw < 0.3:
            await self._changes(node, call, "POST", "/connectors", {"name": name, "config": config})
        elif draw < 0.5:
            await self._changes(node, call, "PATCH", f"/connectors/{name}/config", {"colour": mark})
        else:
            await self._changes(node, call, "PUT", f"/connectors/{name}/config", config)

    async def _changes(self, node: Node, call: Call, method: str, path: str, body: object = None) -> None:
        self.calls.calls.append(call)
        call.status = await self._asks(node, method, path, body)
        call.ended = self._now

    async def _moves_offsets(self, node: Node, name: str) -> None:
        await self._changes(node, Call(name, "STOPPED", "", self._now), "PUT", f"/connectors/{name}/stop")
        await asyncio.sleep(self.source.choice([0.0, 0.5, 5.0, 20.0]))
        if (again := self._some()) is not None:
            await self._asks(again, "DELETE", f"/connectors/{name}/offsets")

    async def _asks(self, node: Node, method: str, path: str, body: object = None) -> int | None:
        """The status of the answer; None if nobody answers as long as the client waits."""
        patience = self.source.choice([3.0, 30.0, 120.0])
        content = b"" if body is None else orjson.dumps(body)
        headers = {"content-type": "application/json", "accept": "application/json"} if content else {}
        status = None
        self._asked += 1
        if "restart" in path:
            self._restarts_asked = self._now
        try:
            async with asyncio.timeout(patience):
                url = node.url.rstrip("/") + path
                found = await self.cluster.wire.asks(self.cluster.world, None, method, url, content, headers)
                status = found.status
        except (TimeoutError, ConnectionError):
            pass
        finally:
            self._asked -= 1
        self.cluster.counts("requests")
        self.cluster.counts(f"answered {status}")
        self.tell(f"{method} {path} {content.decode()} at {node.host.name}: {status}")
        return status

    # Faults.

    def _network(self) -> None:
        node = self._some()
        if node is not None:
            link = self.source.choice([node.kafka_link, node.kafka_link, node.peers_link])
            kind = self.source.choice(["slow", "fades", "loses", "answers", "cut", "cut"])
            self._goes(self._link(node, link, kind, self.source.uniform(1, 45)))

    async def _link(self, node: Node, link: Link, kind: str, seconds: float) -> None:
        which = "peers" if link is node.peers_link else "kafka"
        self.tell(f"{node.host.name}: {which} {kind} for {seconds:.1f} s")
        self.cluster.counts(f"network {kind}")
        match kind:
            case "slow":
                link.delay = self.source.choice([0.2, 1.0, 4.0])
            case "fades":
                link.delay = 6.0
                await asyncio.sleep(seconds / 2)
                link.cut = True
            case "loses":
                link.lost = self.source.choice([0.1, 0.5])
            case "answers":
                link.unanswered = self.source.choice([0.1, 0.5])
            case "cut":
                link.cut = True
        await asyncio.sleep(seconds)
        link.heals()

    def _sleep(self) -> None:
        node = self._some()
        if node is not None and not node.host.sleeps:
            session = self.cluster.settings.distributed.session_timeout_ms / 1000
            self._goes(self._sleeps(node, self.source.choice([0.3, 0.9, 1.2, 2.0, 4.0]) * session))

    def _suspend(self) -> None:
        """Its computer sleeps, too: for the monotonic clock no time passes."""
        node = self._some()
        if node is not None and not node.host.sleeps:
            session = self.cluster.settings.distributed.session_timeout_ms / 1000
            self.cluster.counts("suspended computers")
            node.host.suspends = True
            self._goes(self._sleeps(node, self.source.choice([0.5, 0.9, 1.2, 4.0, 60.0]) * session))

    def _clock(self) -> None:
        """Somebody puts its clock on the wall right, or wrong."""
        node = self._some()
        if node is not None:
            seconds = self.source.choice([-86_400.0, -3600.0, -30.0, -2.0, 2.0, 30.0, 3600.0, 86_400.0])
            self.tell(f"the clock of {node.host.name} jumps by {seconds:.0f} s")
            self.cluster.counts("clock jumps ahead" if seconds > 0 else "clock jumps back")
            node.host.wall += seconds

    def _ambush(self) -> None:
        """The next worker on which a task begins is hit at once."""
        self.cluster.owners.began = self._hits

    def _hits(self, worker: str) -> None:
        self.cluster.owners.began = lambda worker: None
        node = next((each for each in self.cluster.live if each.host.name == worker), None)
        if node is not None and not self._calm and not node.host.sleeps:
            session = self.cluster.settings.distributed.session_timeout_ms / 1000
            if self.source.random() < 0.5:
                self._goes(self._sleeps(node, 3 * session))
            else:
                self._goes(self._link(node, node.kafka_link, "cut", 2 * session))

    async def _sleeps(self, node: Node, seconds: float) -> None:
        self.tell(f"{node.host.name} sleeps for {seconds:.1f} s")
        self.cluster.counts("sleeps")
        node.host.sleeps = True
        await asyncio.sleep(seconds)
        node.host.sleeps = False

    def _kill(self) -> None:
        node = self._some()
        if node is not None:
            self.tell(f"{node.host.name} is killed")
            self.cluster.counts("kills")
            self.cluster.dies(node)
            self._goes(self._comes_back(node))

    async def _comes_back(self, node: Node) -> None:
        await asyncio.sleep(self.source.choice([0.5, 5.0, 20.0, 60.0]))
        if not self._calm and all(each.url != node.url for each in self.cluster.live):
            self._begins(node.url)

    def _begins(self, url: str) -> None:
        node = self.cluster.starts(int(url.partition("10.0.0.")[2].partition(":")[0]))
        self.tell(f"{node.host.name} starts")

    def _start(self) -> None:
        missing = self._missing(self.most + 1)
        if missing:
            self._begins(self.source.choice(missing))

    def _missing(self, most: int) -> list[str]:
        urls = {each.url for each in self.cluster.live}
        return [url for number in range(1, most + 1) if (url := f"http://10.0.0.{number}:8083/") not in urls]

    def _bounce(self) -> None:
        node = self._some()
        if node is not None and node.worker is not None and node.worker.herder.ready and not node.host.sleeps:
            self._goes(self._bounces(node))

    async def _bounces(self, node: Node) -> None:
        await self._ends(node)
        await self._comes_back(node)

    async def _ends(self, node: Node) -> None:
        """SIGTERM."""
        self.tell(f"{node.host.name} is to end")
        self.cluster.counts("ends in order")
        done = asyncio.get_running_loop().create_future()

        async def closes() -> None:
            assert node.worker is not None
            await node.worker.close()
            if not done.done():
                done.set_result(None)

        node.host.loop.call_soon(lambda: self._running.add(node.host.loop.create_task(closes())))
        spent = 0.0
        while not done.done() and node.lives and spent < ENDS:
            await asyncio.sleep(0.1)
            if not node.host.sleeps and node.kafka_link.good:
                spent += 0.1
        if node.lives:
            if not done.done():
                self.checks.problems.append(
                    f"{self._now:.2f}: {node.host.name} does not end within {ENDS} s:\n{node.host.stands()}"
                )
            self.cluster.dies(node)
            self.tell(f"{node.host.name} has ended")

    def _process(self) -> None:
        live = [each for _, each in self.cluster.processes() if not each.killed and each.begun]
        if live:
            process, how = self.source.choice(live), self.source.choice(["dies", "fails", "ends"])
            self.tell(f"process {process.name} {how}")
            self.cluster.counts(f"process {how}")
            match how:
                case "dies":
                    process.dies(-9)
                case "fails":
                    process.fails()
                case "ends":
                    process.says("stopped")
                    process.dies()

    def _habit(self) -> None:
        habits = self.cluster.habits.setdefault(self.source.choice(NAMES), Habits())
        habits.starts_in = self.source.choice([0.0, 0.1, 5.0])
        habits.ends_in = self.source.choice([0.0, 0.2, 3.0, 20.0, None])
        habits.dies_in = self.source.choice([0.0, 0.5, 8.0, 30.0, 30.0])
        habits.fails = self.source.random() < 0.15
        habits.crashes = self.source.random() < 0.15

    def _mood(self) -> None:
        name = self.source.choice(NAMES)
        mood = self.source.choice([None, 0.5, 5.0, "config", "task", "away"])
        raised: dict[object, Exception | float] = {
            "config": ConfigError.for_key("colour", "it does not like it"),
            "task": TaskError("there are too many"),
            "away": ConnectionError("the database is away"),
            0.5: 0.5,
            5.0: 5.0,
        }
        if mood is None:
            MoodySink.moods.pop(name, None)
        else:
            MoodySink.moods[name] = raised[mood]

    # When all is well again.

    async def _recovery(self) -> None:
        self._calm, self.cluster.owners.began = True, lambda worker: None
        self._all_obey()
        self.tell("all is well again")
        began, asked = self._now, self._now
        while (reason := self._unsettled()) is not None:
            await asyncio.sleep(LOOK)
            self._all_obey()
            if self._asked:
                began = self._now  # what was asked for before may still change everything
            if self._now > began + self.recovers:
                after = f"{self._now:.2f}: {self.recovers:.0f} s after all was well: {reason}"
                raise AssertionError("\n".join([after, *(each.stands() for each in self.cluster.live)]))
            if self._now > asked + 15.0:
                asked = self._now
                await self._restart_failed()
        self.cluster.counts("recoveries")
        took = self._now - began
        self.tell(f"settled after {took:.1f} s")
        self.cluster.count["longest recovery"] = max(int(took), self.cluster.count.get("longest recovery", 0))
        await self._stays()
        self.checks.problems += list(self.calls.problems())
        self._calm = False

    async def _takeover(self) -> None:
        if len(self.cluster.live) > 1:
            self._calm = True
            takeover = Takeover(self.cluster, self.calls, self.tell, self.checks.problems)
            victim, how = self.source.choice(self.cluster.live), self.source.choice(["killed", "sleeps", "cut off"])
            await takeover.of(victim, how)
            self._all_obey()
            self._calm = False

    def _unsettled(self) -> str | None:
        if self._asked:
            return f"{self._asked} requests are under way"
        late = [each.host.name for each in self.cluster.live if each.kafka_link.unnoticed]
        return f"{late} have not noticed yet that a connection broke" if late else self.checks.unsettled()

    async def _stays(self) -> None:
        """What is settled moves no more, unless somebody asks for something yet."""
        before, forked = self._basis, self._forked
        await asyncio.sleep(30.0)
        if before == self._basis and self._now > self._restarts_asked + LATEST:
            moved = list((Counter(self._forked) - Counter(forked)).elements())
            assert not moved, f"what was settled moves again: {moved}"
            reason = self.checks.unsettled()
            assert reason is None, f"what was settled is not any more: {reason}"

    @property
    def _basis(self) -> object:
        """What every decision rests on: the facts, and who is in the group; with the eager protocol, each rebalance."""
        group, eager = self.cluster.group, self.cluster.settings.distributed.connect_protocol == "eager"
        return dict(self.calls.facts(self.cluster.kafka).connectors), group.expired, eager and group.generation

    @property
    def _forked(self) -> list[str]:
        return [f"{each.name} on {node.host.name}" for node in self.cluster.nodes for each in node.forks.processes]

    def _all_obey(self) -> None:
        MoodySink.moods.clear()
        for habits in self.cluster.habits.values():
            habits.starts_in, habits.ends_in, habits.dies_in = 0.1, 0.1, 0.0
            habits.fails = habits.crashes = False
        for node in self.cluster.live:
            node.host.sleeps = False
            node.kafka_link.heals()
            node.peers_link.heals()
        if len(self.cluster.live) < self.most:
            for url in self._missing(self.most)[: self.most - len(self.cluster.live)]:
                self._begins(url)

    async def _restart_failed(self) -> None:
        for node in self.cluster.live[:1]:
            if node.worker is None:
                continue
            for name in node.worker.journal.facts.names():
                own, tasks = node.worker.board.status(name), node.worker.board.tasks(name)
                states = [*(each.state for each in tasks.values()), *([own.state] if own else [])]
                if State.FAILED in states:
                    await self._asks(node, "POST", f"/connectors/{name}/restart?includeTasks=true&onlyFailed=true")
