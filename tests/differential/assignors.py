"""Kafka Connect's own assignors in this process, asked what ours is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jpype

from ferryman.assignment.incremental import Round, Share
from ferryman.assignment.protocol import Task, Work
from tests.differential.jvm import connect, java


def task_id(task: Task) -> Any:
    return connect("util.ConnectorTaskId")(*task)


def tasks(found: Any) -> tuple[Task, ...]:
    return tuple((str(task.connector()), int(task.task())) for task in found)


def names(found: Any) -> tuple[str, ...]:
    return tuple(str(name) for name in found)


def listed(items: Any) -> Any:
    made = java("java.util.ArrayList")()
    for item in items:
        made.add(item)
    return made


def snapshot(configured: Work) -> Any:
    """A ClusterConfigState that has these connectors and tasks, and nothing else of interest."""

    def empty() -> Any:
        return java("java.util.HashMap")()

    counts, configs, task_configs = empty(), empty(), empty()
    for name in configured.connectors:
        configs.put(name, empty())
        count = sum(task[0] == name for task in configured.tasks)
        counts.put(name, java("java.lang.Integer")(count))
    for task in configured.tasks:
        task_configs.put(task_id(task), empty())
    nothing = java("java.util.HashSet")
    return connect("storage.ClusterConfigState")(
        1, None, counts, configs, empty(), task_configs, empty(), empty(), empty(), nothing(), nothing()
    )


@dataclass
class Theirs:
    """org.apache.kafka.connect.runtime.distributed.IncrementalCooperativeAssignor."""

    max_delay: int
    now: int = 0
    assignor: Any = field(init=False)

    def __post_init__(self) -> None:
        clock = self

        class Time:
            def milliseconds(self) -> int:
                return clock.now

            def nanoseconds(self) -> int:
                return clock.now * 1_000_000

            def sleep(self, millis: int) -> None:
                raise AssertionError("it sleeps")

            def waitObject(self, one: Any, condition: Any, deadline: int) -> None:  # noqa: N802
                raise AssertionError("it waits")

        time = jpype.JProxy("org.apache.kafka.common.utils.Time", inst=Time())
        context = java("org.apache.kafka.common.utils.LogContext")()
        self.assignor = connect("runtime.distributed.IncrementalCooperativeAssignor")(context, time, self.max_delay)

    def decide(self, round_: Round) -> tuple[Mapping[str, Share], int]:
        """As ``Ours.decide``; what members run is given in the order in which ours takes it."""
        self.now = round_.now_ms
        builder = connect("runtime.distributed.WorkerCoordinator$ConnectorsAndTasks$Builder")
        members = java("java.util.TreeMap")()
        for member, work in round_.members.items():
            made = builder().addConnectors(listed(sorted(work.connectors)))
            members.put(member, made.addTasks(listed(map(task_id, sorted(work.tasks)))).build())
        done = self._method("performTaskAssignment", 4).invoke(
            self.assignor,
            snapshot(round_.configured),
            java("java.lang.Integer")(round_.completed),
            java("java.lang.Integer")(round_.generation),
            members,
        )
        shares = {member: self._share(done, member) for member in round_.members}
        return shares, int(self._field("delay"))

    def _share(self, done: Any, member: str) -> Share:
        def of(connectors: str, their_tasks: str) -> Work:
            parts = [self._call(done, name) for name in (connectors, their_tasks)]
            found = [part.get(member) if part.containsKey(member) else () for part in parts]
            return Work(names(found[0]), tasks(found[1]))

        return Share(
            of("newlyAssignedConnectors", "newlyAssignedTasks"),
            of("newlyRevokedConnectors", "newlyRevokedTasks"),
            of("allAssignedConnectors", "allAssignedTasks"),
        )

    def _call(self, done: Any, name: str) -> Any:
        method = done.getClass().getDeclaredMethod(name)
        method.setAccessible(True)
        return method.invoke(done)

    def _method(self, name: str, parameters: int) -> Any:
        (method,) = (
            each
            for each in self.assignor.getClass().getDeclaredMethods()
            if str(each.getName()) == name and len(each.getParameterTypes()) == parameters
        )
        method.setAccessible(True)
        return method

    def _field(self, name: str) -> Any:
        found = self.assignor.getClass().getDeclaredField(name)
        found.setAccessible(True)
        return found.get(self.assignor)


def plain(share: Share) -> Any:
    """A share in a form that has no order."""
    return [(set(work.connectors), set(work.tasks)) for work in (share.given, share.revoked, share.total)]
