"""How Ferryman's workers know each other in a group: a tag after what Kafka Connect's protocol says.

Kafka Connect's readers ignore what follows, so that a worker on the JVM understands a tagged message; it sends none.
"""

from ferryman.assignment.protocol import Assignment, Metadata, Version, encode_assignment, encode_metadata

_TAG = b"ferryman"
_NOTHING_REVOKED = b"\xff\xff\xff\xff\x00\x00\x00\x00"


def tagged_metadata(metadata: Metadata, version: Version) -> bytes:
    """Metadata with the tag. Raises as encode_metadata does.

    In version 0, too, it says what the member runs: the JVM reads that version as a newer one whose last fields may be
    missing, so that the tag may not stand in their place; and a leader needs to know of work that has not ended yet
    when the group falls back to version 0.
    """
    if version == 0:
        return b"\0\0" + encode_metadata(metadata, 1)[2:] + _TAG
    return encode_metadata(metadata, version) + _TAG


def tagged_assignment(assignment: Assignment, version: Version) -> bytes:
    """An assignment with the tag. Raises as encode_assignment does."""
    return encode_assignment(assignment, version) + (_NOTHING_REVOKED if version == 0 else b"") + _TAG


def is_tagged(payload: bytes) -> bool:
    """Whether one of Ferryman's workers sent these bytes."""
    return payload.endswith(_TAG)
