"""What was accepted over REST is there after each death of the leader, from a config topic that the broker compacts.

It dies between the config of a connector and those of its tasks, and whoever starts next makes up for it.
"""

import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from tests.reliability.flows import Config
from tests.reliability.links.broker import Broker
from tests.reliability.scoreboard.plugin import Trials
from tests.running import FERRYMAN, WEB, Worker, create_topic, distributed, until

NAMES = ["a", "b", "c"]
EAGER = {
    "segment_ms": "100",
    "min_cleanable_dirty_ratio": "0.01",
    "delete_retention_ms": "0",
    "max_compaction_lag_ms": "1",
}
"""The broker compacts whatever lies behind the last write."""


@dataclass
class Accepted:
    """A worker alone in its group, and what it has said yes to."""

    worker: Worker
    chance: random.Random
    configs: dict[str, Config] = field(default_factory=dict)
    targets: dict[str, str] = field(default_factory=dict)
    made: dict[str, Config | None] = field(default_factory=dict)
    """The config that the tasks are of: one that pauses makes none anew, one that is stopped has none any more."""
    doubtful: str = ""
    """The connector of the request that got no answer."""

    def change(self) -> None:
        """A request of any kind about any connector, until it is accepted or nobody answers."""
        name = self.chance.choice(NAMES)
        if name not in self.configs:
            self.put(name)
        else:
            self.chance.choice([self.put, self.put, self.target, self.delete])(name)

    def put(self, name: str) -> None:
        config = source(name, self.chance.randint(1, 3), self.chance.randint(10**8, 10**9))
        if self._asked("PUT", name, "/config", config):
            self.configs[name] = config
            self.is_to_be(name, self.targets.get(name, "RUNNING"))

    def target(self, name: str) -> None:
        verb, target = self.chance.choice([("pause", "PAUSED"), ("stop", "STOPPED"), ("resume", "RUNNING")])
        if self._asked("PUT", name, f"/{verb}", None):
            self.is_to_be(name, target)

    def is_to_be(self, name: str, target: str) -> None:
        self.targets[name] = target
        if target != "PAUSED":
            self.made[name] = self.configs[name] if target == "RUNNING" else None

    def delete(self, name: str) -> None:
        if self._asked("DELETE", name, "", None):
            del self.configs[name], self.targets[name], self.made[name]

    def _asked(self, method: str, name: str, path: str, body: object) -> bool:
        """False if the worker died before it answered."""
        status: list[int] = []

        def settled() -> bool:
            status[:] = [WEB.request(method, f"{self.worker.url}/connectors/{name}{path}", json=body).status_code]
            return status[0] != 409  # it rebalances

        try:
            until(settled, what=f"{method} {name}{path}")
        except httpx.TransportError:
            self.doubtful = name
            return False
        assert status[0] < 300, f"{status}, see {self.worker.log}"
        return True

    def dead(self) -> bool:
        assert self.worker.process is not None
        return self.worker.process.poll() is not None

    def settle(self) -> None:
        """Of what got no answer, either the old or the new holds; what it is is taken for accepted."""
        name, self.doubtful = self.doubtful, ""
        if not name:
            return
        found = WEB.get(f"{self.worker.url}/connectors/{name}/config")
        if found.status_code == 404:
            self.configs.pop(name, None)
            self.targets.pop(name, None)
            self.made.pop(name, None)
        else:
            self.configs[name] = found.json()
            self.is_to_be(name, str(until(lambda: self.worker.states(name))[0]))

    def differs(self) -> list[str]:
        """Where the worker says otherwise than was accepted."""
        names = self.worker.call("GET", "/connectors")
        if sorted(names) != sorted(self.configs):
            return [f"{names} instead of {sorted(self.configs)}"]
        return [found for name in names for found in self._differs(name)]

    def _differs(self, name: str) -> Iterator[str]:
        config, target = self.configs[name], self.targets[name]
        if (found := self.worker.call("GET", f"/connectors/{name}/config")) != config:
            yield f"{name} is {found}"
        tasks = [_intervals(made) for made in self._made(name)]
        if (states := self.worker.states(name)) not in [[target] * (1 + len(each)) for each in tasks]:
            yield f"{name} is {states} instead of {target} with tasks {tasks}"
        told = self.worker.call("GET", f"/connectors/{name}/tasks")
        if [each["config"].get("max.interval") for each in told] not in tasks:
            yield f"the tasks of {name} are {told} instead of {tasks}"

    def _made(self, name: str) -> list[Config | None]:
        """What the tasks may be of. Where a pause has kept them from following their connector's config, the broker
        compacts to records of tasks before any connector, and like Kafka Connect a worker that starts knows of none."""
        made = self.made[name]
        return [made] if made == self.configs[name] or self.targets[name] != "PAUSED" else [made, None]

    def check(self) -> None:
        """Until all that was accepted is so, or the worker has died of it."""
        found: list[str] = []

        def equal() -> bool:
            try:
                found[:] = self.differs()
            except httpx.TransportError:
                return bool(until(self.dead, what="its end"))
            return not found

        try:
            until(equal, pause=0.1)
        except AssertionError as error:
            raise AssertionError(f"{found}, see {self.worker.log}") from error


def _intervals(made: Config | None) -> list[str]:
    return [] if made is None else [made["max.interval"]] * int(made["tasks.max"])


def source(name: str, tasks: int, interval: int) -> Config:
    """One that has nothing to do for ever."""
    return {
        "name": name,
        "connector.class": "DatagenSource",
        "kafka.topic": "nowhere",
        "schema.string": '{"type": "record", "name": "r", "fields": [{"name": "n", "type": "long"}]}',
        "max.interval": str(interval),
        "tasks.max": str(tasks),
    }


def with_policy(kafka: str, topic: str, policy: str) -> None:
    entry = ConfigEntry("cleanup.policy", policy, incremental_operation=AlterConfigOpType.SET)
    changed = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.incremental_alter_configs([changed])[changed].result()


def refused(worker: Worker) -> str:
    """What a worker says that does not start."""
    command = [FERRYMAN, "distributed", str(worker.directory / f"worker-{worker.port}.properties")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    return done.stdout + done.stderr


@pytest.mark.timeout(3600)
@pytest.mark.scoreboard("R10")
def test_what_was_accepted_is_there_after_each_death_of_the_leader(
    tmp_path: Path, broken_broker: Broker, unique: str, trials: Trials
) -> None:
    kafka, topic, seed = broken_broker.address, f"{unique}-configs", random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    create_topic(kafka, topic, 1, cleanup_policy="compact", **EAGER)
    chosen = distributed(kafka, unique, exactly_once_source_support="disabled")
    one = Worker(tmp_path, chosen, environment={"FERRYMAN_CRASH_AT": "configs.before_tasks:4"}, mode="distributed")
    made = Accepted(one, random.Random(seed))
    try:
        for _ in range(trials.required):
            one.start()
            made.settle()
            made.check()
            while not made.dead():
                made.change()
                if not made.doubtful:
                    made.check()
            trials.held()
        with_policy(kafka, topic, "delete")
        assert "required to have 'cleanup.policy=compact'" in refused(one)
        with_policy(kafka, topic, "compact")
        one.environment.clear()
        one.start()
        made.settle()
        made.check()
    finally:
        one.stop()
