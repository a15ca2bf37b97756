"""A worker's REST API: requests and answers as Python values, refusals as errors with the worker's own words."""

import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from ferryman.client.contexts import TOKEN, VARIABLE, Context
from ferryman.client.errors import RefusedRequestError, UnreachableError, UnusableContextError
from ferryman.telemetry.lines import printable
from ferryman.telemetry.redaction import redact

ANSWER_SECONDS = 100.0
"""Seconds for an answer; a worker gives itself 90."""
REBALANCE_SECONDS = 60.0
"""Seconds for which a request is repeated while the group is rebalancing."""
_AGAIN = 0.5
_MOMENTARILY = ("rebalance", "stale configuration", "momentarily")
"""What Kafka Connect's 409 says where the same request will do a moment later."""
_LONGEST = 2_000
"""How many characters of an unexpected answer are shown."""
Query = Mapping[str, str]


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
        """Of all connectors, sorted."""
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
            text = f"{self.context.url} does not answer: {str(error).rstrip('.') or type(error).__name__}"
            raise UnreachableError(
                f"{text}. Is a worker running there? --url or --context says which one to ask"
            ) from None

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
    try:
        found = ssl.create_default_context(cafile=context.ca)
        if context.certificate is not None:
            found.load_cert_chain(context.certificate, context.key)
    except (OSError, ssl.SSLError) as error:
        raise UnusableContextError(f"the certificates of the context cannot be read: {error}") from None
    return found
