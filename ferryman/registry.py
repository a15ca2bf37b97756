"""A client for a schema registry that speaks Confluent's REST API, as far as converters need it.

Schemas by id never change, so they are kept for ever; failures are never kept. Credentials are sent and never shown.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Literal
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import httpx
from pydantic import SecretStr

from ferryman.config import Bool, Config, Int, Password, Strings, key
from ferryman.errors import DataError, KeyProblem, RetriableError, TaskError

CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"
_RETRIABLE = (408, 425, 429)


class RegistryConfig(Config):
    """The keys of a registry's client; converters add theirs."""

    refused = {  # noqa: RUF012
        "schema.registry.ssl.": "the registry's certificate is checked against the system's authorities only",
        "bearer.auth.": "use basic authentication",
        "schema.registry.sasl.": "use basic authentication",
        "context.name.strategy": "put the context into schema.registry.url",
        "proxy.host": "reach the registry directly",
    }

    schema_registry_url: Strings = key(importance="HIGH")
    """The registry's addresses, tried in turn. One may hold ``user:password@``."""
    basic_auth_credentials_source: Literal["URL", "USER_INFO"] = key("URL", names=("basic.auth.credentials.source",))
    """Where user and password are: in the address (URL), or in basic.auth.user.info (USER_INFO)."""
    basic_auth_user_info: Password | None = key(
        None, names=("basic.auth.user.info", "schema.registry.basic.auth.user.info")
    )
    """``user:password`` for the registry."""
    http_connect_timeout_ms: Int = key(60000, importance="LOW", at_least=1)
    """How long to wait for a connection, in milliseconds."""
    http_read_timeout_ms: Int = key(60000, importance="LOW", at_least=1)
    """How long to wait for an answer, in milliseconds."""
    auto_register_schemas: Bool = key(True)
    """Whether a schema that the registry does not have is registered; false makes it an error of the record."""
    normalize_schemas: Bool = key(False)
    """Whether the registry is asked to normalise schemas before it compares them."""

    def problems(self) -> Iterable[KeyProblem]:
        """An address that is none, and credentials that are announced but missing."""
        if not self.schema_registry_url:
            yield KeyProblem("schema.registry.url", "schema.registry.url: Must configure at least one address")
        for url in self.schema_registry_url:
            if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
                shown = _without_credentials(url)[0]
                text = f"Invalid value {shown} for configuration schema.registry.url: Not an http or https address"
                yield KeyProblem("schema.registry.url", text)
        if self.basic_auth_credentials_source == "USER_INFO" and self.basic_auth_user_info is None:
            text = "basic.auth.user.info must be set when basic.auth.credentials.source is USER_INFO"
            yield KeyProblem("basic.auth.user.info", text)


def _without_credentials(url: str) -> tuple[str, tuple[str, str] | None]:
    """An address without its user info, and the user info."""
    parts = urlsplit(url.rstrip("/"))
    user, at, host = parts.netloc.rpartition("@")
    bare = urlunsplit(parts._replace(netloc=host))
    if not at:
        return bare, None
    name, _, password = user.partition(":")
    return bare, (unquote(name), unquote(password))


