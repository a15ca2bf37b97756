"""JSON of internal topics, byte for byte as Kafka Connect's JsonConverter writes it by way of Jackson."""

import re
from collections.abc import Mapping
from typing import Any

from ferryman.formats.json.text import dumps

_WIDE = re.compile("[\U00010000-\U0010ffff]")
_CONTROL = re.compile(r"\\(?:u00([01][a-f])|.)")


def encoded(content: Mapping[str, Any] | None) -> bytes | None:
    """The bytes of a record's value; None for a tombstone. Jackson writes characters beyond the basic plane as two
    escapes, and the digits of escapes in capitals."""
    if content is None:
        return None
    text = dumps(content).decode()
    text = _CONTROL.sub(lambda found: rf"\u00{found[1].upper()}" if found[1] else found[0], text)
    return _WIDE.sub(_pair, text).encode()


def _pair(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be").hex().upper()
    return rf"\u{units[:4]}\u{units[4:]}"
