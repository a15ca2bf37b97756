"""The settings of a member of a worker group."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ferryman.settings.distributed_keys import DistributedConfig


@dataclass(frozen=True, slots=True)
class GroupSettings:
    """Times are whole milliseconds, as in the worker's settings of the names given here."""

    group: str
    """group.id."""
    url: str
    """Where the other workers reach this one's REST API, with a slash at the end."""
    protocol: Literal["eager", "compatible", "sessioned"]
    """connect.protocol."""
    session_timeout: int
    """session.timeout.ms."""
    heartbeat_interval: int
    """heartbeat.interval.ms, less than the session timeout."""
    rebalance_timeout: int
    """rebalance.timeout.ms."""
    max_delay: int
    """scheduled.rebalance.max.delay.ms."""
    sync_timeout: int
    """worker.sync.timeout.ms."""
    unsync_backoff: int
    """worker.unsync.backoff.ms."""
    client: Mapping[str, Any] = field(repr=False)
    """kafka-python's settings, as ``client_settings.translated`` gives them."""


def of(config: DistributedConfig, url: str, client: Mapping[str, Any]) -> GroupSettings:
    """What a worker's settings say of its group; ``url`` and ``client`` as in GroupSettings."""
    return GroupSettings(
        config.group_id,
        url,
        config.connect_protocol,
        config.session_timeout_ms,
        config.heartbeat_interval_ms,
        config.rebalance_timeout_ms,
        config.scheduled_rebalance_max_delay_ms,
        config.worker_sync_timeout_ms,
        config.worker_unsync_backoff_ms,
        client,
    )
