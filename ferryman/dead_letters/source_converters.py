"""The converters of key and value in the letters of sources: JSON with schemas, whatever converters a source has."""

from typing import Any

from ferryman.chain import builder
from ferryman.conversion import Converter, Side

_SETTINGS = {
    "": "org.apache.kafka.connect.json.JsonConverter",
    ".schemas.enable": "true",
    ".replace.null.with.default": "false",
}
CONFIG = {f"{side}.converter{name}": value for side in ("key", "value") for name, value in _SETTINGS.items()}
"""The keys of a config that has them."""


def converter(side: Side) -> Converter[Any]:
    """Writes and reads one side."""
    return builder.converter(side, CONFIG, {})
