"""What must hold in a group at every moment, and what once all is well again."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from ferryman.assignment.protocol import decode_metadata
from ferryman.facts.config_records import ConnectorConfig
from ferryman.facts.fold import ConnectorFacts, Facts
from ferryman.facts.states import State, TargetState
from ferryman.worker.control.wanted import Instance
from tests.worker.simulation.calls import Calls
from tests.worker.simulation.cluster import GRACE, Cluster, Node
from tests.worker.simulation.topics import Entry

ANY_WORKER = (b"target-state-", b"logger-cluster-")
"""The keys of records that any worker may write."""
ROUNDING = 1e-6
HEARS = 15.0
"""Seconds in which a worker that is well knows what the config topic says, and has acted on it."""


@dataclass
class Checks:
    """The checks of one group. ``problems`` is what was found."""

    cluster: Cluster
    calls: Calls
    tell: Callable[[str], None]
    problems: list[str] = field(default_factory=list)
    _led: dict[str, int] = field(default_factory=dict)
    """By worker, the last generation that it led."""
    _newest: int = 0
    """The last generation of those who have written."""
    _deleted: dict[str, float] = field(default_factory=dict)
    """Connectors that there are not any more, and since when."""
    _undecided: list[tuple[ConnectorConfig, Entry]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cluster.group.leads = self._leads
        self.cluster.kafka.landed = self._landed
        self.cluster.kafka.handed_over = self._handed_over
        self.cluster.owners.problems = self.problems
        self.cluster.owners.allowed = self._allowed
        self.cluster.moved_offsets = self.problems

    @property
    def _now(self) -> float:
        return self.cluster.machine.now

    def _leads(self, generation: int, declared: bytes) -> None:
        url = decode_metadata(declared).url
        node = next(each for each in reversed(self.cluster.nodes) if each.url == url)
        self.cluster.counts("rebalances")
        self.tell(f"generation {generation} of {len(self.cluster.group.members)}, led by {node.host.name}")
        if self._led and max(self._led, key=lambda each: self._led[each]) != node.host.name:
            self.cluster.counts("changes of the leader")
        self._led[node.host.name] = generation

    def _landed(self, writer: str, topic: str, entry: Entry) -> None:
        if topic == "statuses":
            self.tell(f"{writer} writes {entry.key!r} {(entry.value or b'')[:90]!r}")
        if topic != "configs":
            return
        landing = self.calls.landed(self._now, writer, entry)
        self.tell(f"{writer} writes {entry.key!r} {(entry.value or b'')[-40:]!r} {entry.state}")
        if self.calls.fenced and not (entry.key or b"").startswith(ANY_WORKER):
            self._one_writes(writer, entry)
        if isinstance(landing.record, ConnectorConfig):
            self._undecided.append((landing.record, entry))

    def _hears(self) -> None:
        """Takes note of which connectors there are, once transactions have ended."""
        while self._undecided and self._undecided[0][1].state != "open":
            record, entry = self._undecided.pop(0)
            if entry.state == "committed" and record.properties is None:
                self._deleted.setdefault(record.connector, self._now)
            elif entry.state == "committed":
                self._deleted.pop(record.connector, None)

    def _one_writes(self, writer: str, entry: Entry) -> None:
        led = self._led.get(writer, -1)
        if led < self._newest:
            self.problems.append(
                f"{self._now:.2f}: {writer} writes {entry.key!r}, who led generation {led}, when the leader of"
                f" {self._newest} had written"
            )
        self._newest = max(self._newest, led)

    def _handed_over(self, writer: str, topic: str, key: bytes | None, claim: object) -> None:
        if topic != "configs" or (key or b"").startswith(ANY_WORKER):
            return
        if self.calls.fenced != (claim is not None):
            self.problems.append(f"{self._now:.2f}: {writer} writes {key!r} without the right to")
        newest = max(self._led.values(), default=-1)
        if not self.calls.fenced and self._led.get(writer, -1) < newest:
            self.problems.append(f"{self._now:.2f}: {writer} writes {key!r} when another leads generation {newest}")

    def _allowed(self, task: str, worker: str) -> str | None:
        node = next(each for each in self.cluster.nodes if each.host.name == worker)
        return self._too_late(task.rpartition("-")[0], node)

    def _too_late(self, connector: str, node: Node) -> str | None:
        self._hears()
        since = self._deleted.get(connector)
        if since is not None and self._now > max(since, node.good_since) + HEARS + GRACE:
            return f"its connector was deleted at {since:.2f}, and the worker is well since {node.good_since:.2f}"
        return None

    def look(self) -> None:
        """What can be seen at any moment."""
        machine = self.cluster.machine
        self.problems += machine.troubles
        machine.troubles.clear()
        self._hears()
        for node in self.cluster.live:
            self._goes_on(node)
            self._leased(node)
            if node.host.sleeps or not node.kafka_link.good or node.kafka_link.unnoticed:
                node.good_since = machine.now
        for connector in list(self._deleted):
            for node, process in self.cluster.processes(connector):
                late = self._too_late(connector, node)
                if late and process.begun and process.lease.ends > machine.now and not process.killed:
                    self.problems.append(f"{machine.now:.2f}: {process.name} acts still on {node.host.name}: {late}")

    def _leased(self, node: Node) -> None:
        """A lease ends before the session that the coordinator counts from the request's arrival; and a worker that is
        well keeps it while others take their time to join, for as long as the group is bound to wait for them."""
        if node.worker is None:
            return
        over, now, group, member = node.worker.group.lease.over, self._now, self.cluster.group, node.worker.group.member
        node.members.add(member._participant.view.member_id)
        sessions = [ends for each, ends in group.sessions() if each in node.members]
        if over > now and sessions and over > max(sessions) + ROUNDING:
            self.problems.append(f"{now:.2f}: the lease of {node.host.name} lasts to {over:.3f}, beyond {sessions}")
        given = self.cluster.settings.distributed
        session, rebalance = given.session_timeout_ms / 1000, given.rebalance_timeout_ms / 1000
        # It was in the generation that ends, and has been well since long before. Whoever waits for the assignments of
        # a leader that sleeps sends no heartbeat meanwhile, and may lose its lease; two of them later it has another.
        settled, beat = group.stable_since, given.heartbeat_interval_ms / 1000
        well = node.generations[-1:] == [group.generation] and node.good_since + 2 * session < group.preparing_since
        well = well and settled is not None and settled + 2 * beat < group.preparing_since
        # Who ends work for longer than the rebalance timeout leaves of its own accord, and joins anew.
        well = well and member.generation == group.generation and member._participant.fallen is None
        bound = group.preparing_since + rebalance - 2 * session
        if sessions and well and group.state == "preparing" and now < bound and node.worker.group.lease.ends <= now:
            self.problems.append(f"{now:.2f}: {node.host.name} is well, and has lost its lease in a rebalance")

    def _goes_on(self, node: Node) -> None:
        if node.worker is None:
            return
        generation = node.worker.group.member.generation
        if generation >= 0 and generation not in node.generations[-1:]:
            if node.generations and generation < node.generations[-1]:
                self.problems.append(f"{self._now:.2f}: {node.host.name} goes back to generation {generation}")
            node.generations.append(generation)

    # When all is well.

    def unsettled(self) -> str | None:
        """What is not yet as it is to be."""
        facts = self.calls.facts(self.cluster.kafka)
        nodes, group = self.cluster.live, self.cluster.group
        if group.state != "stable" or len(group.members) != len(nodes):
            return f"the group is {group.state}, with {len(group.members)} members"
        for node in nodes:
            worker = node.worker
            if worker is None or not worker.herder.ready or worker.group.member.generation != group.generation:
                return f"{node.host.name} is not in the group"
            if worker.journal.facts.connectors != facts.connectors:
                return f"{node.host.name} knows other facts"
        if sum(node.worker.group.leads for node in nodes if node.worker) != 1:
            return "not one leads"
        return self._shared_out(facts, nodes) or next(
            (found for name in facts.names() if (found := self._as_wanted(name, facts.of(name), nodes))), None
        )

    def _shared_out(self, facts: Facts, nodes: list[Node]) -> str | None:
        wanted = Counter((name, None) for name in facts.names()) + Counter(
            (name, number) for name in facts.names() for number in range(len(facts.of(name).tasks))
        )
        shares = [node.worker.share.now.instances for node in nodes if node.worker]
        given = Counter(each for share in shares for each in share)
        if given != wanted:
            return f"given out is {given}, wanted is {wanted}"
        kinds: list[tuple[str, Callable[[Instance], bool]]] = [
            ("connectors", lambda each: each[1] is None),
            ("tasks", lambda each: each[1] is not None),
        ]
        for what, is_one in kinds:
            loads = [sum(is_one(each) for each in share) for share in shares]
            if max(loads) > math.ceil(sum(loads) / len(loads)):
                return f"the {what} are not balanced: {loads}"
        return None

    def _as_wanted(self, name: str, facts: ConnectorFacts, nodes: list[Node]) -> str | None:
        processes = self.cluster.processes(name)
        names = sorted(each.name for _, each in processes)
        if len(set(names)) != len(names):
            return f"there are two of {names}"
        if facts.target is TargetState.PAUSED:
            moves = [each.name for _, each in processes if not each.wishes or each.wishes[-1] != "pause"]
            return f"{moves} do not pause" if moves else None
        if facts.target is TargetState.STOPPED:
            return f"{names} run though {name} is stopped" if names else self._states(name, facts, nodes)
        properties = facts.properties or {}
        if facts.applied != properties or len(facts.tasks) != int(properties["tasks.max"]):
            return f"the tasks' configs of {name} are not of its config"
        if names != sorted(f"{name}-{number}" for number in range(len(facts.tasks))):
            return f"of {name} with {len(facts.tasks)} tasks there run {names}"
        for node, each in processes:
            if not each.begun or each.lease.ends <= self._now or (each.wishes and each.wishes[-1] != "run"):
                return f"{each.name} on {node.host.name} does not act"
            if each.config["colour"] != properties["colour"]:
                return f"{each.name} has another config"
            assert node.worker is not None
            if not node.worker.share.now.has(name, int(each.name.rpartition("-")[2])):
                return f"{each.name} runs on {node.host.name}, who does not have it"
        return self._states(name, facts, nodes)

    def _states(self, name: str, facts: ConnectorFacts, nodes: list[Node]) -> str | None:
        """Whether all tell the same of a connector, and it is true."""
        wanted = State(facts.target.value)
        for node in nodes:
            assert node.worker is not None
            own, tasks = node.worker.board.status(name), node.worker.board.tasks(name)
            told = [None if own is None else own.state, *(each.state for each in tasks.values())]
            if told != [wanted] * (len(facts.tasks) + 1):
                return f"{node.host.name} says of {name}: {told}, and not {wanted}"
            for number, each in tasks.items():
                runs = next(other for other in nodes if other.worker and other.worker.share.now.has(name, number))
                if each.worker_id != runs.id:
                    return f"{node.host.name} says that {name}-{number} is on {each.worker_id}, not {runs.id}"
        return None
