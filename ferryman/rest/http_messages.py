"""HTTP around REST: paths and bodies taken apart, answers and errors put together, strangers kept out."""

import asyncio
import json
import logging
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from ferryman.config import split_list
from ferryman.errors import ConfigError, RequestError
from ferryman.rest import media_types
from ferryman.rest.bodies import AbortedUpload
from ferryman.settings.worker_keys import WorkerConfig
from ferryman.telemetry.redaction import redact

log = logging.getLogger(__name__)

INLINE_BODY_BYTES = 64 << 10
"""Bytes of a body that are parsed at once; more is parsed in a thread, while the loop answers others."""
LONGEST_NUMBER = 1000
"""Characters of a number, which is Jackson's limit."""
UNREAD = frozenset({408, 413, 503})
"""Statuses with which the rest of the request may still be on its way: the connection ends."""
_SERVER = re.compile(rb"^https?://[^/?#]*", re.IGNORECASE)
_NO_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_INVALID = "Connector configuration is invalid and contains the following {} error(s):\n{}\n{}"
_WHERE = (
    "You can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`"
)
_ALLOWED = "; access.control.allow.origin={} in the worker's settings lets them"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Nothing:
    """The body of an answer that has none, which JSON's null is not."""


@dataclass(frozen=True, slots=True)
class PlainText:
    """The body of an answer that goes out as it is."""

    text: str | bytes
    media_type: str = "application/json"
    """What it is called, whatever it is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered with."""

    status: int = 200
    body: Any = field(default_factory=Nothing)
    """What to send as JSON; Nothing for an answer without a body."""
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """The answer as starlette sends it; a body becomes JSON."""
        if isinstance(self.body, Nothing):
            return Response(status_code=self.status, headers=self.headers)
        if isinstance(self.body, PlainText):
            headers = {**self.headers, "Content-Type": self.body.media_type}
            return Response(self.body.text, self.status, headers)
        content = orjson.dumps(self.body, option=orjson.OPT_NON_STR_KEYS)
        return Response(content, self.status, self.headers, media_type="application/json")


def failure(error: Exception, said: Collection[str] = ()) -> Answer:
    """An error as an answer: the one place that knows which status it has. ``said`` are the client's own words, which
    may stand in it whatever they are."""
    match error:
        case RequestError():
            return _failure(error.status, str(error), said)
        case ConfigError():
            texts = [problem.named for problem in error.problems]
            return _failure(400, _INVALID.format(len(texts), "\n".join(texts), _WHERE))
        case TimeoutError():
            return _failure(500, "Request timed out")
        case AbortedUpload():
            log.warning("a client gave up its request: %s", error)
            return _failure(400, str(error))
        case _:
            log.error("a request failed", exc_info=error)
            return _failure(500, str(error) or type(error).__name__)


def _failure(status: int, message: str, said: Collection[str] = ()) -> Answer:
    headers = {"Connection": "close"} if status in UNREAD else {}
    return Answer(status, {"error_code": status, "message": redact(message, said)}, headers)


def plain(status: HTTPStatus, headers: Mapping[str, str] | None = None) -> Answer:
    """The answer to a request that no endpoint takes, in the words of JAX-RS."""
    body = {"error_code": status.value, "message": f"HTTP {status.value} {status.phrase}"}
    return Answer(status.value, body, headers or {})


def segments(request: Request) -> tuple[str, ...]:
    """The path's parts between its first and last slashes, each decoded by itself, so that a connector's name may hold
    a slash.

    RequestError 400 for a path that cannot be decoded, or that holds control characters, or an empty part between
    others, as no connector's name can.
    """
    parts = [_segment(part) for part in raw_path(request.scope).split(b"?")[0].decode("latin-1").strip("/").split("/")]
    if "" in parts and len(parts) > 1:
        raise RequestError(400, "HTTP 400 Bad Request: a part of the path is empty")
    return tuple(filter(None, parts))


def raw_path(scope: Scope) -> bytes:
    """The path as the client has sent it, also behind the address of a server, which proxies send along."""
    return _SERVER.sub(b"", scope.get("raw_path") or scope["path"].encode())


def _segment(part: str) -> str:
    """Without its matrix parameters, which tell nothing here."""
    part = part.partition(";")[0]
    try:
        found = unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise RequestError(400, "HTTP 400 Bad Request: the path is not UTF-8") from None
    if _NO_ESCAPE.search(part):
        raise RequestError(400, "HTTP 400 Bad Request: a % in the path is not followed by two hexadecimal digits")
    if _CONTROL.search(found):
        raise RequestError(400, "HTTP 400 Bad Request: the path holds a control character")
    return found


def parameter(request: Request, name: str) -> str | None:
    """A query parameter; the first of several, as in JAX-RS."""
    return next(iter(request.query_params.getlist(name)), None)


