"""What the leader of a group tells its members, whichever protocol they speak."""

from collections.abc import Mapping
from dataclasses import dataclass

from ferryman.assignment import eager, incremental
from ferryman.assignment.incremental import Memory, Round
from ferryman.assignment.protocol import CONFIG_MISMATCH, NO_ERROR, NO_WORK, VERSIONS, Assignment, Metadata, Task, Work


@dataclass(frozen=True, slots=True)
class Configs:
    """The configs as the leader knows them."""

    offset: int
    """How far it has read the config topic."""
    tasks: Mapping[str, int]
    """Every connector, and how many tasks it has."""

    @property
    def work(self) -> Work:
        """Everything that somebody has to run."""
        tasks = [(name, number) for name, count in self.tasks.items() for number in range(count)]
        return Work(tuple(self.tasks), tuple(tasks))


@dataclass(frozen=True, slots=True)
class Group:
    """The group in a rebalance."""

    protocol: str
    """The sub-protocol that the coordinator has chosen: a key of VERSIONS."""
    leader: str
    """This member's id."""
    members: Mapping[str, Metadata]
    """Everybody, the leader too, by member id."""
    strangers: frozenset[str]
    """Members that are not Ferryman workers: they get no work."""
    completed: int
    """The last generation that the leader has completed, -1 for none."""
    generation: int
    """The one that is being formed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The outcome: what each member is told, and what the leader keeps."""

    assignments: Mapping[str, Assignment]
    connectors: Mapping[str, str]
    """The URL of the worker that runs each connector, or will when it is free."""
    tasks: Mapping[Task, str]
    """The same of tasks."""
    memory: Memory
    again: bool = False
    """Whether the leader shall ask for another round at once."""


def plan(group: Group, configs: Configs, memory: Memory, now_ms: int, max_delay_ms: int) -> Plan:
    """The plan for a group.

    A leader that knows less than a member assigns nothing, as in Kafka Connect: everybody is told about the mismatch,
    reads on and joins again. Nothing is assigned either when a group falls back to the eager protocol while members
    still run work: they end it first, and join again.
    """
    newest = max(metadata.config_offset for metadata in group.members.values())
    if configs.offset < newest:
        mismatch = _assignment(group, CONFIG_MISMATCH, newest)
        return Plan(dict.fromkeys(group.members, mismatch), {}, {}, memory)
    nothing = dict.fromkeys(group.members, _assignment(group, NO_ERROR, configs.offset))
    ours = {member: metadata for member, metadata in group.members.items() if member not in group.strangers}
    held = {member: NO_WORK if one.assignment is None else one.assignment.assigned for member, one in ours.items()}
    if VERSIONS[group.protocol] == 0 and any(held.values()):
        return Plan(nothing, {}, {}, memory, again=True)
    if VERSIONS[group.protocol] == 0:
        totals = eager.assign(configs.work, ours)
        given = {member: _assignment(group, NO_ERROR, configs.offset, work) for member, work in totals.items()}
        return Plan(nothing | given, *_owners(group, totals), memory)
    round_ = Round(configs.work, held, group.completed, group.generation, now_ms)
    shares, memory = incremental.assign(memory, round_, max_delay_ms)
    given = {
        member: _assignment(group, NO_ERROR, configs.offset, share.given, share.revoked, memory.delay_ms)
        for member, share in shares.items()
    }
    return Plan(nothing | given, *_owners(group, {member: share.total for member, share in shares.items()}), memory)


def _assignment(
    group: Group, error: int, offset: int, given: Work = NO_WORK, revoked: Work = NO_WORK, delay_ms: int = 0
) -> Assignment:
    return Assignment(error, group.leader, group.members[group.leader].url, offset, given, revoked, delay_ms)


def _owners(group: Group, totals: Mapping[str, Work]) -> tuple[dict[str, str], dict[Task, str]]:
    connectors, tasks = dict[str, str](), dict[Task, str]()
    for member, work in totals.items():
        url = group.members[member].url
        connectors |= dict.fromkeys(work.connectors, url)
        tasks |= dict.fromkeys(work.tasks, url)
    return connectors, tasks
