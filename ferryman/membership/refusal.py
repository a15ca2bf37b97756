"""Why a worker does not join, or stay in, a group."""

from collections.abc import Mapping

from ferryman.assignment.protocol import NO_WORK, Metadata, ProtocolError, Work, decode_metadata
from ferryman.assignment.tag import is_tagged


class Refusal(Exception):
    """This worker must not be in the group; the text says why, and which member is the reason."""


def members(group: str, payloads: Mapping[str, bytes]) -> dict[str, Metadata]:
    """The metadata of a group's members by their ids. Raises Refusal if one sends something else."""
    found = dict[str, Metadata]()
    for member, payload in payloads.items():
        try:
            found[member] = decode_metadata(payload)
        except ProtocolError as error:
            raise Refusal(f"member {member} of group {group} sends no metadata of Kafka Connect: {error}") from None
    return found


def strangers(group: str, payloads: Mapping[str, bytes], found: Mapping[str, Metadata]) -> frozenset[str]:
    """The members that are workers of another kind and run nothing.

    Raises Refusal if one of them runs something: then the group is theirs, and this worker has no business in it.
    """
    others = frozenset(member for member, payload in payloads.items() if not is_tagged(payload))
    for member in sorted(others):
        if _runs(found[member]):
            raise Refusal(_mixed(group, member, found[member].url))
    return others


def of_leader(group: str, leader: str, url: str) -> Refusal:
    """The group's leader is a worker of another kind."""
    return Refusal(f"{_mixed(group, leader, url)} It leads the group.")


def of_stranger(group: str, member: str, url: str) -> str:
    """What the leader says of a worker of another kind that runs nothing."""
    return f"{_mixed(group, member, url)} It is given no work."


def found_before(group: str, payloads: Mapping[str, bytes]) -> None:
    """Looks at a group before joining it. Raises Refusal if workers of another kind are in it."""
    for member, payload in sorted(payloads.items()):
        if payload and not is_tagged(payload):
            found = members(group, {member: payload})[member]
            raise Refusal(_mixed(group, member, found.url))


def _runs(metadata: Metadata) -> Work:
    return NO_WORK if metadata.assignment is None else metadata.assignment.assigned


def _mixed(group: str, member: str, url: str) -> str:
    return (
        f"{member} at {url} is a Kafka Connect worker, not a Ferryman one; the two cannot share group {group}."
        " Stop it, or give these workers another group.id."
    )
