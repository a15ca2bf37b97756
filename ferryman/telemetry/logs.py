"""Logging of worker and tasks: lines of text or of JSON, secrets redacted, levels that REST may change."""

import copy
import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from ferryman.java.instants import utc_text
from ferryman.telemetry import java_loggers, lines, place, recent, redaction, subject
from ferryman.telemetry.subject import WORKER, Stamped, Subject

Form = Literal["text", "json"]

ONE_CONNECTOR = "connector."
"""With a connector's name behind it: what stands for all loggers of its processes, where loggers are named."""
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
_LEVELS: Mapping[str | None, int] = {
    None: logging.INFO,
    # kafka-python tells each step on the way into a group and out of it; what matters of that, the membership says.
    **dict.fromkeys(("httpx", "httpcore", "kafka", "uvicorn"), logging.WARNING),
}
"""The levels of loggers by name; None is the root."""
_SLOW_TASK = "It is blocking the event loop"
"""kafka-python warns so of its own threads where a machine is busy; nobody can do anything about it."""
_SHORTEST = 100
"""Letters to which texts in JSON are cut at least."""
_TRAFFIC = ("kafka.net.connection", "kafka.protocol.parser")
"""Loggers of kafka-python that write out on DEBUG what is sent, logins too."""


def _escaped(text: str) -> str:
    return lines.escaped(redaction.redact(text))


def _time(record: logging.LogRecord) -> str:
    return utc_text(datetime.fromtimestamp(record.created, UTC))


class _Line(logging.Formatter):
    # Secrets are hidden before anything is escaped: escaped they would not be recognised. They are hidden in what is
    # said, not in the rest of a line: its time, its level and whose it is are no secrets, whatever one is called.

    def __init__(self, context: str) -> None:
        super().__init__("[%(asctime)s] %(levelname)s [%(context)s] %(message)s (%(name)s)")
        self.context = context

    def format(self, record: logging.LogRecord) -> str:
        shown = copy.copy(record)
        whose: Subject | None = getattr(record, "subject", None)
        shown.context = lines.field(str(whose) if whose else self.context)
        if isinstance(shown.args, tuple):
            shown.args = tuple(_escaped(arg) if isinstance(arg, str) else arg for arg in shown.args)
        message = shown.getMessage()
        shown.msg, shown.args = _escaped(message + place.words(place.fields(record), message)), None
        if shown.exc_text:  # of another handler's formatter
            shown.exc_text = None if shown.exc_info else f"  {lines.indented(redaction.redact(shown.exc_text))}"
        return super().format(shown)

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return f"  {lines.indented(redaction.redact(super().formatException(ei)))}"

    def formatStack(self, stack_info: str) -> str:  # noqa: N802
        return f"  {lines.indented(redaction.redact(stack_info))}"

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        return _time(record)


class _Json(logging.Formatter):
    """One object per line, in ASCII characters. It is as long as a line of text at most, or as ``longest``."""

    def __init__(self, whose: Subject, longest: int = lines.MAX_LINE_CHARACTERS) -> None:
        super().__init__()
        self.whose, self.longest = whose, longest

    def format(self, record: logging.LogRecord) -> str:
        whose, longest = subject.of(record, self.whose), self.longest
        message, trace = redaction.redact(record.getMessage()), redaction.redact(self._trace(record))
        while True:
            shown = {
                "time": _time(record),
                "level": record.levelname,
                "logger": record.name,
                "worker": subject.worker() or None,
                "connector": whose.connector or None,
                "task": whose.task,
                **place.fields(record),
                "message": lines.cut(message, longest),
                "trace": lines.cut(trace, longest) or None,
            }
            text = json.dumps({name: value for name, value in shown.items() if value is not None})
            if len(text) <= self.longest or longest < _SHORTEST:
                return text
            longest //= 2

    def _trace(self, record: logging.LogRecord) -> str:
        trace = self.formatException(record.exc_info) if record.exc_info else record.exc_text
        return "\n".join(filter(None, (trace, record.stack_info)))


class _Short(logging.Formatter):
    """Cuts what another formatter, which has hidden the secrets, writes."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self.inner = inner

    def format(self, record: logging.LogRecord) -> str:
        return lines.cut(self.inner.format(record))


def start(
    context: str,
    levels: Mapping[str, str],
    *configs: Mapping[str, str],
    whose: Subject = WORKER,
    form: Form = "text",
    kept: logging.Handler | None = None,
) -> None:
    """Sends all logging to standard error, and as JSON to ``kept``; the secrets of ``configs`` never show. Lines that
    do not say whom they are about stand under ``context``, and in JSON under ``whose``."""
    for config in configs:
        redaction.protect_config(config)
    logging.setLogRecordFactory(Stamped)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json(whose) if form == "json" else _Short(_Line(context)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    if kept is not None:
        kept.setFormatter(_Json(whose, recent.MAX_LINE_CHARACTERS))
        root.addHandler(kept)
    usual_levels()
    set_levels(levels)


def usual_levels() -> None:
    """Gives loggers the levels that they have unless somebody asks for others. Those that have them already are not
    touched."""
    for name, level in _LEVELS.items():
        logger = logging.getLogger(name)
        if logger.level != level:  # each change of a level goes through all loggers
            logger.setLevel(level)
    for name in _TRAFFIC:
        logging.getLogger(name).addFilter(_is_no_traffic)
    logging.getLogger("kafka.net.selector").addFilter(_is_of_use)


def _is_of_use(record: logging.LogRecord) -> bool:
    return _SLOW_TASK not in record.getMessage()


def _is_no_traffic(record: logging.LogRecord) -> bool:
    return record.levelno > logging.DEBUG


def _with_levels() -> list[logging.Logger]:
    """The loggers, but for the root, that have a level of their own."""
    loggers = logging.root.manager.loggerDict.values()
    return [each for each in loggers if isinstance(each, logging.Logger) and each.level]


def level(name: str | None = None) -> str:
    """The level by which a logger goes, by log4j's name for it; of one between two levels the nearer."""
    number = logging.getLogger(name).getEffectiveLevel()
    return min(LEVELS, key=lambda one: abs(LEVELS[one] - number))


def levels_for(connector: str, levels: Mapping[str, str]) -> dict[str, str]:
    """What is set of all levels for a process of one connector: those of loggers, then its own, of which ``ferryman``
    and all loggers without a level of their own take heed."""
    found = {name: level for name, level in levels.items() if not name.startswith(ONE_CONNECTOR)}
    own = levels.get(f"{ONE_CONNECTOR}{connector}")
    return found if own is None else {**found, "root": own, "ferryman": own}


def set_levels(levels: Mapping[str, str]) -> None:
    """Sets those that a process has from its beginning, in their order. Libraries keep higher levels of their own where
    that of all is INFO or higher: on INFO sqlalchemy tells of each statement, say."""
    own = {each: each.level for each in _with_levels()}
    for name, level in levels.items():
        set_level(name, level)
        if name == "root" and LEVELS[level.upper()] >= logging.INFO:
            for logger, usual in own.items():
                logger.setLevel(max(usual, LEVELS[level.upper()]))


def set_level(name: str, level: str) -> None:
    """Sets a logger's level by log4j's name for it; ``root`` is the root logger, below which are all. The name may be
    one of Kafka Connect's, which means its like here as well. A connector's name means nothing here."""
    if name.startswith(ONE_CONNECTOR):
        return
    if name == "root":
        for other in _with_levels():
            other.setLevel(LEVELS[level.upper()])
    for each in java_loggers.meant(name):
        logging.getLogger(None if each == "root" else each).setLevel(LEVELS[level.upper()])
