"""How Ferryman's workers know each other in a group: a mark after what Kafka Connect's protocol says.

Kafka Connect's readers ignore what follows, so that a worker on the JVM understands a marked message; it sends none.
"""

from ferryman.assignment.protocol import Assignment, Metadata, Version, encode_assignment, encode_metadata

_MARK = b"ferryman"
_NOTHING_REVOKED = b"\xff\xff\xff\xff\x00\x00\x00\x00"


def marked_metadata(metadata: Metadata, version: Version) -> bytes:
    """Metadata with the mark. Raises as encode_metadata does.

    In version 0, too, it says what the member runs: the JVM reads that version as a newer one whose last fields may be
    missing, so that the mark may not stand in their place; and a leader needs to know of work that has not ended yet
    when the group falls back to version 0.
    """
    if version == 0:
        return b"\0\0" + encode_metadata(metadata, 1)[2:] + _MARK
    return encode_metadata(metadata, version) + _MARK


def marked_assignment(assignment: Assignment, version: Version) -> bytes:
    """An assignment with the mark. Raises as encode_assignment does."""
    return encode_assignment(assignment, version) + (_NOTHING_REVOKED if version == 0 else b"") + _MARK


def is_marked(payload: bytes) -> bool:
    """Whether one of Ferryman's workers sent these bytes."""
    return payload.endswith(_MARK)
