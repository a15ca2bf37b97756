"""What a connector's process tells its worker: the tasks' configs, that it is done, or why it cannot go on."""

import logging
import threading
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import orjson

from ferryman.errors import ConfigError, TaskError
from ferryman.forked import trace
from ferryman.telemetry.redaction import redact
from ferryman.telemetry.references import References

log = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 16 << 20
"""Bytes that a message may have."""


class WorkerReports:
    """Tells one thing after the other, from any thread; a failure is the last of it."""

    def __init__(self, tell: Callable[[str, dict[str, Any]], None], references: References) -> None:
        self._tell = tell
        self._references = references
        """What errors about keys show instead of the values."""
        self._failed = False
        self._telling = threading.Lock()

    @property
    def failed(self) -> bool:
        """Whether the worker knows that the connector has failed."""
        return self._failed

    def made(self, configs: Sequence[dict[str, str]], stays: bool) -> None:
        """The configs of all tasks; ``stays`` says whether there may be others. TaskError for one that is too large."""
        found = [(config, len(list(same))) for config, same in groupby(configs)]
        for config, _ in found:
            if (size := len(orjson.dumps(config))) > MAX_MESSAGE_BYTES // 2:
                raise TaskError(f"the config of a task has {size} bytes; at most {MAX_MESSAGE_BYTES // 2} are allowed")
        with self._telling:
            if self._failed:
                return
            for config, times in found:
                self._tell("config", {"config": config, "times": times})
            self._tell("made", {"stays": stays})

    def fails(self, error: Exception) -> None:
        """The connector cannot go on. What a config alone makes impossible is not tried again by itself."""
        with self._telling:
            if self._failed:
                return
            self._failed = True
            may_recover = not isinstance(error, ConfigError | TaskError)
            self._tell("failed", {"trace": self._trace(error), "may_recover": may_recover})

    def _trace(self, error: Exception) -> str:
        if isinstance(error, ConfigError):
            shown = ConfigError(*map(self._references.problem, error.problems))
            text = trace.short(redact(f"{type(error).__name__}: {shown}"))
        else:
            text = trace.of(error)
        log.error("the connector has failed: %s", text)
        return text
