"""What is the worker's own, so that no connector may use it: its topics, and the group that it forms with others."""

from collections.abc import Iterable, Mapping
from typing import Any

from ferryman.api import Sink
from ferryman.config import trim
from ferryman.errors import KeyProblem
from ferryman.kafka import subscription
from ferryman.settings.modes import DISTRIBUTED
from ferryman.settings.settings import Settings

GROUP = "consumer.override.group.id"
QUEUE = "errors.deadletterqueue.topic.name"


def problems(plugin: type[Any], raw: Mapping[str, str], settings: Settings) -> list[KeyProblem]:
    """What of it a connector with this config would use; ``raw`` has its references resolved."""
    sinks = issubclass(plugin, Sink) and settings.mode is DISTRIBUTED
    return [*_topics(raw, settings.values), *(_group(raw, settings) if sinks else ())]


def _topics(raw: Mapping[str, str], worker: Mapping[str, str]) -> Iterable[KeyProblem]:
    """A queue there would fill the topic with records that the worker cannot read."""
    queue = trim(raw.get(QUEUE, ""))
    if queue in subscription.own_topics(worker):
        text = f"The DLQ topic '{queue}' may not be one in which the worker keeps configs, offsets or statuses"
        yield KeyProblem(QUEUE, text)


def _group(raw: Mapping[str, str], settings: Settings) -> Iterable[KeyProblem]:
    """A consumer there would be a member that speaks another protocol than the workers, so the broker lets in only one
    of the two. In Kafka Connect's words (DistributedHerder.validateSinkConnectorGroupId)."""
    own, name = settings.distributed.group_id, trim(raw.get("name", ""))
    if GROUP in raw:
        if trim(raw[GROUP]) == own:
            yield KeyProblem(GROUP, f"Consumer group {own} conflicts with Connect worker group {own}")
        return
    if name and trim(settings.values.get("consumer.group.id", f"connect-{name}")) == own:
        text = f"Consumer group for sink connector named {name} conflicts with Connect worker group {own}"
        yield KeyProblem("name", text)
