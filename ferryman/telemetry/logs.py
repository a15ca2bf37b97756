"""Logging of worker and tasks: one line format, secrets redacted, levels that REST may change."""

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

from ferryman.telemetry import redaction

LEVELS = {
    "OFF": logging.CRITICAL + 10,
    "FATAL": logging.CRITICAL,
    "ERROR": logging.ERROR,
    "WARN": logging.WARNING,
    "INFO": logging.INFO,
    "DEBUG": logging.DEBUG,
    "TRACE": 5,
    "ALL": 1,
}
"""log4j's names, as REST clients send them."""


class _Line(logging.Formatter):
    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def start(context: str, levels: Mapping[str, str], *configs: Mapping[str, str]) -> None:
    """Sends all logging to standard error under ``context``; the secrets of ``configs`` never show."""
    for config in configs:
        redaction.protect_config(config)
    handler = logging.StreamHandler(sys.stderr)
    line = _Line(f"[%(asctime)s] %(levelname)s [{context.replace('%', '%%')}] %(message)s (%(name)s)")
    handler.setFormatter(redaction.Redacting(line))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in ("httpx", "httpcore", "uvicorn"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name, level in levels.items():
        set_level(name, level)


def set_level(name: str, level: str) -> None:
    """Sets a logger's level by log4j's name for it; ``root`` is the root logger."""
    logging.getLogger(None if name == "root" else name).setLevel(LEVELS[level.upper()])
