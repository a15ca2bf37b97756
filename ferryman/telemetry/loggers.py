"""The loggers of a worker and their levels, as ``/admin/loggers`` shows and sets them (KIP-495, KIP-976)."""

import logging
import time
from collections.abc import Mapping
from typing import Any

from ferryman.errors import RequestError
from ferryman.telemetry import java_loggers, logs
from ferryman.telemetry.java_loggers import OURS

ROOT = "root"
_DEFAULTS = ("ferryman",)
_LONGEST, _LONGEST_CONNECTOR = 250, 1000


def named(text: str) -> str:
    """The logger that a text names; for the root any case will do."""
    return ROOT if text.lower() == ROOT else text


class Loggers:
    """Remembers when a level was changed; forgotten with the process. ``connector.NAME`` stands for the loggers of one
    connector's tasks."""

    def __init__(self) -> None:
        self._changed: dict[str, int] = {}
        self._connectors: dict[str, dict[str, Any]] = {}

    def all(self) -> Mapping[str, Any]:
        """The root logger, our own, and those with a level of their own, by name."""
        names = {ROOT, *_DEFAULTS, *self._changed, *(name for name in _existing() if logging.getLogger(name).level)}
        return dict(sorted(({name: self._shape(name) for name in names} | self._connectors).items()))

    def one(self, name: str) -> Mapping[str, Any] | None:
        """A logger; None if there is none of that name. One of Kafka Connect's has the level of its like here."""
        if name in self._connectors:
            return self._connectors[name]
        if name in OURS and name not in self._changed:
            return self._shape(OURS[name][0])
        known = name == ROOT or name in self._changed or name in _existing()
        return self._shape(name) if known else None

    def checked(self, name: str, level: str) -> str:
        """A level as it is written here. Raises RequestError for an unknown one (404), and for a name so long that no
        module has it (400): each of its dots would make one more logger."""
        wanted = level.strip().upper()
        if wanted not in logs.LEVELS:
            raise RequestError(404, f"invalid log level '{level}'.")
        longest = _LONGEST_CONNECTOR if name.startswith(logs.ONE_CONNECTOR) else _LONGEST
        if len(name) > longest:
            raise RequestError(400, f"The name of a logger has at most {longest} characters")
        return wanted

    def set(self, name: str, level: str) -> list[str]:
        """Sets the level of a logger and of those below it, which are all where it is the root logger; returns the
        names of those that had another one, of likes too."""
        wanted = self.checked(name, level)
        if name.startswith(logs.ONE_CONNECTOR):
            return self._set_connectors(name, wanted)
        meant = sorted({ROOT, *_existing()}) if name == ROOT else self._below(*java_loggers.meant(name))
        others = [each for each in meant if self._shape(each)["level"] != wanted]
        for each in meant:
            if _logger(each).level != logs.LEVELS[wanted]:
                logs.set_level(each, wanted)
        self._changed.update(dict.fromkeys(others, time.time_ns() // 1_000_000))
        return others

    def _set_connectors(self, name: str, wanted: str) -> list[str]:
        if self._connectors.get(name, {}).get("level") == wanted:
            return []
        self._connectors[name] = {"level": wanted, "last_modified": time.time_ns() // 1_000_000}
        return [name]

    def _below(self, *names: str) -> list[str]:
        parents = tuple(f"{name}." for name in names)
        return sorted({*names, *(other for other in _existing() if other.startswith(parents))})

    def _shape(self, name: str) -> dict[str, Any]:
        level = logs.level(None if name == ROOT else name)
        return {"level": level, "last_modified": self._changed.get(name)}


def _logger(name: str) -> logging.Logger:
    return logging.getLogger(None if name == ROOT else name)


def _existing() -> list[str]:
    return [name for name, found in logging.root.manager.loggerDict.items() if isinstance(found, logging.Logger)]
