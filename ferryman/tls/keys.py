"""The keys ``ssl.*`` of a listener and of requests to other workers: Kafka's SslConfigs, without what loads code."""

from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, SecretStr

from ferryman.config import Config, Password, Str, Strings, any_case, key
from ferryman.errors import KeyProblem
from ferryman.tls import cipher_suites, stores
from ferryman.tls.stores import Identity, Store

SPOKEN = ("TLSv1.2", "TLSv1.3")
"""The versions of TLS that are spoken, lowest first."""
_FORMER = ("TLSv1", "TLSv1.1", "SSLv2Hello", "SSLv3")
NO_EFFECT: Mapping[str, str] = {
    "ssl.keymanager.algorithm": "there is no JVM",
    "ssl.provider": "there is no JVM",
    "ssl.secure.random.implementation": "there is no JVM",
    "ssl.trustmanager.algorithm": "there is no JVM",
}
"""Keys that do nothing here, and why."""


def _suites(names: list[str]) -> list[str]:
    cipher_suites.openssl(names)
    return names


def _protocols(names: list[str]) -> list[str]:
    unknown = [each for each in names if each not in SPOKEN + _FORMER]
    if unknown or not set(names) & set(SPOKEN):
        raise ValueError(f"only {' and '.join(SPOKEN)} are spoken")
    return names


StoreType = Annotated[Literal["JKS", "PKCS12", "PEM"], any_case("JKS", "PKCS12", "PEM")]


class TlsConfig(Config):
    """A listener's own certificate, and which certificates it trusts."""

    ssl_keystore_location: Str | None = key(None, importance="HIGH")
    """The file with the private key and its certificates: JKS, PKCS12 or PEM, as its first bytes say."""
    ssl_keystore_type: StoreType = key("JKS")
    """The keystore's format; the file itself has the last word."""
    ssl_keystore_password: Password | None = key(None, importance="HIGH")
    """The keystore's password."""
    ssl_key_password: Password | None = key(None, importance="HIGH")
    """The private key's password, if it is another than the keystore's."""
    ssl_keystore_key: Password | None = key(None, importance="HIGH")
    """The private key itself, PEM, in place of a file."""
    ssl_keystore_certificate_chain: Password | None = key(None, importance="HIGH")
    """The certificates that belong to it, PEM, its own first."""
    ssl_truststore_location: Str | None = key(None, importance="HIGH")
    """The file with the authorities that may vouch for others: JKS, PKCS12 or PEM. Without it a listener believes those
    in its keystore, and requests to other workers those of the operating system."""
    ssl_truststore_type: StoreType = key("JKS")
    """The truststore's format; the file itself has the last word."""
    ssl_truststore_password: Password | None = key(None, importance="HIGH")
    """The truststore's password; without it the file's integrity is not checked."""
    ssl_truststore_certificates: Password | None = key(None, importance="HIGH")
    """The authorities themselves, PEM, in place of a file."""
    ssl_client_auth: Literal["required", "requested", "none"] = key("none", importance="LOW")
    """Whether clients must (required) or may (requested) show a certificate."""
    ssl_protocol: Str = key("TLSv1.3")
    """The newest version of TLS: TLSv1.2, TLSv1.3, or TLS for either."""
    ssl_enabled_protocols: Annotated[Strings, AfterValidator(_protocols)] = key(["TLSv1.2", "TLSv1.3"])
    """The versions of TLS that are spoken; older ones than TLSv1.2 never are."""
    ssl_cipher_suites: Annotated[Strings, AfterValidator(_suites)] = key([], importance="LOW")
    """The cipher suites that are spoken, by Java's names; by default OpenSSL's."""
    ssl_endpoint_identification_algorithm: Annotated[Literal["https", ""], any_case("https", "")] = key(
        "https", importance="LOW"
    )
    """In requests to other workers: whether their certificates must be for the names by which they are called."""

    refused: ClassVar[Mapping[str, str]] = {"ssl.engine.factory.class": "it is Java code"}

    def problems(self) -> Iterable[KeyProblem]:
        """Stores that cannot be read, by key."""
        for name, load in (("ssl.keystore", self.own), ("ssl.truststore", self.others)):
            try:
                load()
            except (ValueError, OSError) as error:
                reason = error.strerror if isinstance(error, OSError) else str(error)
                name = f"{name}.location"
                location = getattr(self, name.replace(".", "_"))
                yield KeyProblem(name, f"Invalid value {location} for configuration {name}: {reason}")
        if self.ssl_protocol not in (*SPOKEN, "TLS"):
            text = f"Invalid value {self.ssl_protocol} for configuration ssl.protocol: it is TLSv1.2, TLSv1.3 or TLS"
            yield KeyProblem("ssl.protocol", text)

    def own(self) -> Store | None:
        """The keystore; None without one. Raises OSError and ValueError for one that cannot be read."""
        password = _plain(self.ssl_key_password)
        if self.ssl_keystore_key and self.ssl_keystore_certificate_chain:
            text = f"{_plain(self.ssl_keystore_key)}\n{_plain(self.ssl_keystore_certificate_chain)}"
            return stores.pem(text, password)
        return _read(self.ssl_keystore_location, _plain(self.ssl_keystore_password), password)

    def others(self) -> Store | None:
        """The truststore; None without one. Raises OSError and ValueError for one that cannot be read."""
        if self.ssl_truststore_certificates:
            return stores.pem(_plain(self.ssl_truststore_certificates) or "")
        return _read(self.ssl_truststore_location, _plain(self.ssl_truststore_password))

    @property
    def identity(self) -> Identity | None:
        """The private key and its certificates; None without a keystore, or for one without a key."""
        store = self.own()
        return None if store is None else store.identity


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _read(location: str | None, password: str | None, key_password: str | None = None) -> Store | None:
    return stores.load(location, password, key_password) if location else None
