"""The keys of a schema registry's client: where it is, and who asks."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal
from urllib.parse import unquote, urlsplit, urlunsplit

from pydantic import SecretStr

from ferryman.config import Int, Password, Str, Strings, key
from ferryman.errors import KeyProblem
from ferryman.schema_registry.tls import TlsConfig, tls_problems

_OAUTH = (
    "only bearer.auth.credentials.source=STATIC_TOKEN is supported: fetch the token and give it as bearer.auth.token"
)
_LOGIN = re.compile(r"""(?P<key>username|password)\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s;"]+))""")
_NATIVE = re.compile(r"/apis/registry/v\d+/?$")


class RegistryConfig(TlsConfig):
    """The keys of a registry's client; converters add theirs."""

    refused = {  # noqa: RUF012
        "bearer.auth.issuer.endpoint.url": _OAUTH,
        "bearer.auth.client.id": _OAUTH,
        "bearer.auth.client.secret": _OAUTH,
        "bearer.auth.custom.provider.class": _OAUTH,
        "bearer.auth.scope": _OAUTH,
        "context.name.strategy": "put the context into schema.registry.url",
        "schema.registry.ssl.keystore.key": "put it into the file schema.registry.ssl.keystore.location",
        "schema.registry.ssl.keystore.certificate.chain": "put it into the file schema.registry.ssl.keystore.location",
        "schema.registry.ssl.truststore.certificates": "put them into the file schema.registry.ssl.truststore.location",
        "schema.registry.ssl.engine.factory.class": "it is Java code",
        "apicurio.registry.global-id": "use use.schema.id, with auto.register.schemas=false",
        "apicurio.registry.artifact-id": "the subject's name follows from value.subject.name.strategy",
        "apicurio.registry.artifact.group-id": "put the group's context into schema.registry.url",
        "apicurio.auth.": "use basic.auth.* or bearer.auth.token",
    }

    schema_registry_url: Strings = key(importance="HIGH", names=("schema.registry.url", "apicurio.registry.url"))
    """The registry's addresses, tried in turn. Each may hold ``user:password@``, which only that one gets. An address
    of Apicurio's own API (``/apis/registry/v2``) is taken for that of its Confluent API (``/apis/ccompat/v7``) on the
    same host."""
    basic_auth_credentials_source: Literal["URL", "USER_INFO", "SASL_INHERIT"] = key(
        "URL", names=("basic.auth.credentials.source", "schema.registry.basic.auth.credentials.source")
    )
    """Where user and password are: in the address (URL), in basic.auth.user.info (USER_INFO), or in sasl.jaas.config
    (SASL_INHERIT)."""
    basic_auth_user_info: Password | None = key(
        None, names=("basic.auth.user.info", "schema.registry.basic.auth.user.info")
    )
    """``user:password`` for the registry."""
    sasl_jaas_config: Password | None = key(None)
    """With SASL_INHERIT: the login module whose username and password are those for the registry."""
    bearer_auth_credentials_source: Literal["STATIC_TOKEN"] | None = key(
        None, names=("bearer.auth.credentials.source", "schema.registry.bearer.auth.credentials.source")
    )
    """STATIC_TOKEN sends bearer.auth.token instead of user and password."""
    bearer_auth_token: Password | None = key(None, names=("bearer.auth.token", "schema.registry.bearer.auth.token"))
    """The token for the registry."""
    bearer_auth_logical_cluster: Str | None = key(None, importance="LOW")
    """Sent along with the token: the registry's cluster at Confluent's cloud."""
    bearer_auth_identity_pool_id: Str | None = key(None, importance="LOW")
    """Sent along with the token: the identity pool at Confluent's cloud."""
    proxy_host: Str | None = key(None, importance="LOW", names=("proxy.host", "schema.registry.proxy.host"))
    """The host of an HTTP proxy before the registry."""
    proxy_port: Int = key(-1, importance="LOW", names=("proxy.port", "schema.registry.proxy.port"))
    """The port of that proxy."""
    http_connect_timeout_ms: Int = key(60000, importance="LOW", at_least=1)
    """How long to wait for a connection, in milliseconds."""
    http_read_timeout_ms: Int = key(60000, importance="LOW", at_least=1)
    """How long to wait for an answer, in milliseconds."""

    def problems(self) -> Iterable[KeyProblem]:
        """An address that is none, and credentials that are announced but missing."""
        yield from _address_problems(self.schema_registry_url)
        yield from tls_problems(self)
        if self.basic_auth_credentials_source == "USER_INFO" and self.basic_auth_user_info is None:
            text = "basic.auth.user.info must be set when basic.auth.credentials.source is USER_INFO"
            yield KeyProblem("basic.auth.user.info", text)
        if self.basic_auth_credentials_source == "SASL_INHERIT" and len(_login(self)) < 2:
            text = "sasl.jaas.config must name username and password when basic.auth.credentials.source is SASL_INHERIT"
            yield KeyProblem("sasl.jaas.config", text)
        if self.bearer_auth_credentials_source and self.bearer_auth_token is None:
            text = "bearer.auth.token must be set when bearer.auth.credentials.source is STATIC_TOKEN"
            yield KeyProblem("bearer.auth.token", text)
        if self.proxy_host and not 0 < self.proxy_port < 1 << 16:
            text = f"Invalid value {self.proxy_port} for configuration proxy.port: with proxy.host it must be a port"
            yield KeyProblem("proxy.port", text)

    def headers(self) -> Mapping[str, str]:
        """What is sent with each request beside user and password."""
        if self.bearer_auth_credentials_source is None or self.bearer_auth_token is None:
            return {}
        found = {"Authorization": f"Bearer {self.bearer_auth_token.get_secret_value()}"}
        extra = {
            "target-sr-cluster": self.bearer_auth_logical_cluster,
            "Confluent-Identity-Pool-Id": self.bearer_auth_identity_pool_id,
        }
        return found | {name: value for name, value in extra.items() if value}

    def addresses(self) -> list[str]:
        """The addresses without what they say about a user, in the form of Confluent's API."""
        bare = (_without_credentials(url)[0] for url in self.schema_registry_url)
        return [_NATIVE.sub("/apis/ccompat/v7", url) for url in bare]

    def credentials(self) -> Sequence[tuple[str, str] | None]:
        """User and password for each of the addresses: those of an address itself are for no other."""
        if self.bearer_auth_credentials_source is None and self.basic_auth_credentials_source == "URL":
            return [_without_credentials(url)[1] for url in self.schema_registry_url]
        return [self._common_login()] * len(self.schema_registry_url)

    def _common_login(self) -> tuple[str, str] | None:
        if self.bearer_auth_credentials_source is not None:
            return None
        if self.basic_auth_credentials_source == "SASL_INHERIT":
            login = _login(self)
            return login["username"], login["password"]
        user, _, password = (self.basic_auth_user_info or SecretStr("")).get_secret_value().partition(":")
        return user, password


def _address_problems(urls: list[str]) -> Iterator[KeyProblem]:
    if not urls:
        yield KeyProblem("schema.registry.url", "schema.registry.url: Must configure at least one address")
    for url in urls:
        # urlsplit drops line breaks without a word
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname or re.search(r"[\s\x00]", url):
            shown = _without_credentials(url)[0]
            text = f"Invalid value {shown} for configuration schema.registry.url: Not an http or https address"
            yield KeyProblem("schema.registry.url", text)


def _without_credentials(url: str) -> tuple[str, tuple[str, str] | None]:
    """An address without its user info, and the user info."""
    parts = urlsplit(url.rstrip("/"))
    user, at, host = parts.netloc.rpartition("@")
    bare = urlunsplit(parts._replace(netloc=host))
    if not at:
        return bare, None
    name, _, password = user.partition(":")
    return bare, (unquote(name), unquote(password))


def _login(config: RegistryConfig) -> dict[str, str]:
    text = (config.sasl_jaas_config or SecretStr("")).get_secret_value()
    return {
        found["key"]: found["bare"] or re.sub(r"\\(.)", r"\1", found["quoted"] or "") for found in _LOGIN.finditer(text)
    }
