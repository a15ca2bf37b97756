"""The keys of a plugin, for ``GET /connector-plugins/{plugin}/config``."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ferryman.settings.settings import Settings
from ferryman.validation import plugin_infos

ASK = "keys"


def question(name: str, version: str) -> dict[str, Any]:
    """Asks for the keys of the plugin of that name, if it has that version."""
    return {"ask": ASK, "name": name, "version": version}


def answer(asked: Mapping[str, Any], settings: Settings) -> list[dict[str, Any]] | None:
    """Answers that, key by key; None if there is none, or it cannot be imported. RequestError 400 for another
    version."""
    found = plugin_infos.definitions(asked["name"], asked["version"])
    return None if found is None else [asdict(each) for each in found]
