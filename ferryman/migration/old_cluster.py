"""A running Kafka Connect, read over its REST API and never changed."""

import json
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from ferryman.telemetry.redaction import redact
from ferryman.tls.trusting import trusting

ANSWER_SECONDS = 60.0
"""Seconds for an answer; a worker that rebalances takes its time."""
REBALANCE_SECONDS = 60.0
"""Seconds for which a request is repeated that a rebalance is in the way of."""
_AGAIN = 0.5
Properties = Mapping[str, str | None]


class UnreadableCluster(Exception):
    """It could not be read; the text says why."""


@dataclass(frozen=True, slots=True)
class OldConnector:
    """A connector as it stands there."""

    name: str
    config: Properties
    """As it was posted, references unresolved. Never printed."""


@dataclass(frozen=True, slots=True)
class OldCluster:
    """What was read."""

    version: str
    """The version of Kafka Connect, as its workers say."""
    connectors: tuple[OldConnector, ...]
    """By name."""


def read(address: str, login: tuple[str, str] | None = None, verify: str | bool = True) -> OldCluster:
    """Reads all connectors. ``login`` is a user and a password, ``verify`` a file of certificate authorities. Raises
    UnreadableCluster."""
    with _client(address, login, verify) as client:
        version = _get(client, "/")
        if not isinstance(version, dict) or "version" not in version:
            raise UnreadableCluster(f"{address} is not a Kafka Connect worker: it does not give its version")
        return OldCluster(str(version["version"]), tuple(sorted(_connectors(client), key=lambda each: each.name)))


def _client(address: str, login: tuple[str, str] | None, verify: str | bool) -> httpx.Client:
    try:
        trusted = trusting(verify) if isinstance(verify, str) else verify
    except (OSError, ssl.SSLError) as error:
        raise UnreadableCluster(f"the certificates in {verify} cannot be read: {error}") from None
    try:
        # Environment variables of proxies and ~/.netrc would say where credentials go.
        return httpx.Client(
            base_url=address.rstrip("/"), auth=login, verify=trusted, timeout=ANSWER_SECONDS, trust_env=False
        )
    except (httpx.InvalidURL, ValueError) as error:
        raise UnreadableCluster(f"{address} is no address of a worker ({error}): write http://host:port") from None


def _connectors(client: httpx.Client) -> Iterator[OldConnector]:
    found = _get(client, "/connectors?expand=info")
    if isinstance(found, list):  # before Kafka 2.3 there are only names
        for name in map(str, found):
            yield OldConnector(name, _properties(name, _get(client, f"/connectors/{quote(name, safe='')}/config")))
        return
    if not isinstance(found, dict):
        raise UnreadableCluster("/connectors is neither a list nor an object")
    for name, about in found.items():
        info = about.get("info") if isinstance(about, dict) else None
        yield OldConnector(name, _properties(name, info.get("config") if isinstance(info, dict) else None))


def _properties(name: str, config: Any) -> Properties:
    if not isinstance(config, dict):
        raise UnreadableCluster(f"the config of connector {name} is not an object")
    return {key: _text(value) for key, value in config.items()}


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _get(client: httpx.Client, path: str) -> Any:
    deadline = time.monotonic() + REBALANCE_SECONDS
    while (answer := _answer(client, path)).status_code == 409 and time.monotonic() < deadline:
        time.sleep(_AGAIN)
    if answer.status_code == 401:
        raise UnreadableCluster(
            f"{client.base_url} requires a user and a password: --user and FERRYMAN_MIGRATE_PASSWORD"
        )
    if answer.status_code != 200:
        raise UnreadableCluster(f"GET {path}: {answer.status_code} {redact(answer.text[:200])}")
    try:
        return answer.json()
    except (ValueError, RecursionError):
        raise UnreadableCluster(f"GET {path}: the answer is not JSON") from None


def _answer(client: httpx.Client, path: str) -> httpx.Response:
    try:
        return client.get(path, headers={"Accept": "application/json"})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UnreadableCluster(f"{client.base_url}: {error or type(error).__name__}") from error
