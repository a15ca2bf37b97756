"""A client for a schema registry that speaks Confluent's REST API, as far as converters need it.

Schemas by id never change, so they are kept for ever; failures are never kept. Credentials are sent and never shown.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import quote

import httpx

from ferryman.errors import DataError, RefusedError, RetriableError, TaskError
from ferryman.schema_registry.keys import RegistryConfig
from ferryman.schema_registry.tls import tls_context

CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"
MAX_SCHEMA_CHARACTERS = 1 << 20
"""A schema of more characters is refused, with all that it refers to."""
MOST_REFERENCES = 100
_LARGEST_ANSWER = 4 * MAX_SCHEMA_CHARACTERS
_RETRIABLE = (408, 425, 429)
_READ_ONLY = 42205
"""The code of a registry, or a subject, whose mode lets nothing be registered."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A schema of the registry."""

    number: int
    """Its id, as messages carry it."""
    text: str
    references: Sequence[str] = ()
    """The texts of the schemas that it refers to, what they refer to included, each after those that it needs itself.
    """


class Registry:
    """A registry behind one or several addresses. ``latest_for`` is how many seconds a subject's latest schema is kept;
    negative: for ever."""

    def __init__(self, config: RegistryConfig, normalize: bool = False, latest_for: int = -1) -> None:
        self._addresses = list(zip(config.addresses(), config.credentials(), strict=True))
        self._config = config
        self._normalize = {"normalize": "true"} if normalize else {}
        self._client: httpx.Client | None = None
        self._schemas: dict[int, Registered] = {}
        self._ids: dict[tuple[str, str, bool], int] = {}
        self._latest: dict[str, tuple[Registered, float]] = {}
        self._latest_for = float("inf") if latest_for < 0 else latest_for

    def schema(self, number: int) -> Registered:
        """The Avro schema with that id. Raises DataError for an unknown id or another kind of schema."""
        found = self._schemas.get(number)
        if found is None:
            found = self._schemas[number] = self._read(number)
        return found

    def _read(self, number: int) -> Registered:
        if number <= 0:
            raise DataError(f"The schema id {number} is not one that a registry assigns")
        status, body = self.answer("GET", f"/schemas/ids/{number}")
        if status == 404 and _is_registrys(body):
            raise DataError(f"The registry does not know the schema id {number}: {_reason(body)}")
        self._expect_ok(status, body, f"the schema with id {number}")
        return self._registered(number, body)

    def _registered(self, number: int, body: Mapping[str, Any]) -> Registered:
        texts: dict[tuple[str, int], str] = {}
        text = _avro(body, f"The schema with id {number}")
        try:
            self._refer(body, texts, ())
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"The references of the schema with id {number} cannot be understood: {error!r}") from error
        if len(text) + sum(map(len, texts.values())) > MAX_SCHEMA_CHARACTERS:
            raise DataError(f"The schema with id {number} has more than {MAX_SCHEMA_CHARACTERS} characters")
        return Registered(number, text, tuple(texts.values()))

    def _refer(
        self, body: Mapping[str, Any], texts: dict[tuple[str, int], str], above: tuple[tuple[str, int], ...]
    ) -> None:
        """Reads what a schema refers to, innermost first."""
        for reference in body.get("references") or ():
            subject, version = str(reference["subject"]), int(reference["version"])
            if (subject, version) in above:
                raise DataError(f"The registry's references form a circle at {subject}, version {version}")
            if (subject, version) in texts:
                continue
            if len(texts) + len(above) >= MOST_REFERENCES:
                raise DataError(f"A schema of the registry refers to more than {MOST_REFERENCES} others")
            found = self._version(subject, version)
            self._refer(found, texts, (*above, (subject, version)))
            texts[subject, version] = _avro(found, f"Version {version} of subject {subject}")

    def _version(self, subject: str, version: int | str) -> Mapping[str, Any]:
        status, body = self.answer("GET", f"/subjects/{quote(subject, safe='')}/versions/{version}")
        if status in (404, 422) and _is_registrys(body):
            raise DataError(f"The registry does not know version {version} of subject {subject}: {_reason(body)}")
        self._expect_ok(status, body, f"version {version} of subject {subject}")
        assert isinstance(body, dict)
        return body

    def latest(self, subject: str) -> Registered:
        """The newest schema of a subject, as it was not too long ago. Raises DataError if there is none."""
        found, since = self._latest.get(subject, (None, 0.0))
        if found is None or monotonic() - since >= self._latest_for:
            body = self._version(subject, "latest")
            found = self._registered(int(body["id"]), body)
            self._latest[subject] = found, monotonic()
        return found

    def version(self, subject: str, number: int) -> int | None:
        """The version that the schema with that id is of a subject; None if it is none of it."""
        status, body = self.answer("GET", f"/schemas/ids/{number}/versions")
        if status == 404:
            return None
        if status != 200 or not isinstance(body, list):
            self._expect_ok(status, body, f"the versions of the schema with id {number}")
        found = [int(each["version"]) for each in body if each["subject"] == subject]
        return max(found, default=None)

    def register(self, subject: str, schema: str) -> int:
        """The id of a schema under a subject, registered if need be. Raises DataError if the registry refuses it."""
        return self._id(subject, schema, True)

    def lookup(self, subject: str, schema: str) -> int:
        """The id of a schema that is already registered under a subject. Raises DataError if it is not."""
        return self._id(subject, schema, False)

    def _id(self, subject: str, schema: str, register: bool) -> int:
        found = self._ids.get((subject, schema, register))
        if found is None:
            path = f"/subjects/{quote(subject, safe='')}" + ("/versions" if register else "")
            status, body = self.answer("POST", path, {"schema": schema})
            if status in (404, 409, 422) and _is_registrys(body):
                raise _refusal(subject, body)
            self._expect_ok(status, body, f"subject {subject}")
            if not isinstance(body.get("id"), int):
                raise TaskError(f"The registry answered for subject {subject} without an id")
            found = self._ids[subject, schema, register] = body["id"]
        return found

    def _expect_ok(self, status: int, body: Any, what: str) -> None:
        if status in (401, 403):
            text = f"The registry refuses access to {what} (HTTP {status}); check its credentials"
            raise RefusedError(text, key="basic.auth.user.info")
        if status == 404:
            # Of another server, or of a proxy whose registry is away: no word about the schema.
            text = f"The answer for {what} is HTTP 404, and not a registry's; correct the path in schema.registry.url"
            raise RefusedError(text, key="schema.registry.url")
        if status != 200 or not isinstance(body, dict):
            raise TaskError(f"The registry answered HTTP {status} for {what}: {_reason(body)}")

    def answer(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The first answer that is not another system's failure. Raises RetriableError if no address gives one."""
        failures: list[str] = []
        after: float | None = None
        for url, login in self._addresses:
            try:
                status, headers, content = self._exchange(method, url + path, body, login)
            except httpx.TransportError as error:
                failures.append(f"{url}: {type(error).__name__}")
                continue
            if status < 500 and status not in _RETRIABLE:
                return status, _json(content)
            failures.append(f"{url}: HTTP {status}")
            after = _retry_after(headers) or after
        raise RetriableError(f"The schema registry does not answer: {'; '.join(failures)}", after)

    def _exchange(
        self, method: str, url: str, body: Any, login: tuple[str, str] | None
    ) -> tuple[int, httpx.Headers, bytes]:
        """One request and its answer, which may be neither endless nor endlessly slow."""
        limit = self._config.http_read_timeout_ms / 1000
        until = monotonic() + limit
        params = self._normalize if body else {}
        with self._open().stream(method, url, json=body, params=params, auth=login) as answer:
            content = bytearray()
            for piece in answer.iter_bytes():
                content += piece
                if len(content) > _LARGEST_ANSWER:
                    raise DataError(f"The registry's answer has more than {_LARGEST_ANSWER} bytes")
                if monotonic() > until:
                    raise httpx.ReadTimeout("the answer takes too long")
            return answer.status_code, answer.headers, bytes(content)

    def _open(self) -> httpx.Client:
        # Opened late: a task's process is forked, and no connection may be older than the fork.
        if self._client is None:
            self._client = _client(self._config)
        return self._client


def _client(config: RegistryConfig) -> httpx.Client:
    try:
        verify = tls_context(config)
    except OSError as error:
        raise TaskError(f"schema.registry.ssl.*: the certificates cannot be used: {error.strerror or error}") from None
    return httpx.Client(
        timeout=httpx.Timeout(config.http_read_timeout_ms / 1000, connect=config.http_connect_timeout_ms / 1000),
        headers={"Accept": CONTENT_TYPE, "Content-Type": CONTENT_TYPE, **config.headers()},
        verify=verify,
        proxy=f"http://{config.proxy_host}:{config.proxy_port}" if config.proxy_host else None,
        trust_env=False,
        follow_redirects=False,  # they could carry the credentials elsewhere
    )


def _avro(body: Mapping[str, Any], what: str) -> str:
    kind, text = body.get("schemaType", "AVRO"), body.get("schema")
    if kind != "AVRO":
        raise DataError(f"{what} is of type {kind}, not AVRO")
    if not isinstance(text, str):
        raise DataError(f"{what} has no text")
    return text


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _is_registrys(body: Any) -> bool:
    """Whether an error is told as registries do: with a code of their own."""
    return isinstance(body, dict) and isinstance(body.get("error_code"), int)


def _refusal(subject: str, body: Mapping[str, Any]) -> DataError | RefusedError:
    """What a schema's refusal comes to: it is the record's fault unless the registry takes no schemas at all."""
    if body["error_code"] == _READ_ONLY:
        text = f"The registry takes no schemas for subject {subject} now: {_reason(body)}. Set its mode to READWRITE"
        return RefusedError(text, key="auto.register.schemas")
    return DataError(f"The registry refuses the schema for subject {subject}: {_reason(body)}")


def _reason(body: Any) -> str:
    if not isinstance(body, dict):
        return "no reason given"
    return f"{body.get('message', 'no reason given')} (error {body.get('error_code')})"


def _retry_after(headers: httpx.Headers) -> float | None:
    text = headers.get("Retry-After", "")
    return float(text) if text.isdigit() else None
