"""A worker's client settings reach kafka-python, or are refused by name; and no login is ever written down."""

import logging
import socket
import ssl
from collections.abc import Iterator

import pytest

from ferryman.errors import ConfigError
from ferryman.membership.client_settings import translated
from ferryman.telemetry import logs
from tests.membership.secure_broker import SecureBroker, secure_broker
from tests.membership.workers import group
from tests.running import until

WORKER = {"bootstrap.servers": "a:1, [::1]:2"}


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    with secure_broker(tmp_path_factory.mktemp("secure")) as made:
        yield made


def test_without_more_they_are_what_kafka_connect_sets() -> None:
    assert translated(WORKER, "h:8083") == {
        "bootstrap_servers": ["a:1", "[::1]:2"],
        "client_id": "connect-h:8083",
        "connections_max_idle_ms": 540_000,
        "metadata_max_age_ms": 300_000,
        "reconnect_backoff_max_ms": 1000,
        "reconnect_backoff_ms": 50,
        "request_timeout_ms": 40_000,
        "retry_backoff_ms": 100,
        "security_protocol": "PLAINTEXT",
        "socket_options": [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)],
    }


def test_each_setting_has_its_place() -> None:
    given = {
        "client.id": "me",
        "client.dns.lookup": "resolve_canonical_bootstrap_servers_only",
        "connections.max.idle.ms": "1",
        "metadata.max.age.ms": "2",
        "reconnect.backoff.max.ms": "4",
        "reconnect.backoff.ms": "3",
        "request.timeout.ms": "50",
        "retry.backoff.ms": "6",
        "socket.connection.setup.timeout.ms": "7000",
        "receive.buffer.bytes": "8",
        "send.buffer.bytes": "9",
        "admin.retry.backoff.ms": "10",
    }
    found = translated(WORKER | given, "h:8083")
    assert found["socket_options"][2:] == [
        (socket.SOL_SOCKET, socket.SO_RCVBUF, 8),
        (socket.SOL_SOCKET, socket.SO_SNDBUF, 9),
    ]
    assert {
        "client_id": "me",
        "client_dns_lookup": "resolve_canonical_bootstrap_servers_only",
        "connections_max_idle_ms": 1,
        "metadata_max_age_ms": 2,
        "reconnect_backoff_max_ms": 4,
        "reconnect_backoff_ms": 3,
        "request_timeout_ms": 50,
        "retry_backoff_ms": 6,
        "socket_connection_setup_timeout_ms": 7000,
    }.items() <= found.items()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"broker.address.family": "v4"}, "broker.address.family is not supported"),
        ({"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "GSSAPI"}, "the SASL mechanism GSSAPI"),
        ({"security.protocol": "SSL", "ssl.truststore.location": "/no/such.pem"}, "ssl.truststore.location"),
        ({"security.protocol": "SSL", "ssl.truststore.certificates": "nonsense"}, "ssl.truststore.certificates"),
        ({"security.protocol": "SSL", "ssl.keystore.location": "/no/such.pem"}, "ssl.keystore.location"),
        ({"security.protocol": "SSL", "ssl.keystore.key": "k", "ssl.keystore.certificate.chain": "c"}, "keystore.key"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(given: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        translated(WORKER | given, "h:8083")


def test_certificates_may_stand_in_the_config_itself(secure: SecureBroker) -> None:
    client = (secure.directory / "client.pem").read_text()
    key, _, chain = client.partition("-----BEGIN CERTIFICATE-----")
    given = {
        "security.protocol": "SSL",
        "ssl.truststore.certificates": (secure.directory / "ca.pem").read_text(),
        "ssl.keystore.key": key,
        "ssl.keystore.certificate.chain": f"-----BEGIN CERTIFICATE-----{chain}",
        "ssl.endpoint.identification.algorithm": "",
    }
    context = translated(WORKER | given, "h:8083")["ssl_context"]
    assert isinstance(context, ssl.SSLContext)
    assert not context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert len(context.get_ca_certs()) == 1


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_a_member_joins_over_tls_with_its_login_and_nobody_writes_that_down(
    mechanism: str, secure: SecureBroker, unique: str, capfd: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    logs.start("worker", {"kafka": "DEBUG"}, secure.settings(mechanism))
    try:
        with group(secure.plain, unique, a=1) as workers:
            client = translated(secure.settings(mechanism), "h:8083")
            workers.join("w1", client=client)
            workers.settle()
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        logging.getLogger("kafka").setLevel(logging.NOTSET)
    written = capfd.readouterr().err
    assert "JoinGroupRequest" in written
    assert secure.password not in written
    assert "SaslAuthenticateRequest" not in written


def test_a_wrong_password_is_said_and_shown_nowhere(
    secure: SecureBroker, unique: str, caplog: pytest.LogCaptureFixture
) -> None:
    with group(secure.plain, unique, a=1) as workers:
        workers.join("w1", client=translated(secure.settings("SCRAM-SHA-512", "wrong-password"), "h:8083"))
        until(lambda: workers.members["w1"].failure, 60, "the reason")
        assert "refuse its login" in str(workers.members["w1"].failure)
    assert "wrong-password" not in caplog.text


def test_an_untrusted_broker_is_not_talked_to(secure: SecureBroker, unique: str) -> None:
    settings = secure.settings("PLAIN")
    del settings["ssl.truststore.location"]
    with group(secure.plain, unique, a=1) as workers:
        workers.join("w1", client=translated(settings, "h:8083"))
        until(lambda: workers.members["w1"].failure, 60, "the reason")
