"""The keys of a distributed worker: Kafka Connect's DistributedConfig, declared once."""

from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator

from ferryman.config import Int, NonEmpty, Short, Str, Strings, any_case, key
from ferryman.errors import KeyProblem
from ferryman.settings.worker_keys import Count, Listeners, WorkerConfig, count

MACS = (
    *("HmacSHA256", "HmacSHA384", "HmacSHA512", "HmacSHA224", "HmacSHA1"),
    *("HmacSHA512/224", "HmacSHA512/256", "HmacSHA3-224", "HmacSHA3-256", "HmacSHA3-384", "HmacSHA3-512"),
)
"""The algorithms for signatures, by Java's names for them; HmacMD5 is left out as too weak."""
_BY_FOLD = {name.lower(): name for name in MACS}


def _mac(value: str) -> str:
    found = _BY_FOLD.get(value.lower())
    if found is None:
        raise ValueError(f"must be one of {', '.join(MACS)}")
    return found


def _macs(value: list[str]) -> list[str]:
    if not value:
        raise ValueError("at least one algorithm is needed")
    return [_mac(each) for each in value]


Name = Annotated[Str, NonEmpty]
Mac = Annotated[Str, AfterValidator(_mac)]
Replicas = Annotated[Short, AfterValidator(count)]


class DistributedConfig(WorkerConfig):
    """The settings of a worker of a group; it has the keys of WorkerConfig too, some with other defaults."""

    group_id: Name = key(importance="HIGH")
    """The group of workers that share connectors and tasks; also the prefix of transactional ids and of client ids.
    Not to be that of a consumer group."""
    config_storage_topic: Name = key(importance="HIGH")
    """The compacted topic of one partition that keeps the configs of connectors and tasks; the same for all workers of
    the group. If it must be created, it gets the settings of a topic in other keys: config.storage.segment.bytes and
    so on, as do the topics of offsets and statuses."""
    config_storage_replication_factor: Replicas = key(3, importance="LOW")
    """Replication factor of that topic if it must be created; -1 for the broker's default."""
    offset_storage_topic: Name = key(importance="HIGH")
    """The compacted topic that keeps the offsets of sources; the same for all workers of the group."""
    offset_storage_replication_factor: Replicas = key(3, importance="LOW")
    """Replication factor of that topic if it must be created; -1 for the broker's default."""
    status_storage_topic: Name = key(importance="HIGH")
    """The compacted topic that keeps the statuses of connectors and tasks; the same for all workers of the group."""
    status_storage_partitions: Count = key(5, importance="LOW")
    """Partitions of that topic if it must be created; -1 for the broker's default."""
    status_storage_replication_factor: Replicas = key(3, importance="LOW")
    """Replication factor of that topic if it must be created; -1 for the broker's default."""
    session_timeout_ms: Int = key(10000, at_least=1, importance="HIGH")
    """Milliseconds without a heartbeat after which the group takes a worker for gone. The broker bounds it
    (group.min.session.timeout.ms, group.max.session.timeout.ms)."""
    heartbeat_interval_ms: Int = key(3000, at_least=1, importance="HIGH")
    """Milliseconds between two heartbeats; less than session.timeout.ms, a third of it or less is usual."""
    rebalance_timeout_ms: Int = key(60000, at_least=1, importance="HIGH")
    """Milliseconds that a worker has to rejoin when the group gives out connectors and tasks anew: it first ends those
    that are taken from it."""
    connect_protocol: Annotated[
        Literal["sessioned", "compatible", "eager"], any_case("sessioned", "compatible", "eager")
    ] = key("sessioned", importance="LOW")
    """How the group gives out connectors and tasks: only what must move stops (compatible), with requests between
    workers signed too (sessioned), or all stops each time (eager). The group takes what all of its workers know."""
    scheduled_rebalance_max_delay_ms: Int = key(300000, at_least=0, importance="LOW")
    """Milliseconds that the connectors and tasks of a worker that is gone wait for it to come back, before others get
    them."""
    worker_sync_timeout_ms: Int = key(3000, at_least=0)
    """Milliseconds that a worker tries to catch up with the config topic before it leaves the group for a while."""
    worker_unsync_backoff_ms: Int = key(300000, at_least=0)
    """Milliseconds that a worker which could not catch up stays out of the group."""
    inter_worker_key_ttl_ms: Int = key(3600000, at_least=0, importance="LOW")
    """Milliseconds after which the leader makes a new key for signatures."""
    inter_worker_key_generation_algorithm: Mac = key("HmacSHA256", importance="LOW")
    """The algorithm that keys for signatures are made for, by Java's name for it."""
    inter_worker_key_size: Int | None = key(None, importance="LOW")
    """The size in bits of keys for signatures; by default as many as the algorithm's result has."""
    inter_worker_signature_algorithm: Mac = key("HmacSHA256", importance="LOW")
    """The algorithm that requests between workers are signed with."""
    inter_worker_verification_algorithms: Annotated[Strings, AfterValidator(_macs)] = key(
        ["HmacSHA256"], importance="LOW"
    )
    """The algorithms of signatures that are accepted; inter.worker.signature.algorithm must be among them."""

    listeners: Listeners = key(["http://:8083"], importance="LOW")
    """Where the REST API listens. As in Kafka Connect it is reachable from other machines unless this says otherwise,
    since the other workers of the group must reach it; see rest.auth and listeners.https.* for who else may."""

    refused: ClassVar[Mapping[str, str]] = WorkerConfig.refused

    def problems(self) -> Iterable[KeyProblem]:
        """Timeouts that no group can be kept with, signatures that no worker would accept."""
        yield from super().problems()
        if self.heartbeat_interval_ms >= self.session_timeout_ms:
            name, value = "heartbeat.interval.ms", self.heartbeat_interval_ms
            reason = f"must be lower than session.timeout.ms, which is {self.session_timeout_ms}"
            yield KeyProblem(name, f"Invalid value {value} for configuration {name}: {reason}")
        if self.inter_worker_signature_algorithm not in self.inter_worker_verification_algorithms:
            name, accepted = "inter.worker.signature.algorithm", "inter.worker.verification.algorithms"
            reason = f"Signature algorithm must be present in {accepted} list"
            value_ = self.inter_worker_signature_algorithm
            yield KeyProblem(name, f"Invalid value {value_} for configuration {name}: {reason}")

    @property
    def fenced_writes(self) -> bool:
        """Whether the config topic is written in transactions, and internal topics are read committed."""
        return self.exactly_once_source_support in ("preparing", "enabled")
