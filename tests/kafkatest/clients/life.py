"""The life of a connector as a client lives it: what is asked, in which order, and what is awaited in between."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.kafkatest.connect import Connect
from tests.running import until

UNIQUE, FOLDER, WORKER = "UNIQUE", "FOLDER", "WORKER"
"""Stand for the test's name, its folder and the worker's host and port, in what is asked and in what is recorded."""
ODD = f"{UNIQUE} a>b é"
"""One client writes it so that no worker can read it: nothing is awaited of this connector."""
CONFIG = {
    "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
    "tasks.max": "1",
    "file": f"{FOLDER}/input",
    "topic": UNIQUE,
    "name": UNIQUE,
}
_NO_CLASS = {**CONFIG, "connector.class": "org.example.Nothing"}
_NO_TOPIC = {key: value for key, value in CONFIG.items() if key != "topic"}


@dataclass(frozen=True)
class Step:
    """One thing that a client is asked for."""

    do: str
    name: str = UNIQUE
    config: Mapping[str, str] = field(default_factory=dict)
    after: str | None = None
    """What is awaited first, a word of ``AWAITED``."""

    def asked(self) -> dict[str, Any]:
        """As a client's program reads it."""
        return {"do": self.do, "name": self.name, "task": 0, "config": dict(self.config)}


LIFE = (
    Step("root"),
    Step("list"),
    Step("plugins"),
    Step("validate", config=CONFIG),
    Step("validate", config=_NO_TOPIC),
    Step("get"),
    Step("create", config=_NO_TOPIC),
    Step("create", config=_NO_CLASS),
    Step("create", config=CONFIG),
    Step("create", config=CONFIG, after="runs"),
    Step("list"),
    Step("expanded"),
    Step("get"),
    Step("config"),
    Step("status"),
    Step("tasks"),
    Step("task status"),
    Step("topics", after="has written"),
    Step("pause"),
    Step("status", after="is paused"),
    Step("resume"),
    Step("restart", after="runs"),
    Step("restart all", after="runs"),
    Step("restart task", after="runs"),
    Step("update", config={**CONFIG, "batch.size": "7"}, after="runs"),
    Step("update", config={**_NO_TOPIC}, after="runs"),
    Step("config"),
    Step("stop", after="runs"),
    Step("status", after="is stopped"),
    Step("tasks"),
    Step("reset topics"),
    Step("delete"),
    *(Step(do, after="is gone") for do in ("get", "config", "status", "tasks", "task status", "topics")),
    *(Step(do) for do in ("pause", "resume", "stop", "restart", "restart all", "restart task", "delete")),
    Step("update", config=CONFIG),
    Step("delete"),
    Step("create", ODD, {**CONFIG, "name": ODD}, after="is gone"),
    Step("list"),
    Step("config", ODD),
    Step("delete", ODD),
    Step("list"),
)

AWAITED: Mapping[str, Callable[[Connect, str], object]] = {
    "runs": lambda connect, name: runs(connect, name),
    "has written": lambda connect, name: until(lambda: connect.topics(name), what=f"topics of {name}"),
    "is paused": lambda connect, name: paused(connect, name),
    "is stopped": lambda connect, name: stopped(connect, name),
    "is gone": lambda connect, name: connect.is_gone(name),
}


# A client may not be able to pause, resume or stop a connector: it has no call for it, or sends one that Kafka refuses.
# That is in its answers; the life goes on all the same.


def runs(connect: Connect, name: str) -> None:
    """Waits for a running connector."""
    connect.resume(name)
    connect.runs(name, 1)


def paused(connect: Connect, name: str) -> None:
    """Waits for a paused connector."""
    connect.pause(name)
    connect.is_paused(name, 1)


def stopped(connect: Connect, name: str) -> None:
    """Waits for a stopped connector."""
    connect.stop(name)
    connect.is_stopped(name)
