"""Sends requests on to the worker that can meet them: from a follower to the leader, or to whom a connector belongs.

A request that a client sent may go on twice (``forward=true``, then ``forward=false``), since the leader may change
meanwhile; then it is refused (KIP-151's rules, as Kafka Connect's HerderRequestHandler has them).
"""

import asyncio
import json
import logging
import ssl
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from ferryman.errors import RequestError
from ferryman.reach import failed_requests, remedies
from ferryman.reach.remedies import Keys
from ferryman.rest import signatures
from ferryman.rest.endpoints import Call
from ferryman.rest.http_messages import Answer, Nothing, PlainText, parameter, raw_path
from ferryman.settings.settings import Settings
from ferryman.telemetry.redaction import redact
from ferryman.tls import contexts
from ferryman.worker import askers
from ferryman.worker.herder import Forward
from ferryman.worker.pool import Pool

log = logging.getLogger(__name__)

ANSWER_SECONDS = 95.0
"""Seconds for another worker's answer: its own 90, and a little, so that what it says after them arrives."""
CONNECT_SECONDS = 10.0
"""Seconds for a connection to it."""
POLL_SECONDS = 0.5
"""Seconds between two checks whether it is still the one to ask."""
MAX_ANSWER_BYTES = 16 << 20
"""Bytes of an answer."""
NO_LEADER = "Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway."
SPENT = "Cannot complete request because of a conflicting operation (e.g. worker rebalance)"
PASSED_ON = ("Authorization", signatures.SIGNATURE, signatures.ALGORITHM)
"""The headers that go on with a request."""
_FORWARD = "forward"


class OtherWorkers:
    """Requests to the other workers of the group, over TLS as the listeners' keys say it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool = Pool("forwarding", 2, 64)
        self._context: ssl.SSLContext | None = None

    async def forward(self, call: Call, target: Forward) -> Answer:
        """The answer of the worker that must meet a request. RequestError 409 when it is not known or the request has
        been sent on twice, 500 when it does not answer."""
        hops = parameter(call.request, _FORWARD)
        if hops is not None and hops.lower() != "true":
            raise RequestError(409, SPENT)
        if target.url is None:
            raise RequestError(409, NO_LEADER)
        url = _address(target.url, call, again=hops is None)
        headers = {name: call.request.headers[name] for name in PASSED_ON if name in call.request.headers}
        content = getattr(call.request.state, "content", b"")
        return _answer(await _while(target.stands, self._send(call.request.method, url, content, headers)))

    async def send_signed(
        self,
        method: str,
        url: str,
        content: bytes,
        key: bytes | None,
        algorithm: str,
        stands: Callable[[], bool] = lambda: True,
    ) -> None:
        """An internal request to the leader at ``url``, with its path, signed unless there is no ``key``.

        Raises RequestError with the status and text that it answers with, 500 when it does not, 409 when it does not
        lead any more as ``stands`` tells.
        """
        signed = {} if key is None else signatures.sign(key, content, algorithm)
        found = await _while(stands, self._send(method, url, content, signed))
        if found.status >= 400:
            raise RequestError(found.status, _message(found))
        _answer(found)

    async def _send(self, method: str, url: str, content: bytes, headers: Mapping[str, str]) -> "_Reply":
        secure = url.lower().startswith("https:")
        try:
            context = await self._tls() if secure else _NO_TLS
            async with asyncio.timeout(ANSWER_SECONDS):
                return await _asked(context, method, url, content, headers)
        except (OSError, ValueError) as error:  # TimeoutError and ssl.SSLError are OSErrors
            reason = redact(self._why(url, error))
            log.error("IO error forwarding REST request to %s: %s", url.partition("?")[0], reason)
            raise RequestError(500, f"IO Error trying to forward REST request: {reason}") from None

    def _why(self, url: str, error: Exception) -> str:
        """Why there is no answer, and where the way is known, by which key to mend it."""
        found = failed_requests.obstacle(url, error)
        if found is None:
            return f"{urlsplit(url).netloc}: {str(error) or type(error).__name__}"
        return f"{found.said}. What to do: {remedies.what(found, _keys(self._settings.rest.tls_prefix))}"

    async def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            stage = "reading the certificates of the listeners"
            self._context = await self._pool.run(stage, lambda: contexts.client(self._settings.rest.tls))
        return self._context


def _keys(prefix: str) -> Keys:
    """By which keys of the two workers one of them reaches the other."""
    that, this = "of that worker", "of this worker"
    return Keys(
        host=f"rest.advertised.host.name {that}",
        port=f"rest.advertised.port {that}",
        both=f"rest.advertised.host.name and rest.advertised.port {that}",
        plain=f"rest.advertised.listener=http {that}",
        encrypted=f"rest.advertised.listener=https {that}",
        trust=f"{prefix}ssl.truststore.location {this}",
        identity=f"{prefix}ssl.keystore.location {this}",
    )


async def _while(stands: Callable[[], bool], sending: Coroutine[Any, Any, "_Reply"]) -> "_Reply":
    """The reply of a worker that may fall asleep over the request: it is waited for only while it is the one to ask,
    and somebody waits here, so that it can tell.

    Whether it was done is open then, as with any request without an answer. RequestError 409.
    """
    task = asyncio.ensure_future(sending)
    try:
        while not (await asyncio.wait({task}, timeout=POLL_SECONDS))[0]:
            if not stands():
                raise RequestError(409, SPENT)
            await askers.look()
        return task.result()
    finally:
        task.cancel()


_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For addresses without TLS. To make httpx's own would read all certificate authorities."""


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    headers: Mapping[str, str]
    content: bytes


async def _asked(context: ssl.SSLContext, method: str, url: str, content: bytes, headers: Mapping[str, str]) -> _Reply:
    """The whole answer; no proxy and no redirection is followed. Raises OSError when none comes, ValueError for one
    that is too large."""
    import httpx  # here, since a worker that is alone never needs it

    given = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "kafka-connect", **headers}
    if content:
        given["Content-Type"] = "application/json"
    timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
    body = bytearray()
    try:
        async with (
            httpx.AsyncClient(verify=context, trust_env=False, timeout=timeout) as client,
            client.stream(method, url, content=content or None, headers=given) as response,
        ):
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > MAX_ANSWER_BYTES:
                    raise ValueError(f"the answer is larger than {MAX_ANSWER_BYTES} bytes")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise OSError(str(error) or type(error).__name__) from None
    return _Reply(response.status_code, response.headers, bytes(body))


def _address(worker: str, call: Call, *, again: bool) -> str:
    """The same path and query at another worker; whether that one may send it on once more is said in the query."""
    raw = raw_path(call.request.scope)
    others = [(name, value) for name, value in parse_qsl(call.request.url.query, True) if name != _FORWARD]
    query = urlencode([(_FORWARD, "true" if again else "false"), *others])
    return f"{worker.rstrip('/')}{raw.split(b'?')[0].decode('latin-1')}?{query}"


def _answer(found: _Reply) -> Answer:
    status = found.status
    if status < 200 or 300 <= status < 400:
        raise RequestError(500, f"Unexpected status code when handling forwarded request: {status}")
    headers = {"Location": urlsplit(found.headers["location"]).path} if "location" in found.headers else {}
    if "www-authenticate" in found.headers:
        headers["WWW-Authenticate"] = found.headers["www-authenticate"]
    return Answer(status, PlainText(found.content) if found.content else Nothing(), headers)


def _message(found: _Reply) -> str:
    try:
        return str(json.loads(found.content)["message"])
    except (ValueError, KeyError, TypeError):
        return f"the other worker answers with {found.status}"
