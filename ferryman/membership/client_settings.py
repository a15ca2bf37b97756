"""The settings of clients, as kafka-python takes them.

They come by way of librdkafka's settings, so that all clients of a worker read the same keys of Java alike, and refuse
the same. What kafka-python cannot do is refused here, by Java's name.
"""

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ferryman.config import split_list, trim
from ferryman.errors import ConfigError, KeyProblem
from ferryman.kafka import client_config
from ferryman.kafka.client_keys import Value
from ferryman.tls.key_file import key_file

_SAME: Mapping[str, str] = {
    "client.dns.lookup": "client_dns_lookup",
    "connections.max.idle.ms": "connections_max_idle_ms",
    "reconnect.backoff.max.ms": "reconnect_backoff_max_ms",
    "reconnect.backoff.ms": "reconnect_backoff_ms",
    "retry.backoff.ms": "retry_backoff_ms",
    "sasl.mechanism": "sasl_mechanism",
    "sasl.password": "sasl_plain_password",
    "socket.connection.setup.timeout.ms": "socket_connection_setup_timeout_ms",
    "socket.timeout.ms": "request_timeout_ms",
    "topic.metadata.refresh.interval.ms": "metadata_max_age_ms",
}
"""librdkafka's names, and kafka-python's for the same."""
_JAVAS: Mapping[str, Any] = {
    "connections_max_idle_ms": 540_000,
    "metadata_max_age_ms": 300_000,
    "reconnect_backoff_max_ms": 1000,
    "reconnect_backoff_ms": 50,
    "request_timeout_ms": 40_000,
    "retry_backoff_ms": 100,
}
"""The defaults of Kafka Connect's worker."""
_BUFFERS = {"socket.receive.buffer.bytes": socket.SO_RCVBUF, "socket.send.buffer.bytes": socket.SO_SNDBUF}
_SOCKET = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
_REFUSED: Mapping[str, tuple[str, Callable[[Value], bool]]] = {
    "broker.address.family": (
        "the client of a worker group uses addresses of any family",
        lambda value: value != "any",
    ),
    "ssl.keystore.location": (
        "the client of a worker group reads PEM only; `openssl pkcs12 -in FILE -out FILE.pem` makes it",
        bool,
    ),
}
"""librdkafka's settings that have no equal, and which values of them are asked for in vain."""


def translated(worker: Mapping[str, str], worker_id: str) -> dict[str, Any]:
    """The settings of a worker's own clients, from the worker's, as text; ``worker_id`` is its advertised host:port.

    Raises ConfigError with every problem: of the settings as such, and of files that cannot be used.
    """
    own = {key: value for key, value in worker.items() if not key.startswith("admin.")}
    given = client_config.worker_admin(own).values
    return of_client(given, trim(worker.get("client.id", "")) or f"connect-{worker_id}")


def of_client(given: Mapping[str, Value], client_id: str) -> dict[str, Any]:
    """The settings of a client that librdkafka would run with ``given``. Raises ConfigError as ``translated`` does."""
    problems = [
        KeyProblem(name, f"{name} is not supported: {reason}")
        for name, (reason, in_vain) in _REFUSED.items()
        if name in given and in_vain(given[name])
    ]
    if problems:
        raise ConfigError(*problems)
    found = dict(_JAVAS) | {ours: given[name] for name, ours in _SAME.items() if name in given}
    found["bootstrap_servers"] = [each for each in split_list(str(given["bootstrap.servers"])) if each]
    found["client_id"] = client_id
    found["security_protocol"] = str(given.get("security.protocol", "plaintext")).upper()
    found["socket_options"] = [*_SOCKET, *_buffers(given)]
    if "sasl.username" in given:
        found["sasl_plain_username"] = _username(given)
    if found["security_protocol"].endswith("SSL"):
        found["ssl_context"] = _tls(given)
    return found


def _username(given: Mapping[str, Value]) -> str:
    """kafka-python puts the name of a SCRAM login into its message as it is; RFC 5802 escapes two letters there."""
    name = str(given["sasl.username"])
    return name.replace("=", "=3D").replace(",", "=2C") if str(given["sasl.mechanism"]).startswith("SCRAM") else name


def _buffers(given: Mapping[str, Value]) -> Iterator[tuple[int, int, int]]:
    for name, option in _BUFFERS.items():
        if size := int(given.get(name, 0)):
            yield socket.SOL_SOCKET, option, size


def _tls(given: Mapping[str, Value]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = given.get("ssl.endpoint.identification.algorithm") != "none"
    _believe(context, given)
    _show(context, given)
    return context


def _believe(context: ssl.SSLContext, given: Mapping[str, Value]) -> None:
    location, text = given.get("ssl.ca.location"), given.get("ssl.ca.pem")
    if not location and not text:
        context.load_default_certs()
        return
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # every certificate in a truststore is trusted, as in the JVM
    name = "ssl.truststore.location" if location else "ssl.truststore.certificates"
    with _refused(name, location):
        context.load_verify_locations(cafile=str(location) if location else None, cadata=str(text) if text else None)


def _show(context: ssl.SSLContext, given: Mapping[str, Value]) -> None:
    # An empty password makes OpenSSL fail on an encrypted key; without one it would ask at the terminal.
    password = str(given.get("ssl.key.password", ""))
    location, text = given.get("ssl.certificate.location"), given.get("ssl.certificate.pem")
    if location:
        with _refused("ssl.keystore.location", location):
            context.load_cert_chain(str(location), str(given.get("ssl.key.location", location)), password)
    elif text:
        with _refused("ssl.keystore.key", None), key_file(f"{given.get('ssl.key.pem', '')}\n{text}") as path:
            context.load_cert_chain(path, password=password)


@contextmanager
def _refused(name: str, location: Value | None) -> Iterator[None]:
    """A file or text that cannot be used is the config's fault. OpenSSL's words never hold what is secret in it."""
    try:
        yield
    except OSError as error:
        where = f" {location}" if location else ""
        reason = (error.reason if isinstance(error, ssl.SSLError) else None) or error.strerror or "it cannot be read"
        raise ConfigError(KeyProblem(name, f"Invalid value{where} for configuration {name}: {reason}")) from None
