"""Workers of a group in simulated time: production's own but for processes, threads, clocks, clients and networks."""

import random
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import ferryman.kafka.admin as kafka_admin
import ferryman.membership.connection as connection
from ferryman.api import Sink
from ferryman.config import Str, key
from ferryman.connector import SinkConfig
from ferryman.internal_topics import creation, kafka_log, status_topic, writers
from ferryman.kafka.clients import instance_id, task_of
from ferryman.plugins import catalog, others
from ferryman.plugins.entry import Entry
from ferryman.rest import app, forwarding
from ferryman.settings import settings
from ferryman.settings.modes import DISTRIBUTED
from ferryman.settings.settings import Settings
from ferryman.worker import places_in_groups
from ferryman.worker.control import worker_resources
from ferryman.worker.distributed import surplus_members
from ferryman.worker.distributed import worker as distributed
from ferryman.worker.distributed.worker import Worker
from ferryman.worker.requests import offsets
from tests.worker.lively_processes import Habits, LivelyForks, LivelyProcess
from tests.worker.plugins_in_process import plugins
from tests.worker.simulation import kafka_clients, threads
from tests.worker.simulation.coordinator import Coordinator
from tests.worker.simulation.machine import Host, Machine
from tests.worker.simulation.membership_client import Client
from tests.worker.simulation.network import Link
from tests.worker.simulation.owners import Owners
from tests.worker.simulation.topics import Kafka
from tests.worker.simulation.wire import Station, Wire

GRACE = 5.0


class MoodyConfig(SinkConfig):
    colour: Str = key("plain")
    """Something that its tasks are made of."""


class MoodySink(Sink[MoodyConfig]):
    """Whether it makes the configs of its tasks, and how fast, is a matter of its mood."""

    config_class = MoodyConfig
    moods: ClassVar[dict[str, Exception | float]] = {}
    """By connector: what it raises, or how many seconds it takes."""

    @classmethod
    def task_configs(cls, config: MoodyConfig, raw: Mapping[str, str]) -> list[Mapping[str, str]]:
        mood = cls.moods.get(config.name, 0.0)
        if isinstance(mood, Exception):
            raise mood
        if mood:
            threads.sleep(mood)
        return [raw] * config.tasks_max

    def put(self, records: Any) -> None:
        raise AssertionError("nobody runs it")


@dataclass(eq=False)
class Node:
    """One worker, from its start to its end."""

    host: Host
    url: str
    kafka_link: Link
    peers_link: Link
    forks: LivelyForks
    worker: Worker | None = None
    generations: list[int] = field(default_factory=list)
    """The generations that it was in."""
    members: set[str] = field(default_factory=set)
    """The ids that it had in the group: a former worker at its address may still have a session there."""
    good_since: float = 0.0
    """Since when its network is well, and it awake."""

    @property
    def lives(self) -> bool:
        return not self.host.dead

    def stands(self) -> str:
        """What it has, and what becomes of it."""
        if self.worker is None:
            return f"{self.host.name} has not begun"
        reconciler, name = self.worker.plane.reconciler, self.host.name
        places = {
            f"{connector}-{number}": (place.follower.wanted is not None, place.follower.settled, status)
            for (connector, number), place in reconciler.tasks.items()
            for status in [place.status("")]
        }
        shares = sorted(self.worker.share.now.work.tasks)
        told = {
            f"{connector}-{number}": (status.state.value, status.worker_id)
            for connector in self.worker.journal.facts.names()
            for number, status in self.worker.board.tasks(connector).items()
        }
        runs = [each.name for each in self.forks.live()]
        return f"{name} has {shares}, runs {runs}, says {told}; wanted, settled, status: {places}"

    @property
    def id(self) -> str:
        return self.url.partition("://")[2].rstrip("/")


@dataclass
class Cluster:
    """All workers, and what they share."""

    machine: Machine
    source: random.Random
    given: Mapping[str, str]
    nodes: list[Node] = field(default_factory=list)
    """All that there ever were."""
    count: dict[str, int] = field(default_factory=dict)
    """How often each thing happened."""
    habits: dict[str, Habits] = field(default_factory=dict)
    moved_offsets: list[str] = field(default_factory=list)
    """What was wrong when offsets were moved."""
    _live: list[Node] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = Host(self.machine, "world")
        self.kafka = Kafka(self.world.loop)
        self.group = Coordinator(self.world.loop)
        self.wire = Wire(self.world)
        self.owners = Owners(lambda: self.machine.now, lambda task, worker: None)
        self.settings: Settings = settings.parse(
            {
                "bootstrap.servers": "kafka:9092",
                "group.id": "simulated",
                "key.converter": "StringConverter",
                "value.converter": "StringConverter",
                "config.storage.topic": "configs",
                "offset.storage.topic": "offsets",
                "status.storage.topic": "statuses",
                "task.shutdown.graceful.timeout.ms": str(int(GRACE * 1000)),
                **self.given,
            },
            DISTRIBUTED,
        )
        MoodySink.moods = {}
        global _cluster
        _cluster = self

    def joins(self, number: int) -> Node:
        """A host for a worker with this number's address, which does nothing yet."""
        host = Host(self.machine, f"w{number}.{len(self.nodes)}")
        kafka, peers = (Link(host, self.world, self.source, count=self.count) for _ in range(2))
        forks = LivelyForks(self.world.loop)
        node = Node(host, f"http://10.0.0.{number}:8083/", kafka, peers, forks, good_since=self.machine.now)
        forks.habits = self.habits
        forks.watch = lambda process: self.owners.begins(host.name, process)
        self.nodes.append(node)
        self._live.append(node)
        _nodes[host] = node
        return node

    def starts(self, number: int) -> Node:
        """A worker with this number's address."""
        node = self.joins(number)
        host = node.host
        self.wire.stations[node.url] = station = Station(host, node.peers_link)

        async def runs() -> None:
            forkserver: Any = None
            node.worker = Worker(self.settings, forkserver, node.url)
            station.application = app.app(node.worker.herder, self.settings)
            await node.worker.start()

        host.loop.call_soon(lambda: _keep(host.loop.create_task(runs())))
        return node

    @property
    def live(self) -> list[Node]:
        self._live = [each for each in self._live if each.lives]
        return list(self._live)

    def dies(self, node: Node) -> None:
        """SIGKILL; its processes go with it."""
        node.host.die()
        self.wire.died(node.host)
        for process in node.forks.live():
            process.dies(-9)

    def processes(self, connector: str | None = None) -> list[tuple[Node, LivelyProcess]]:
        """The processes that live, on all workers; those of a worker that is dead have died with it."""
        return [(node, each) for node in self.live for each in node.forks.live(connector)]

    def counts(self, what: str, times: int = 1) -> None:
        self.count[what] = self.count.get(what, 0) + times


