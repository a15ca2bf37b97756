"""How Ferryman's workers know each other in a group: a mark after what Kafka Connect's protocol says.

Kafka Connect's readers ignore what follows, so that a worker on the JVM understands a marked message; it sends none.
"""

from ferryman.assignment.protocol import Version

_MARK = b"ferryman"
_NO_WORK_BEFORE = b"\xff\xff\xff\xff"
_NOTHING_REVOKED = b"\xff\xff\xff\xff\x00\x00\x00\x00"


def marked_metadata(payload: bytes, version: Version) -> bytes:
    """Metadata with the mark.

    The JVM reads version 0, too, as a newer one whose last fields may be missing, so they stand there before the mark.
    """
    return payload + (_NO_WORK_BEFORE if version == 0 else b"") + _MARK


def marked_assignment(payload: bytes, version: Version) -> bytes:
    """An assignment with the mark; as marked_metadata."""
    return payload + (_NOTHING_REVOKED if version == 0 else b"") + _MARK


def is_marked(payload: bytes) -> bool:
    """Whether one of Ferryman's workers sent these bytes."""
    return payload.endswith(_MARK)