def flag(request: Request, name: str, default: bool) -> bool:
    """A query parameter that is true or false, in any case."""
    given = parameter(request, name)
    return default if given is None else given.lower() == "true"


def takes_json(request: Request) -> bool:
    """Whether the client takes an answer in JSON."""
    return media_types.takes_json(",".join(request.headers.getlist("accept")))


async def body(request: Request, *, numbers_as_text: bool = False) -> Any:
    """The request's JSON. RequestError 400 if it is none, 415 for another content type."""
    if not media_types.is_json(request.headers.get("content-type", "application/json")):
        raise RequestError(415, "HTTP 415 Unsupported Media Type")
    content: bytes = request.state.content
    if not content.strip():
        raise RequestError(400, "The request has no body; JSON is expected")
    if len(content) <= INLINE_BODY_BYTES:
        return _parsed(content, numbers_as_text)
    return await asyncio.to_thread(_parsed, content, numbers_as_text)


def _parsed(content: bytes, numbers_as_text: bool) -> Any:
    whole, broken = (_number, _number) if numbers_as_text else (_whole, _broken)
    try:
        found = json.loads(content, parse_constant=_refuse, parse_int=whole, parse_float=broken)
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise RequestError(400, f"The request's body is not readable JSON: {reason}") from None
    return found


def _number(text: str) -> str:
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"Number value length ({len(text)}) exceeds the maximum allowed ({LONGEST_NUMBER})")
    return text


def _whole(text: str) -> int:
    return int(_number(text))


def _broken(text: str) -> float:
    found = float(_number(text))
    return found if math.isfinite(found) else _refuse(text)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON value")


def config(found: Any, what: str = "config") -> dict[str, str | None]:
    """A connector's config, its values as text. RequestError 400 for anything but an object of plain values."""
    if not isinstance(found, dict):
        raise RequestError(400, f"Cannot deserialize {what}: an object of keys and values is expected")
    return {key: text(key, value) for key, value in found.items()}


def text(key: str, value: Any) -> str | None:
    """A value as text. RequestError 400 for an object or a list."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case _:
            kind = "an object" if isinstance(value, dict) else "a list"
            raise RequestError(400, f"Cannot deserialize the value of {key}: a string is expected, not {kind}")


@dataclass(frozen=True, slots=True)
class Guard:
    """Turns away web pages of other sites, which reach a worker through the browser of somebody who is near it: by
    posting across sites, or by a name of theirs that means this machine (DNS rebinding)."""

    names: frozenset[str] | None
    """The hosts by which a worker may be called that only listens on this machine; None for one that others reach,
    which cannot know them."""
    origins: frozenset[str]
    """The sites whose pages may use the worker all the same; ``*`` is every site."""

    @classmethod
    def from_config(cls, settings: WorkerConfig, *, admin: bool = False) -> "Guard":
        """The guard of a worker's listeners, or of its admin listeners; the origins of access.control.allow.origin
        pass, as a proxy's name too."""
        addresses = settings.admin_addresses if admin else settings.addresses
        origins = frozenset(part for part in split_list(settings.access_control_allow_origin) if part)
        if not all(listener.local for listener in addresses):
            return cls(None, origins)
        own = (settings.rest_advertised_host_name or "", *(listener.host for listener in addresses))
        return cls(_LOOPBACK | {name.lower() for name in own if name}, origins)

    def refuses(self, request: Request) -> str | None:
        """Why a request is turned away."""
        host, origin = request.headers.get("host"), request.headers.get("origin")
        if host and self.names is not None and _host(f"//{host}") not in {*self.names, *map(_host, self.origins)}:
            return (
                f"This worker does not know the host name {host}: it listens on this machine "
                f"only{_ALLOWED.format(f'http://{host}')}"
            )
        if origin and not self._own(origin, host):
            return f"Pages of {origin} may not use this worker{_ALLOWED.format(origin)}"
        if origin:
            return None
        # Without an origin (images, links, forms of old browsers) the browser itself says whose page asked.
        site = request.headers.get("sec-fetch-site", "none").lower()
        if site in {"none", "same-origin"} or "*" in self.origins:
            return None
        return f"Pages of other sites may not use this worker (Sec-Fetch-Site: {site}); enter its address by itself"

    def _own(self, origin: str, host: str | None) -> bool:
        if origin in self.origins or "*" in self.origins:
            return True
        return _host(origin) in self.names if self.names is not None else _same(origin, host)


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _same(origin: str, host: str | None) -> bool:
    """Whether a page comes from the host that was asked. The scheme may be a proxy's, and its port with it."""
    try:
        page, asked = urlsplit(origin), urlsplit(f"//{host}")
        port = {"http": 80, "https": 443}.get(page.scheme)
        return bool(page.hostname) and (page.hostname, page.port or port) == (asked.hostname, asked.port or port)
    except ValueError:
        return False