_cluster: Cluster | None = None
_nodes: dict[Host, Node] = {}
_tasks: set[Any] = set()


def _keep(task: Any) -> None:
    _tasks.add(task)


def forget() -> None:
    """Lets go of all that there was."""
    global _cluster
    _cluster = None
    _nodes.clear()
    _tasks.clear()


def _here() -> Node:
    return _nodes[threads.host()]


class _Offsets:
    """Offsets of a connector, which nobody may use while they are moved."""

    def __init__(self, plugin: object, clients: Any, *_: object) -> None:
        self._name = str(clients.connector) if hasattr(clients, "connector") else ""

    def read(self) -> list[object]:
        return []

    def alter(self, entries: object) -> str:
        return self._move("altered")

    def reset(self) -> str:
        return self._move("reset")

    def _move(self, said: str) -> str:
        assert _cluster is not None
        for _ in range(2):
            if acting := _cluster.owners.acting(self._name):
                _cluster.moved_offsets.append(f"{_cluster.machine.now:.2f}: offsets of {self._name} under {acting}")
            threads.sleep(0.5)
        _cluster.counts("moved offsets")
        return said


class _Groups:
    """The groups of sinks, where a place stays behind whoever had it, however he ends."""

    def __init__(self, resources: Any) -> None:
        self._whose = resources.identity

    def members(self, connector: str, config: object) -> Mapping[str, str]:
        threads.sleep(0.2)
        assert _cluster is not None
        tasks = [(task, member) for task, member in _cluster.owners.places.items() if _of(task)[0] == connector]
        return {instance_id(self._whose, *_of(task)): member for task, member in tasks}

    def remove(self, connector: str, config: object, members: Mapping[str, str]) -> None:
        threads.sleep(0.2)
        assert _cluster is not None
        for instance, member in members.items():
            number = task_of(instance, self._whose, connector)
            _cluster.counts("members removed", _cluster.owners.removes(f"{connector}-{number}", member))

    def close(self) -> None: ...


def _of(task: str) -> tuple[str, int]:
    connector, _, number = task.rpartition("-")
    return connector, int(number)


class _NoCluster:
    """Nobody asks what the cluster is called."""

    id = "simulated"

    def __init__(self, *_: object) -> None: ...

    def look(self) -> None: ...


async def _asked(context: object, method: str, url: str, content: bytes, headers: Mapping[str, str]) -> Any:
    node = _here()
    assert _cluster is not None
    _cluster.counts("requests between workers")
    given = {"accept": "application/json", **({"content-type": "application/json"} if content else {}), **headers}
    found = await _cluster.wire.asks(node.host, node.peers_link, method, url, content, given)
    return forwarding._Reply(found.status, found.headers, found.content)


def _kafka(made: Any) -> Any:
    def make(config: Mapping[str, Any]) -> Any:
        node = _here()
        assert _cluster is not None
        return made(config, node.host, node.kafka_link, _cluster.kafka)

    return make


def install(source: random.Random) -> None:
    """Puts the models where production has its clients, processes and networks."""
    client: Any = lambda **_: Client(_here().host, _here().kafka_link, _group())  # noqa: E731
    producer, consumer, admin = (
        _kafka(each) for each in (kafka_clients.Producer, kafka_clients.Consumer, kafka_clients.AdminClient)
    )
    nothing: Any = lambda *_: None  # noqa: E731
    places: Sequence[tuple[Any, str, Any]] = (
        (connection, "KafkaNetClient", client),
        (writers, "Producer", producer),
        (status_topic, "Producer", producer),
        (kafka_log, "Consumer", consumer),
        (kafka_admin, "AdminClient", admin),
        (forwarding, "_asked", _asked),
        (offsets, "ConnectorOffsets", _Offsets),
        (distributed, "Forks", lambda server: _here().forks),
        (distributed, "Cluster", _NoCluster),
        (distributed, "Admin", nothing),
        (creation, "create", nothing),
        (places_in_groups, "leave", nothing),
        (surplus_members, "_Groups", _Groups),
        (others, "points", lambda *groups: []),  # what is installed here, read again for each worker that begins
        (worker_resources, "Plugins", lambda settings, ask: plugins(settings)),
        (secrets, "token_bytes", source.randbytes),
    )
    for place, name, model in places:
        assert hasattr(place, name)
        setattr(place, name, model)
    catalog._resolved["sink", "Moody"] = Entry("sink", __name__, "MoodySink", ("Moody",))


def _group() -> Coordinator:
    assert _cluster is not None
    return _cluster.group
