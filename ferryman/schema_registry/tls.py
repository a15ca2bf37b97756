"""TLS to a schema registry: the ``schema.registry.ssl.*`` keys of Java clients as a context of Python's ssl."""

import ssl
from collections.abc import Iterator
from pathlib import Path

from pydantic import SecretStr

from ferryman.config import Config, Password, Str, key
from ferryman.errors import KeyProblem
from ferryman.tls.trusting import trusting

_PREFIX = "schema.registry.ssl."
_ADVICE = "only PEM is read; `openssl pkcs12 -in FILE -out FILE.pem -nodes` or `keytool -exportcert -rfc` make it"


class TlsConfig(Config):
    """The keys; without any, the system's authorities vouch for the registry."""

    schema_registry_ssl_truststore_location: Str | None = key(None, importance="LOW")
    """A PEM file with the certificates of the authorities that may vouch for the registry."""
    schema_registry_ssl_truststore_type: Str | None = key(None, importance="LOW")
    """The truststore's format. Only PEM is read."""
    schema_registry_ssl_truststore_password: Password | None = key(None, importance="LOW")
    """A password for the truststore; a PEM file has none."""
    schema_registry_ssl_keystore_location: Str | None = key(None, importance="LOW")
    """A PEM file with the certificate that this client shows, its chain and its private key."""
    schema_registry_ssl_keystore_type: Str | None = key(None, importance="LOW")
    """The keystore's format. Only PEM is read."""
    schema_registry_ssl_keystore_password: Password | None = key(None, importance="LOW")
    """The password of the keystore, where schema.registry.ssl.key.password is not given."""
    schema_registry_ssl_key_password: Password | None = key(None, importance="LOW")
    """The password of the private key in the keystore."""
    schema_registry_ssl_endpoint_identification_algorithm: Str = key("https", importance="LOW")
    """https checks that the certificate is for the registry's host name; empty does not."""


def tls_problems(config: TlsConfig) -> Iterator[KeyProblem]:
    """What is wrong with the stores, by key."""
    for store in ("truststore", "keystore"):
        location = getattr(config, f"schema_registry_ssl_{store}_location")
        kind = getattr(config, f"schema_registry_ssl_{store}_type")
        if kind is not None and kind.upper() != "PEM":
            text = f"Invalid value {kind} for configuration {_PREFIX}{store}.type: {_ADVICE}"
            yield KeyProblem(f"{_PREFIX}{store}.type", text)
        elif location and (reason := _unreadable(Path(location))):
            name = f"{_PREFIX}{store}.location"
            yield KeyProblem(name, f"Invalid value {location} for configuration {name}: {reason}")
    algorithm = config.schema_registry_ssl_endpoint_identification_algorithm
    if algorithm.lower() not in ("", "https"):
        name = f"{_PREFIX}endpoint.identification.algorithm"
        yield KeyProblem(name, f"Invalid value {algorithm} for configuration {name}: it is https, or empty")


def _unreadable(file: Path) -> str | None:
    try:
        return None if b"-----BEGIN" in file.read_bytes() else f"this is not a PEM file; {_ADVICE}"
    except OSError as error:
        return str(error.strerror)


def tls_context(config: TlsConfig) -> ssl.SSLContext:
    """The context. Raises OSError (ssl.SSLError is one) for stores that cannot be used."""
    context = trusting(config.schema_registry_ssl_truststore_location or None)
    context.check_hostname = bool(config.schema_registry_ssl_endpoint_identification_algorithm)
    if config.schema_registry_ssl_keystore_location:
        password = config.schema_registry_ssl_key_password or config.schema_registry_ssl_keystore_password
        # An empty password makes OpenSSL fail on an encrypted key; without one it would ask at the terminal.
        secret = (password or SecretStr("")).get_secret_value()
        context.load_cert_chain(config.schema_registry_ssl_keystore_location, password=secret)
    return context
