"""What a connector's own code does when its offsets are moved: ``alter_offsets`` of its plugin."""

from collections.abc import Mapping, Sequence
from typing import Any

from ferryman.api import SinkContext
from ferryman.plugins import catalog
from ferryman.record import TopicPartition
from ferryman.settings.settings import Settings

ASK = "alter_offsets"


def of_sink(
    config: Mapping[str, str], connector: str, cluster: str, positions: Mapping[TopicPartition, int | None]
) -> dict[str, Any]:
    """Asks a sink to go on at these positions; ``config`` has its references resolved, ``cluster`` is Kafka's id."""
    rows = [[*source, offset] for source, offset in positions.items()]
    return {
        "ask": ASK,
        "of": "sink",
        "config": dict(config),
        "connector": connector,
        "cluster": cluster,
        "positions": rows,
    }


def of_source(config: Mapping[str, str], offsets: Sequence[tuple[Any, Any]]) -> dict[str, Any]:
    """Asks a source to go on there: partitions and offsets."""
    return {"ask": ASK, "of": "source", "config": dict(config), "offsets": [list(each) for each in offsets]}


def answer(asked: Mapping[str, Any], settings: Settings) -> bool:
    """Whether the plugin has moved all that it keeps elsewhere. Raises what the plugin raises, ConfigError for a config
    that it does not take."""
    plugin: Any = catalog.connector(asked["config"]["connector.class"])
    config = plugin.config_class.parse(asked["config"])
    if asked["of"] == "source":
        return bool(plugin.alter_offsets(config, [tuple(each) for each in asked["offsets"]]))
    positions = {TopicPartition(topic, number): offset for topic, number, offset in asked["positions"]}
    return bool(plugin.alter_offsets(config, _context(asked), positions))


def _context(asked: Mapping[str, Any]) -> SinkContext:
    return SinkContext(
        asked["connector"],
        0,
        asked["cluster"],
        asked["config"],
        report=lambda batch, index, error: None,
        report_all=lambda found: None,
        request_commit=lambda: None,
        commit=lambda offsets: None,
    )
