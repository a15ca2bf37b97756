"""Whether topics are as they must be: there, or possible to make; replicated; taking what is written; pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ferryman.doctor.kafka.cluster import Topic
from ferryman.findings import Finding, mend, ok, warning


@dataclass(frozen=True, slots=True)
class Wanted:
    """A topic as a config wants it."""

    name: str
    key: str
    """The key that names it."""
    written: bool
    made_by_us: bool = False
    """Whether it is made where it is missing."""
    replicas: int = -1
    """Replicas of a topic that is made; -1 leaves it to the brokers."""
    replicas_key: str = ""
    compacted: bool = False
    single: bool = False
    """Whether it must have one partition."""
    kept: bool = False
    """Whether what is in it should stay, though it is older than the topic."""


def judged(
    wanted: Wanted, topic: Topic, settings: Mapping[str, str] | None, brokers: int, servers: str, largest: int | None
) -> Iterator[Finding]:
    """The findings. ``settings`` are the topic's, None if they may not be read; ``largest`` is the largest request of
    the producer that writes it, in bytes."""
    subject = f"topic {wanted.name}"
    if topic.hidden:
        return  # a missing right to describe it is reported separately
    if not topic.there:
        yield _missing(wanted, subject, brokers, servers)
        return
    known = settings or {}
    problems = [
        *_shape(wanted, topic, known, subject, servers),
        *_replication(wanted, topic, known, brokers, subject, servers),
        *_size(wanted, known, largest, subject, servers),
        *_retention(wanted, known, subject, servers),
    ]
    yield from problems
    if not problems:
        yield ok(subject, f"{_counted(topic.partitions, 'partition')}, {_counted(topic.replicas, 'replica')} each")


def _missing(wanted: Wanted, subject: str, brokers: int, servers: str) -> Finding:
    if not wanted.made_by_us:
        create = f"kafka-topics.sh --bootstrap-server {servers} --create --topic '{wanted.name}'"
        return mend(subject, "it does not exist", f"{create}, or correct {wanted.key}")
    if wanted.replicas > brokers:
        said = (
            f"it does not exist, and cannot be created with {wanted.replicas} replicas of {_counted(brokers, 'broker')}"
        )
        return mend(subject, said, f"{wanted.replicas_key}={brokers}")
    return ok(subject, "it does not exist yet, and will be created")


def _shape(wanted: Wanted, topic: Topic, known: Mapping[str, str], subject: str, servers: str) -> Iterator[Finding]:
    policy = known.get("cleanup.policy", "compact")
    if wanted.compacted and policy != "compact":
        said = f"cleanup.policy={policy}: its contents would be deleted one day"
        yield mend(subject, said, _alter(servers, wanted.name, "cleanup.policy=compact"))
    if wanted.single and topic.partitions != 1:
        said = f"it has {topic.partitions} partitions, and must have one"
        yield mend(subject, said, f"{wanted.key}=another name; the topic is then created as it must be")


def _replication(
    wanted: Wanted, topic: Topic, known: Mapping[str, str], brokers: int, subject: str, servers: str
) -> Iterator[Finding]:
    if not wanted.written:
        return
    least = known.get("min.insync.replicas", "1")
    needed = int(least) if least.isdecimal() else 1
    if needed > topic.replicas:
        said = (
            f"min.insync.replicas={needed}, but there are {_counted(topic.replicas, 'replica')}: no record is accepted"
        )
        yield mend(subject, said, _alter(servers, wanted.name, f"min.insync.replicas={topic.replicas}"))
    elif topic.in_sync < needed:
        there = _counted(topic.in_sync, "replica")
        said = f"only {there} in sync, and min.insync.replicas={needed}: no record is accepted"
        yield mend(subject, said, "start the brokers that are away")
    elif needed == topic.replicas > 1:
        said = f"min.insync.replicas={needed} of as many replicas: no record is accepted while one broker is away"
        yield warning(subject, said, _alter(servers, wanted.name, f"min.insync.replicas={needed - 1}"))
    if topic.replicas == 1 and brokers > 1:
        said = f"one replica on one of {brokers} brokers: its contents are lost with that broker"
        yield warning(subject, said, "kafka-reassign-partitions.sh gives it more replicas")


def _size(
    wanted: Wanted, known: Mapping[str, str], largest: int | None, subject: str, servers: str
) -> Iterator[Finding]:
    text = known.get("max.message.bytes", "")
    if not wanted.written or largest is None or not text.isdecimal() or int(text) >= largest:
        return
    said = f"max.message.bytes={text}, and the producer sends up to max.request.size={largest}"
    yield warning(subject, said, _alter(servers, wanted.name, f"max.message.bytes={largest}"))


def _retention(wanted: Wanted, known: Mapping[str, str], subject: str, servers: str) -> Iterator[Finding]:
    retention = known.get("retention.ms", "-1")
    if not wanted.kept or retention == "-1" or known.get("message.timestamp.type") == "LogAppendTime":
        return
    said = (
        f"retention.ms={retention}: letters have their records' timestamps, so letters of older records are "
        "soon deleted"
    )
    yield warning(subject, said, _alter(servers, wanted.name, "retention.ms=-1"))


def _alter(servers: str, topic: str, setting: str) -> str:
    return f"kafka-configs.sh --bootstrap-server {servers} --alter --topic '{topic}' --add-config {setting}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
