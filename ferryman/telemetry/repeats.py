"""Keeps a client library that says the same again and again to once a minute."""

import logging
import re
from dataclasses import dataclass

MINUTE_SECONDS = 60.0
MAX_TEXTS = 1000
"""Texts that are remembered at a time."""
_NUMBER = re.compile(r"[0-9]+")


@dataclass
class _Said:
    when: float
    more: int = 0


class Repeats(logging.Filter):
    """Lets each text through once a minute, with the number of those that were held back; numbers in it don't count."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, _Said] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        key = _NUMBER.sub("#", text[:500])
        said = self._said.get(key)
        if said is not None and record.created - said.when < MINUTE_SECONDS:
            said.more += 1
            return False
        if said is not None and said.more:
            record.msg, record.args = "%s (and %d more like it)", (text, said.more)
        if len(self._said) >= MAX_TEXTS:
            self._said.clear()
        self._said[key] = _Said(record.created)
        return True
