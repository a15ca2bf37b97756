"""Whether letters may be replayed, for which the sink's own code says where it writes and what a second writer does."""

from collections.abc import Collection, Mapping
from typing import Any

from ferryman.connector import SinkConfig
from ferryman.errors import ConfigError
from ferryman.plugins import catalog
from ferryman.runs import harm
from ferryman.runs.harm import Again, ReplayVerdict
from ferryman.settings.settings import Settings

ASK = "replays"


def question(
    live: Mapping[str, str], run: Mapping[str, str], topics: Collection[str], allow_older: bool
) -> dict[str, Any]:
    """Asks that of the configs of a live connector and of the run, references resolved, for records of these topics."""
    return {
        "ask": ASK,
        "config": dict(run),
        "live": dict(live),
        "topics": sorted(topics),
        "allow_older": allow_older,
    }


def answer(asked: Mapping[str, Any], settings: Settings) -> ReplayVerdict:
    """Answers that. Raises ConfigError if the run must not be made."""
    plugin: Any = catalog.connector(asked["config"]["connector.class"])
    config: SinkConfig = plugin.config_class.parse(asked["config"])
    live: SinkConfig = plugin.config_class.parse(asked["live"])
    return harm.replayed(
        plugin.target(live, asked["live"], asked["topics"]),
        plugin.target(config, asked["config"], asked["topics"]),
        _again(plugin, config, asked["config"]),
        plugin.shares,
        asked["allow_older"],
    )


def _again(plugin: Any, config: SinkConfig, raw: Mapping[str, str]) -> Again:
    try:
        found: Again = plugin.again(config, raw)
    except ConfigError:
        return "older"  # nobody can tell which record of a row came last
    return found
