"""The settings that a topic has in Kafka (TopicConfig): what a config asks for when it has a topic created."""

from collections.abc import Iterable

from ferryman.java import spelling

KNOWN = frozenset(
    {
        "cleanup.policy",
        "compression.gzip.level",
        "compression.lz4.level",
        "compression.type",
        "compression.zstd.level",
        "delete.retention.ms",
        "file.delete.delay.ms",
        "flush.messages",
        "flush.ms",
        "follower.replication.throttled.replicas",
        "index.interval.bytes",
        "leader.replication.throttled.replicas",
        "local.retention.bytes",
        "local.retention.ms",
        "max.compaction.lag.ms",
        "max.message.bytes",
        "message.downconversion.enable",
        "message.format.version",
        "message.timestamp.after.max.ms",
        "message.timestamp.before.max.ms",
        "message.timestamp.difference.max.ms",
        "message.timestamp.type",
        "min.cleanable.dirty.ratio",
        "min.compaction.lag.ms",
        "min.insync.replicas",
        "preallocate",
        "remote.copy.lag.bytes",
        "remote.copy.lag.ms",
        "remote.log.copy.disable",
        "remote.log.delete.on.disable",
        "remote.storage.enable",
        "retention.bytes",
        "retention.ms",
        "segment.bytes",
        "segment.index.bytes",
        "segment.jitter.ms",
        "segment.ms",
        "unclean.leader.election.enable",
    }
)
_OF_VENDORS = ("confluent.", "redpanda.", "internal.", "diskless.", "inkless.")


def doubt(prefix: str, name: str, beside: Iterable[str] = ()) -> str | None:
    """What is doubtful about a key ``<prefix><name>`` that sets a topic's setting; ``beside`` are other names that may
    have been meant. None for a setting that Kafka has, or that looks like a vendor's."""
    if name in KNOWN or name.startswith(_OF_VENDORS):
        return None
    hint = spelling.meant(prefix + name, [prefix + each for each in (*KNOWN, *beside)])
    return (
        f"{prefix}{name} is not a topic setting of Kafka; a broker that does not know it does not create the "
        f"topic{hint}"
    )
