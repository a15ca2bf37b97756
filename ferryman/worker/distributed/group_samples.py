"""The metrics of a worker's place in its group."""

from collections.abc import Iterator

from ferryman.assignment.protocol import Work
from ferryman.membership.member import Member
from ferryman.metrics.exposition import Sample
from ferryman.metrics.family import Value
from ferryman.metrics.registry import OF_ATTRIBUTE

REBALANCE, COORDINATOR = "connect-worker-rebalance-metrics", "connect-coordinator-metrics"
PROTOCOLS = ("eager", "compatible", "sessioned")
"""By version."""


def samples(member: Member, work: Work) -> Iterator[Sample]:
    """The samples about the group as they are now."""
    rebalances = member.rebalances
    texts = {"leader-name": member.leader_url or "", "connect-protocol": PROTOCOLS[member.protocol_version]}
    for attribute, text in texts.items():
        yield OF_ATTRIBUTE[REBALANCE, attribute], (text,), 1
    figures: dict[str, Value] = {
        "epoch": member.generation,
        "completed-rebalances-total": rebalances.completed,
        "rebalancing": int(rebalances.under_way),
        "rebalance-max-time-ms": rebalances.took.most,
        "rebalance-avg-time-ms": rebalances.took.mean,
        "time-since-last-rebalance-ms": rebalances.since,
    }
    for attribute, value in figures.items():
        yield OF_ATTRIBUTE[REBALANCE, attribute], (), value
    assigned = {"assigned-connectors": len(work.connectors), "assigned-tasks": len(work.tasks)}
    for attribute, value in assigned.items():
        yield OF_ATTRIBUTE[COORDINATOR, attribute], (member.settings.client.get("client_id", ""),), value
