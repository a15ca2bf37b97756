"""All metrics that a worker serves, in the order in which it does. Pure."""

from collections.abc import Mapping

from ferryman.metrics import clients, connect, ours
from ferryman.metrics.family import Family

FAMILIES: Mapping[str, Family] = {
    family.name: family for family in (*connect.FAMILIES, *clients.FAMILIES, *ours.FAMILIES)
}
"""By name."""
OF_ATTRIBUTE: Mapping[tuple[str, str], Family] = {
    (family.attribute.group, family.attribute.name): family
    for family in FAMILIES.values()
    if family.attribute is not None
}
"""By the group of the MBean and the attribute. KeyError for what Kafka's workers do not have."""
ALIASES: Mapping[str, Family] = {family.name: alias for family in FAMILIES.values() if (alias := family.alias)}
"""What a family is called by Strimzi's metrics reporter, by the name that it has here."""


_PASSING = ("-rate", "-ratio", "-avg", "-min", "-max", "-time-ms", "-percentage", "partition-count")
"""How attributes of Kafka's end that fade when a task has failed: there a ratio falls, a mean has no value any more."""


def outliving(lines: Mapping[str, str]) -> dict[str, str]:
    """The lines of a task, by family, that still hold when its process has failed: what was counted, and what the task
    is, which Kafka Connect shows too until the task is started again. What said how things were is gone."""
    return {name: text for name, text in lines.items() if _outlives(FAMILIES[name])}


def _outlives(family: Family) -> bool:
    if family.attribute is not None:
        return family.attribute.domain == connect.DOMAIN and not family.attribute.name.endswith(_PASSING)
    return family.kind != "gauge" and not family.name.startswith("ferryman_task_")
