"""Takes static members out of consumer groups, who would keep their partitions until their session ends."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from kafka.admin import KafkaAdminClient, MemberToRemove
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    KafkaError,
    NoError,
    NotCoordinatorError,
)

from ferryman.errors import RetriableError

_REASON = "its task is gone for good"
_PATIENCE = 5
"""Seconds for the cluster to answer, and for the group to have a coordinator."""
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
        admin = KafkaAdminClient(**client, bootstrap_timeout_ms=_PATIENCE * 1000)
        try:
            outcomes = _outcomes(admin, group, wanted)
        finally:
            admin.close()
    except KafkaError as error:
        raise RetriableError(f"members of group {group} cannot be removed: {error!r}") from error
    return frozenset(_removed(group, wanted, outcomes))


def _outcomes(admin: Any, group: str, wanted: Iterable[str]) -> Mapping[str, type[KafkaError]]:
    """What became of each member. A coordinator that has just moved, or is just being made, is asked again."""
    members = [MemberToRemove(group_instance_id=each, reason=_REASON) for each in wanted]
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            found: Mapping[str, type[KafkaError]] = admin.remove_group_members(group, members)
            return found
        except (CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError):
            if time.monotonic() > deadline:
                raise
            time.sleep(admin.config["retry_backoff_ms"] / 1000)


def _removed(group: str, wanted: Iterable[str], outcomes: Mapping[str, type[KafkaError]]) -> Iterable[str]:
    for name in wanted:
        outcome = outcomes.get(name)
        if outcome is NoError:
            yield name
        elif outcome is not None and outcome.__name__ not in _ALL_GONE:
            raise RetriableError(f"member {name} of group {group} cannot be removed: {outcome.__name__}")
