"""Takes static members out of consumer groups, who would keep their partitions until their session ends."""

from collections.abc import Iterable, Mapping
from typing import Any

from kafka.admin import KafkaAdminClient, MemberToRemove
from kafka.errors import KafkaError, NoError

from ferryman.errors import RetriableError

_REASON = "its task is gone for good"
_ALL_GONE = ("GroupIdNotFoundError", "UnknownMemberIdError")


def remove_members(client: Mapping[str, Any], group: str, instance_ids: Iterable[str]) -> frozenset[str]:
    """Takes members out of a group by their group.instance.id; which of them were in it.

    ``client`` are kafka-python's settings (``client_settings.translated``). To be called when a member's process is
    proven dead, or its lease is over: one that lives joins again. Blocks until the coordinator has answered. Raises
    RetriableError if it does not, or refuses.
    """
    wanted = list(dict.fromkeys(instance_ids))
    if not wanted:
        return frozenset()
    try:
        admin = KafkaAdminClient(**client)
        try:
            members = [MemberToRemove(group_instance_id=each, reason=_REASON) for each in wanted]
            outcomes: Mapping[str, type[KafkaError]] = admin.remove_group_members(group, members)
        finally:
            admin.close()
    except KafkaError as error:
        raise RetriableError(f"members of group {group} cannot be removed: {error!r}") from error
    return frozenset(_removed(group, wanted, outcomes))


def _removed(group: str, wanted: Iterable[str], outcomes: Mapping[str, type[KafkaError]]) -> Iterable[str]:
    for name in wanted:
        outcome = outcomes.get(name)
        if outcome is NoError:
            yield name
        elif outcome is not None and outcome.__name__ not in _ALL_GONE:
            raise RetriableError(f"member {name} of group {group} cannot be removed: {outcome.__name__}")