class Registry:
    """A registry behind one or several addresses."""

    def __init__(self, config: RegistryConfig) -> None:
        addresses = [_without_credentials(url) for url in config.schema_registry_url]
        self.urls = [url for url, _ in addresses]
        self._auth = _credentials(config, [found for _, found in addresses if found])
        self._timeout = httpx.Timeout(config.http_read_timeout_ms / 1000, connect=config.http_connect_timeout_ms / 1000)
        self._normalize = {"normalize": "true"} if config.normalize_schemas else None
        self._client: httpx.Client | None = None
        self._schemas: dict[int, str] = {}
        self._ids: dict[tuple[str, str], int] = {}

    def schema(self, number: int) -> str:
        """The text of the Avro schema with that id. Raises DataError for an unknown id or another kind of schema."""
        found = self._schemas.get(number)
        if found is None:
            found = self._schemas[number] = self._read(number)
        return found

    def _read(self, number: int) -> str:
        if number <= 0:
            raise DataError(f"The schema id {number} is not one that a registry gives")
        status, body = self._ask("GET", f"/schemas/ids/{number}")
        if status == 404:
            raise DataError(f"The registry does not know the schema id {number}: {_told(body)}")
        self._expect_ok(status, body, f"the schema with id {number}")
        if body.get("schemaType", "AVRO") != "AVRO":
            raise DataError(f"The schema with id {number} is of type {body['schemaType']}, not AVRO")
        if body.get("references"):
            raise DataError(f"The schema with id {number} has references to other subjects, which are not supported")
        return str(body["schema"])

    def version(self, subject: str, number: int) -> int | None:
        """The version that the schema with that id is of a subject; None if it is none of it."""
        status, body = self._ask("GET", f"/schemas/ids/{number}/versions")
        if status == 404:
            return None
        if status != 200 or not isinstance(body, list):
            self._expect_ok(status, body, f"the versions of the schema with id {number}")
        found = [int(each["version"]) for each in body if each["subject"] == subject]
        return max(found, default=None)

    def register(self, subject: str, schema: str) -> int:
        """The id of a schema under a subject, registered if need be. Raises DataError if the registry refuses it."""
        return self._id(subject, schema, f"/subjects/{quote(subject, safe='')}/versions")

    def lookup(self, subject: str, schema: str) -> int:
        """The id of a schema that is already registered under a subject. Raises DataError if it is not."""
        return self._id(subject, schema, f"/subjects/{quote(subject, safe='')}")

    def _id(self, subject: str, schema: str, path: str) -> int:
        found = self._ids.get((subject, schema))
        if found is None:
            status, body = self._ask("POST", path, {"schema": schema})
            if status in (404, 409, 422):
                raise DataError(f"The registry refuses the schema for subject {subject}: {_told(body)}")
            self._expect_ok(status, body, f"subject {subject}")
            found = self._ids[subject, schema] = int(body["id"])
        return found

    def _expect_ok(self, status: int, body: Any, what: str) -> None:
        if status in (401, 403):
            raise TaskError(f"The registry refuses access to {what} (HTTP {status}); check its credentials")
        if status != 200 or not isinstance(body, dict):
            raise TaskError(f"The registry answered HTTP {status} for {what}: {_told(body)}")

    def _ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The first answer that is not another system's failure. Raises RetriableError if no address gives one."""
        failures: list[str] = []
        after: float | None = None
        for url in self.urls:
            try:
                answer = self._open().request(method, url + path, json=body, params=self._normalize if body else None)
            except httpx.TransportError as error:
                failures.append(f"{url}: {type(error).__name__}")
                continue
            if answer.status_code < 500 and answer.status_code not in _RETRIABLE:
                return answer.status_code, _json(answer)
            failures.append(f"{url}: HTTP {answer.status_code}")
            after = _retry_after(answer) or after
        raise RetriableError(f"The schema registry does not answer: {'; '.join(failures)}", after)

    def _open(self) -> httpx.Client:
        # Opened late: a task's process is forked, and no connection may be older than the fork.
        if self._client is None:
            headers = {"Accept": CONTENT_TYPE, "Content-Type": CONTENT_TYPE}
            self._client = httpx.Client(auth=self._auth, timeout=self._timeout, headers=headers, trust_env=False)
        return self._client


def _credentials(config: RegistryConfig, found: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    if config.basic_auth_credentials_source == "URL":
        return found[0] if found else None
    info = (config.basic_auth_user_info or SecretStr("")).get_secret_value()
    user, _, password = info.partition(":")
    return user, password


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return None


def _told(body: Any) -> str:
    if not isinstance(body, dict):
        return "no reason given"
    return f"{body.get('message', 'no reason given')} (error {body.get('error_code')})"


def _retry_after(answer: httpx.Response) -> float | None:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else None
