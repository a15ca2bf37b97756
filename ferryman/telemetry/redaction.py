"""Keeps secrets out of all that is written: values are registered once, log records and traces are cleaned of them.

A name that a secret is part of stays readable, since it is public as a whole; a secret alone is hidden even if
something is called so. What is hidden only because a config provider gave it (``doubtful``) gives way to whatever a
config of this worker says in plain words.
"""

import json
import logging
import re
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from urllib.parse import quote, quote_plus, unquote

from ferryman.telemetry import free_text, owners
from ferryman.telemetry.owners import LOCK

HIDDEN = "[hidden]"
MIN_CHARACTERS = 4
"""Shorter values are not replaced: they would blot out ordinary text and are no secrets to speak of."""
_LINE = 16
"""From this length on the lines of a value are also hidden one by one: keys in PEM are quoted in parts."""
_WORDS = frozenset({"true", "false", "null", "none"})
_SECRET_KEY = re.compile(
    r"password|passwd|passphrase|secret|token|jaas|user\.?info|credential|api\.?key|access\.?key|private"
    r"|keystore\.key|key\.pem|(?:^|[._-])pw(?:$|[._-])|(account|customer|encryption|shared|signing)\.?key"
    r"|connection\.string|pwd|authorization",
    re.IGNORECASE,
)
_NOT_SECRET_KEY = re.compile(
    r"[._](source|provider|class|url|location|file|type|ms|enabled?|algorithm|id)$", re.IGNORECASE
)
_PARAMETERS, _LOOSER = re.compile("[?&]"), re.compile("[?&;]")
_JAAS = re.compile(
    r"(?P<head>\b(?:password|clientSecret)\s*=\s*)(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|(?P<bare>[^\s;]+))"
)

_INVALID, _FOR_KEY = "Invalid value ", " for configuration "

_values = free_text.Values()
"""Each spelling of a protected value, and what is written instead."""
_refused: dict[str, str] = {}
"""Short values that are hidden only where an error says that they are invalid; what is written instead."""


def protect(value: str | None, instead: str = HIDDEN, doubtful: bool = False) -> None:
    """From now on this value is hidden wherever it would be written, plainly or quoted as in URLs, JSON or Python;
    ``instead`` stands in its place, such as the reference by which a config names it. That ends some time after its
    owner is released (``owners``). ``doubtful`` is one that may be no secret at all."""
    if value is None or len(value.strip()) < MIN_CHARACTERS or value.strip().lower() in _WORDS:
        return
    with LOCK:
        for spelling in _spellings(value.strip()):
            _values.add(spelling, instead)
            owners.hold(spelling, partial(_values.remove, spelling), certain=not doubtful)


def _spellings(value: str) -> set[str]:
    lines = {line.strip() for line in value.splitlines() if not line.startswith("-----")}
    return {line for line in lines if len(line) >= _LINE} | {
        value,
        quote(value, safe="", errors="surrogatepass"),
        quote(value, errors="surrogatepass"),
        quote_plus(value, errors="surrogatepass"),
        json.dumps(value)[1:-1],
        repr(value)[1:-1],
    }


def protect_refusals(value: str, instead: str) -> None:
    """From now on ``Invalid value <value> for configuration`` hides the value, whatever the key: errors name it by its
    first name, and may leave its prefix out. An empty one is no secret, and looks like any other that is empty."""
    value = value.strip()
    if not value:
        return
    with LOCK:
        _refused[value] = instead
        owners.hold(f"\0{value}", partial(_refused.pop, value, None), certain=False)


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
    for password in (*_user_infos(value), *_parameters(value)):
        yield password
        yield unquote(password)
    for found in _JAAS.finditer(value):
        yield found["quoted"] or found["bare"] or ""


def _user_infos(value: str) -> Iterable[str]:
    """Passwords of URLs, up to the last @: they hold slashes, blanks and commas where nobody has encoded them."""
    for url in {value, *value.split(",")}:
        user, at, _ = url.partition("://")[2].rpartition("@")
        password = user.partition(":")[2]
        if at and "${" not in password:
            yield password


def _parameters(value: str) -> Iterable[str]:
    """Values of parameters that sound secret; a semicolon may be part of one, or end it."""
    if not any(sign in value for sign in "?&;"):
        return
    for pair in {*_PARAMETERS.split(value), *_LOOSER.split(value)}:
        name, _, found = pair.partition("=")
        if found and "${" not in found and is_secret(name.strip()):
            yield found


def redact(text: str, said: Collection[str] = ()) -> str:
    """The text without any protected value, and without passwords in URLs, registered or not. Names of this worker's
    stay readable, and so does what is ``said``: words that the reader of the text has sent."""
    clean = _unrefused(text) if _refused else text
    left = partial(owners.is_public, said=said)
    return free_text.without_passwords(free_text.without_values(clean, _values, left), HIDDEN)


def plain_words(raw: Mapping[str, str]) -> set[str]:
    """What a config says in plain words: values, and the entries of lists, that neither are secrets nor hold one nor
    come out of a config provider."""
    said = {value for key, value in raw.items() if not is_secret(key) and "${" not in value and not any(_inside(value))}
    return {word for value in said for part in (value, *value.split(",")) if (word := part.strip())}


def _unrefused(text: str) -> str:
    first, *others = text.split(_INVALID)
    return first + "".join(_INVALID + _without_value(each) for each in others)


def _without_value(refusal: str) -> str:
    value, middle, rest = refusal.partition(_FOR_KEY)
    return f"{_refused.get(value.strip(), value) if middle else value}{middle}{rest}"


def invalid_values(text: str) -> Iterable[str]:
    """What a text says is invalid, whole and as the entries of a list."""
    for each in text.split(_INVALID)[1:]:
        value, middle, _ = each.partition(_FOR_KEY)
        if middle:
            bare = value.strip().removeprefix("[").removesuffix("]")
            yield from (value.strip(), bare, *map(str.strip, bare.split(",")))


class Redacting(logging.Formatter):
    """Wraps a formatter and cleans what it writes: message, arguments, traceback, stack."""

    def __init__(self, inner: logging.Formatter | None = None) -> None:
        super().__init__()
        self.inner = inner or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        return redact(self.inner.format(record))


def install(logger: logging.Logger | None = None) -> None:
    """Makes every handler of a logger, by default the root, write cleaned text."""
    for handler in (logger or logging.getLogger()).handlers:
        if not isinstance(handler.formatter, Redacting):
            handler.setFormatter(Redacting(handler.formatter))
