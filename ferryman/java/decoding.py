"""Bytes that are no characters, as Java replaces them: by U+FFFD, of which Python's decoders make more."""

import codecs
import re

REPLACING = "ferryman.java"
"""The name by which Python's decoders take it: ``bytes.decode(encoding, REPLACING)``."""
_HALF_PAIR = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]?")
"""A surrogate in UTF-8, where no character is written so (but in CESU-8); its third byte may be missing."""


def _replaced(error: UnicodeError) -> tuple[str, int]:
    """An unpaired surrogate in UTF-16 takes the next unit with it, and one in UTF-8 is replaced as a whole."""
    assert isinstance(error, UnicodeDecodeError)
    if error.reason == "illegal UTF-16 surrogate":
        return "\ufffd", min(error.start + 4, len(error.object))
    half = _HALF_PAIR.match(error.object, error.start) if error.encoding == "utf-8" else None
    return "\ufffd", half.end() if half else error.end


codecs.register_error(REPLACING, _replaced)
