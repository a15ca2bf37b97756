"""Logging of worker and tasks: one line format, secrets redacted, levels that REST may change."""

import copy
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ferryman.telemetry import java_loggers, lines, redaction

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
_TRAFFIC = ("kafka.net.connection", "kafka.protocol.parser")
"""Loggers of kafka-python that write out on DEBUG what is sent, logins too."""


def _escaped(text: str) -> str:
    return lines.escaped(redaction.redact(text))


class _Line(logging.Formatter):
    # Secrets are hidden before anything is escaped: escaped they would not be recognised. They are hidden in what is
    # said, not in the rest of a line: its time, its level and whose it is are no secrets, whatever one is called.

    def format(self, record: logging.LogRecord) -> str:
        shown = copy.copy(record)
        if isinstance(shown.args, tuple):
            shown.args = tuple(_escaped(arg) if isinstance(arg, str) else arg for arg in shown.args)
        shown.msg, shown.args = _escaped(shown.getMessage()), None
        if shown.exc_text:  # of another handler's formatter
            shown.exc_text = None if shown.exc_info else f"  {lines.indented(redaction.redact(shown.exc_text))}"
        return super().format(shown)

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return f"  {lines.indented(redaction.redact(super().formatException(ei)))}"

    def formatStack(self, stack_info: str) -> str:  # noqa: N802
        return f"  {lines.indented(redaction.redact(stack_info))}"

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _Short(logging.Formatter):
    """Cuts what another formatter, which has hidden the secrets, writes."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self.inner = inner

    def format(self, record: logging.LogRecord) -> str:
        return lines.cut(self.inner.format(record))


def start(context: str, levels: Mapping[str, str], *configs: Mapping[str, str]) -> None:
    """Sends all logging to standard error under ``context``; the secrets of ``configs`` never show."""
    for config in configs:
        redaction.protect_config(config)
    handler = logging.StreamHandler(sys.stderr)
    context = lines.field(context).replace("%", "%%")
    line = _Line(f"[%(asctime)s] %(levelname)s [{context}] %(message)s (%(name)s)")
    handler.setFormatter(_Short(line))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in ("httpx", "httpcore", "uvicorn"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # kafka-python warns of each attempt to reach a broker; what matters of that, the membership says.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    for name in _TRAFFIC:
        logging.getLogger(name).addFilter(_is_no_traffic)
    for name, level in levels.items():
        set_level(name, level)


def _is_no_traffic(record: logging.LogRecord) -> bool:
    return record.levelno > logging.DEBUG


def set_level(name: str, level: str) -> None:
    """Sets a logger's level by log4j's name for it; ``root`` is the root logger, below which are all. The name may be
    one of Kafka Connect's, which means its like here as well."""
    if name == "root":
        for other in logging.root.manager.loggerDict.values():
            if isinstance(other, logging.Logger) and other.level:
                other.setLevel(LEVELS[level.upper()])
    for each in java_loggers.meant(name):
        logging.getLogger(None if each == "root" else each).setLevel(LEVELS[level.upper()])
