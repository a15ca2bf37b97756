"""Keeps secrets out of all that is written: values are registered once, log records and traces are cleaned of them."""

import json
import logging
import re
import threading
from collections.abc import Collection, Iterable, Mapping
from urllib.parse import quote, quote_plus, unquote

from ferryman.telemetry import free_text

HIDDEN = "[hidden]"
SHORTEST = 4
"""Shorter values are not replaced: they would blot out ordinary text and are no secrets to speak of."""
_WORDS = frozenset({"true", "false", "null", "none"})
_SECRET_KEY = re.compile(
    r"password|passwd|passphrase|secret|token|jaas|user\.?info|credential|api\.?key|access\.?key|private"
    r"|keystore\.key|(account|customer|encryption|shared|signing)\.?key|connection\.string|pwd|authorization",
    re.IGNORECASE,
)
_NOT_SECRET_KEY = re.compile(
    r"[._](source|provider|class|url|location|file|type|ms|enabled?|algorithm|id)$", re.IGNORECASE
)
_JAAS = re.compile(
    r"(?P<head>\b(?:password|clientSecret)\s*=\s*)(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|(?P<bare>[^\s;]+))"
)

_lock = threading.Lock()
_values: dict[str, str] = {}
"""Each spelling of a protected value, and what is written instead."""


def protect(value: str | None) -> None:
    """From now on this value is hidden wherever it would be written, plainly or quoted as in URLs, JSON or Python."""
    if value is None or len(value.strip()) < SHORTEST or value.strip().lower() in _WORDS:
        return
    with _lock:
        _values.update(dict.fromkeys(_spellings(value.strip()), HIDDEN))


def _spellings(value: str) -> set[str]:
    return {value, quote(value, safe=""), quote(value), quote_plus(value), json.dumps(value)[1:-1], repr(value)[1:-1]}


def protect_config(raw: Mapping[str, str | None], declared: Collection[str] = ()) -> None:
    """Protects a config's secrets: the values of the declared keys (with any prefix), of keys that sound secret, and
    passwords inside URLs and JAAS lines. References to a config provider stay visible; it protects what they resolve
    to."""
    for key, value in raw.items():
        if value is None:
            continue
        if is_secret(key, declared) and "${" not in value:
            protect(value)
        for password in _inside(value):
            protect(password)


def is_secret(key: str, declared: Collection[str] = ()) -> bool:
    """Whether a key's value must not be shown: it is declared so, under any prefix, or its name says so."""
    if any(key == name or key.endswith(f".{name}") for name in declared):
        return True
    return bool(_SECRET_KEY.search(key)) and not _NOT_SECRET_KEY.search(key)


def _inside(value: str) -> Iterable[str]:
    for start, end in (*free_text.url_passwords(value), *free_text.parameters(value)):
        yield value[start:end]
        yield unquote(value[start:end])
    for found in _JAAS.finditer(value):
        yield found["quoted"] or found["bare"] or ""


def redact(text: str) -> str:
    """The text without any protected value, and without passwords in URLs, registered or not."""
    with _lock:
        values = _values.copy()
    return free_text.without_passwords(free_text.without_values(text, values), HIDDEN)


class Redacting(logging.Formatter):
    """Wraps a formatter and cleans what it writes: message, arguments, traceback, stack."""

    def __init__(self, inner: logging.Formatter | None = None) -> None:
        super().__init__()
        self.inner = inner or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        return redact(self.inner.format(record))


class RedactingFilter(logging.Filter):
    """Cleans records on their way into a handler, for handlers that do not format (queues, sockets)."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = redact(record.getMessage())
        record.args = None
        if record.exc_info:
            record.exc_text = redact(record.exc_text or logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        return True


def install(logger: logging.Logger | None = None) -> None:
    """Makes every handler of a logger, by default the root, write cleaned text."""
    for handler in (logger or logging.getLogger()).handlers:
        if not isinstance(handler.formatter, Redacting):
            handler.setFormatter(Redacting(handler.formatter))
