"""A worker's REST API: requests and answers as Python values, refusals as errors with the worker's own words."""

import json
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from ferryman.client.contexts import TOKEN, VARIABLE, Context
from ferryman.client.errors import RefusedRequestError, UnreachableError, UnusableContextError
from ferryman.reach import connectivity, failed_requests, remedies
from ferryman.reach.remedies import Keys
from ferryman.telemetry.lines import printable
from ferryman.telemetry.redaction import redact
from ferryman.tls.trusting import trusting

ANSWER_SECONDS = 100.0
"""Seconds for an answer; a worker gives itself 90."""
LOOK_SECONDS = 5.0
"""Seconds for each step of a look at a server that did not answer."""
REBALANCE_SECONDS = 60.0
"""Seconds for which a request is repeated while the group is rebalancing."""
_AGAIN = 0.5

_MOMENTARILY = ("rebalance", "stale configuration", "momentarily")
"""What Kafka Connect's 409 says where the same request will do a moment later."""
_LONGEST = 2_000
"""How many characters of an unexpected answer are shown."""
Query = Mapping[str, str]
_KEYS = replace(Keys.of_url("--url", "--ca"), identity="--certificate and --key")


@dataclass
class Worker:
    """A worker, or whichever worker of a group answers there."""

    context: Context
    _client: httpx.Client | None = field(default=None, repr=False)
    _last: str | None = None
    """What was asked last."""

    def get(self, *path: str, query: Query | None = None) -> Any:
        """What is there. ``path`` has one entry for each part, not yet quoted, here as in all of these.

        All raise UnreachableError, or RefusedRequestError with what the worker says.
        """
        return self.ask("GET", *path, query=query)

    def ask(self, method: str, *path: str, body: Any = None, query: Query | None = None) -> Any:
        """The answer's JSON; None if it is empty. A group that rebalances is asked again for a while."""
        deadline = time.monotonic() + REBALANCE_SECONDS
        while True:
            answer = self._answer(method, "/" + "/".join(quote(part, safe="") for part in path), body, query)
            if not (_is_momentary(answer) and time.monotonic() < deadline):
                break
            time.sleep(_AGAIN)
        if answer.is_error:
            raise self._refusal(answer, path)
        if not answer.content:
            return None
        try:
            return answer.json()
        except (ValueError, RecursionError):
            raise UnreachableError(
                f"{self.context.url} is not a Kafka Connect worker: its answer is not JSON"
            ) from None

    def names(self) -> list[str]:
        """The names of all connectors, sorted."""
        found = self.get("connectors")
        if not isinstance(found, list):
            raise self.strange()
        return sorted(map(str, found))

    def strange(self) -> UnreachableError:
        """The error for an answer that does not have the form of Kafka Connect's."""
        last = "" if self._last is None else f" to {self._last}"
        return UnreachableError(
            f"{self.context.url} is not a Kafka Connect worker: its answer{last} lacks fields that one would have"
        )

    def _answer(self, method: str, path: str, body: Any, query: Query | None) -> httpx.Response:
        if self._client is None:
            self._client = self._connected()
        self._last = f"{method} {path}"
        content = None if body is None else json.dumps(body)
        headers = {"Accept": "application/json"} | ({} if body is None else {"Content-Type": "application/json"})
        try:
            return self._client.request(method, path, content=content, params=query, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UnreachableError(f"{self.context.url} does not answer: {self._why(error)}") from None

    def _why(self, error: Exception) -> str:
        """Why there is no answer, and what to do about it. A server that hung up is looked at once more: it may speak
        TLS where that was not asked for."""
        url = self.context.url
        found = failed_requests.obstacle(url, error)
        parts = urlsplit(url)
        if found is None and parts.scheme == "http" and isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
            found = connectivity.obstacle(parts.hostname or "", parts.port or 80, LOOK_SECONDS, None)
        if found is None or found.at in ("name", "port"):
            said = str(error).rstrip(".") if found is None else found.said
            said = said or type(error).__name__
            return f"{said}. Is a worker running there? --url or --context says which one to ask"
        return f"{found.said}. What to do: {remedies.what(found, _KEYS)}"

    def _connected(self) -> httpx.Client:
        context = self.context.checked()
        known = context.authorization()
        # Environment variables of proxies and ~/.netrc would say where credentials go.
        return httpx.Client(
            base_url=context.url.rstrip("/"),
            auth=known if isinstance(known, tuple) else None,
            headers={"Authorization": f"Bearer {known}"} if isinstance(known, str) else None,
            verify=_trusted(context),
            timeout=ANSWER_SECONDS,
            trust_env=False,
        )

    def _refusal(self, answer: httpx.Response, path: tuple[str, ...]) -> Exception:
        if answer.status_code == 401:
            text = f"{self.context.url} requires a login, or did not accept it: use --user and {VARIABLE}, or {TOKEN}"
            return RefusedRequestError(401, text)
        text = _said(answer)
        if answer.status_code == 404 and len(path) > 1 and path[0] == "connectors":
            text += self._near(path[1])
        said = "\n".join(map(printable, redact(text).splitlines()))
        return RefusedRequestError(answer.status_code, said)

    def _near(self, name: str) -> str:
        known = self._answer("GET", "/connectors", None, None)
        try:
            names = [str(each) for each in known.json()] if known.is_success else []
        except (ValueError, TypeError, RecursionError):
            return ""
        near = get_close_matches(name, [] if name in names else names, n=1)
        return f"; did you mean {near[0]}?" if near else ""


def _said(answer: httpx.Response) -> str:
    try:
        body = answer.json()
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict) and body.get("message"):
        return str(body["message"])
    return f"{answer.status_code} {answer.reason_phrase} {answer.text[:_LONGEST]}".strip()


def _is_momentary(answer: httpx.Response) -> bool:
    return answer.status_code == 409 and any(words in _said(answer) for words in _MOMENTARILY)


def _trusted(context: Context) -> ssl.SSLContext | bool:
    if urlsplit(context.url).scheme != "https":
        return True
    with _reading("--ca", context.ca):
        found = trusting(context.ca)
    if context.certificate is not None:
        options = "--certificate" if context.key is None else "--certificate and --key"
        with _reading(options, context.certificate, context.key):
            found.load_cert_chain(context.certificate, context.key)
    return found


@contextmanager
def _reading(option: str, *files: str | None) -> Iterator[None]:
    """Raises UnusableContextError with the option, or options, that name the files."""
    try:
        yield
    except OSError as error:  # ssl.SSLError is one
        reason = (error.reason if isinstance(error, ssl.SSLError) else error.strerror) or str(error)
        named = " and ".join(filter(None, files))
        raise UnusableContextError(f"{option}: {named or 'the system'} cannot be read: {reason}") from None
