"""Which protocol a sink's group is of (KIP-848), and what follows from it for the connector."""

from collections.abc import Mapping
from typing import Any

from ferryman.api import Sink
from ferryman.config import trim
from ferryman.errors import KeyProblem
from ferryman.kafka import client_config

KEY = "consumer.override.group.protocol"
WAITS = (
    "group: protocol consumer; when a task is killed its partitions stand still until the broker notices, after "
    "group.consumer.session.timeout.ms (45 seconds by default); in a classic group the next process has them at once"
)


def protocol_of(worker: Mapping[str, str], raw: Mapping[str, str]) -> str:
    """``classic`` or ``consumer``, by the connector's config or the worker's settings, whatever else is wrong there."""
    value = raw.get(KEY, worker.get("consumer.group.protocol", ""))
    return client_config.CLASSIC if trim(value).lower() != client_config.CONSUMER else client_config.CONSUMER


def consequences(plugin: type[Sink[Any]], protocol: str) -> list[str]:
    """What a sink's delivery rests on, for explain and the task's log."""
    return [f"commit: {plugin.truth}", *([WAITS] if protocol == client_config.CONSUMER else [])]


def problems(plugin: type[Any], worker: Mapping[str, str], raw: Mapping[str, str]) -> list[KeyProblem]:
    """A sink that cannot be right in such a group; nothing for a config that is wrong in other ways, or a source's."""
    if protocol_of(worker, raw) != client_config.CONSUMER or not issubclass(plugin, Sink):
        return []
    config = plugin.config_class.read(raw)[0]
    reason = None if config is None else plugin.needs_classic_group(config)
    if reason is None:
        return []
    why = f"{reason}: with group.protocol=consumer the broker accepts late commits of former owners"
    return [KeyProblem(KEY, f"{KEY} must be classic, for {why}")]
