"""The converters by which letters of a connector are read, as questions bring what makes them, and payloads in JSON.

A sink's letters are in the bytes that its converters read, a source's in JSON with schemas.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from ferryman.chain import builder
from ferryman.conversion import Converter, Side
from ferryman.dead_letters import source_converters
from ferryman.plugins import named
from ferryman.plugins.named import Row
from ferryman.record import Payload
from ferryman.settings.config_providers import Resolution
from ferryman.settings.settings import Settings
from ferryman.telemetry import redaction
from ferryman.telemetry.references import References

SIDES: Sequence[Side] = ("key", "value")
_CHAIN = ("key.converter", "value.converter", "header.converter", "transforms", "predicates")


def chain_facts(connector: str, resolution: Resolution, is_sink: bool) -> dict[str, Any]:
    """What a question about a connector's letters says of it: of its config no more than its chain needs."""
    config = {key: value for key, value in resolution.values.items() if key.startswith(_CHAIN)}
    references = resolution.references.rows()
    return {"connector": connector, "config": config, "references": references, "is_sink": is_sink}


def rows(resolution: Resolution, worker: Mapping[str, str], is_sink: bool) -> list[Row]:
    """The plugins that read key and value of a letter."""
    config = resolution.values if is_sink else source_converters.CONFIG
    names = {builder.converter_name(side, config, worker)[1] for side in SIDES}
    found = named.named({key: value for key, value in config.items() if key.startswith(_CHAIN)}, worker)
    return [row for row in found if row[0] == "converter" and row[1] in names]


def protect(asked: Mapping[str, Any]) -> None:
    """Protects what the config must not reveal from being written."""
    References.parse(asked["references"]).protect()
    redaction.protect_config(asked["config"])


def converter(side: Side, asked: Mapping[str, Any], settings: Settings) -> Converter[Any]:
    """What reads one side of the letters. ConfigError if it cannot be made."""
    return (
        builder.converter(side, asked["config"], settings.values)
        if asked["is_sink"]
        else source_converters.converter(side)
    )


def packed(payload: Payload) -> str | None:
    """A payload as it stands in questions and answers."""
    return None if payload is None else base64.b64encode(payload).decode()


def unpacked(text: str | None) -> Payload:
    """The inverse."""
    return None if text is None else base64.b64decode(text)
