"""Whether a source comes to an end by itself: ``ends`` of its plugin."""

from collections.abc import Mapping
from typing import Any

from ferryman.plugins import catalog
from ferryman.settings.settings import Settings

ASK = "ends"


def question(config: Mapping[str, str]) -> dict[str, Any]:
    """Asks that of a config whose references are resolved."""
    return {"ask": ASK, "config": dict(config)}


def answer(asked: Mapping[str, Any], settings: Settings) -> bool:
    """Answers that. Raises what the plugin raises, ConfigError for a config that it does not take."""
    plugin: Any = catalog.connector(asked["config"]["connector.class"])
    return bool(plugin.ends(plugin.config_class.parse(asked["config"])))
