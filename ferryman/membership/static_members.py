"""Takes static members out of consumer groups, who would keep their partitions until their session ends."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from kafka import errors
from kafka.admin import KafkaAdminClient, MemberToRemove

from ferryman.errors import RefusedError, RetriableError

Answer = TypeVar("Answer")

_REASON = "its task is gone for good"
_PATIENCE = 5
"""Seconds for the cluster to answer, and for the group to have a coordinator."""
_ALL_GONE = (errors.GroupIdNotFoundError, errors.UnknownMemberIdError, errors.FencedInstanceIdError)
_MOVING = (
    errors.CoordinatorLoadInProgressError,
    errors.CoordinatorNotAvailableError,
    errors.NotCoordinatorError,
)
_REFUSED = (
    errors.GroupAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
    errors.SaslAuthenticationFailedError,
)


@dataclass(frozen=True, slots=True)
class StaticMembers:
    """The static members of the groups of one cluster. Everything blocks until the coordinator has answered, and raises
    RetriableError if it does not, RefusedError if this login has not the right."""

    _admin: Any

    def of(self, group: str) -> Mapping[str, str]:
        """The id of each member of a group, by its group.instance.id; none for a group that there is not."""
        with _told(f"members of group {group} cannot be asked for"):
            described = _answer(self._admin, lambda: self._described(group))
        return {each["group_instance_id"]: each["member_id"] for each in described if each.get("group_instance_id")}

    def _described(self, group: str) -> Iterable[Mapping[str, Any]]:
        found = self._admin.describe_groups([group])[group]
        for error in (*_ALL_GONE, *_MOVING, *_REFUSED):
            if error.__name__ in (found["error"] or ""):
                if error in _ALL_GONE:
                    return ()
                raise error(found["error"])
        if found["error"]:
            raise errors.KafkaError(found["error"])
        members: Iterable[Mapping[str, Any]] = found["members"]
        return members

    def remove(self, group: str, members: Mapping[str, str]) -> frozenset[str]:
        """Takes members out of a group, who are named as ``of`` does; which of them were in it.

        One that has been followed by another of the same group.instance.id is not. Where no id of the member itself is
        given, it is whoever has the place.
        """
        leaving = [MemberToRemove(one or None, instance, _REASON) for instance, one in members.items()]
        with _told(f"members of group {group} cannot be removed"):
            outcomes = _answer(self._admin, lambda: self._admin.remove_group_members(group, leaving))
        return frozenset(_removed(group, members, outcomes))


@contextmanager
def at(client: Mapping[str, Any]) -> Iterator[StaticMembers]:
    """``client`` are kafka-python's settings (``client_settings.translated``). Raises as StaticMembers does."""
    with _told("members of groups cannot be asked for"):
        admin = KafkaAdminClient(**client, bootstrap_timeout_ms=_PATIENCE * 1000)
    try:
        yield StaticMembers(admin)
    finally:
        admin.close()


def remove_members(client: Mapping[str, Any], group: str, instance_ids: Iterable[str]) -> frozenset[str]:
    """Takes members out of a group by their group.instance.id; which of them were in it.

    To be called when a member's process is proven dead, or its lease is over: one that lives joins again. Raises as
    StaticMembers does.
    """
    wanted = dict.fromkeys(instance_ids, "")
    if not wanted:
        return frozenset()
    with at(client) as members:
        return members.remove(group, wanted)


@contextmanager
def _told(failed: str) -> Iterator[None]:
    try:
        yield
    except _REFUSED as error:
        raise RefusedError(f"{failed}: {error!r}", key="consumer.override.sasl.jaas.config") from error
    except errors.KafkaError as error:
        raise RetriableError(f"{failed}: {error!r}") from error


def _answer(admin: Any, ask: Callable[[], Answer]) -> Answer:
    """The first one of a coordinator: one that has just moved, or is just being made, is asked again."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return ask()
        except _MOVING:
            if time.monotonic() > deadline:
                raise
            time.sleep(admin.config["retry_backoff_ms"] / 1000)


def _removed(group: str, members: Mapping[str, str], outcomes: Mapping[str, type[errors.KafkaError]]) -> Iterable[str]:
    for instance, one in members.items():
        outcome = outcomes.get(one or instance)
        if outcome is errors.NoError:
            yield instance
        elif outcome is not None and outcome not in _ALL_GONE:
            raise RetriableError(f"member {instance} of group {group} cannot be removed: {outcome.__name__}")
