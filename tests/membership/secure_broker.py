"""A broker with a listener that asks for TLS certificates and logins."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import trustme
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from cryptography.hazmat.primitives import serialization

from ferryman.stack.runtime.component import Component
from ferryman.stack.runtime.ports import free_port
from ferryman.stack.runtime.process import Launch
from ferryman.stack.runtime.service import Place
from ferryman.stack.servers.kafka import KAFKA
from ferryman.stack.services import artifacts_of

_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"


@dataclass(frozen=True)
class SecureBroker:
    """``settings`` are what a worker needs to be let in, in Java's words."""

    directory: Path
    port: int
    plain: str
    scram_user: str
    password: str

    def settings(self, mechanism: str, password: str | None = None) -> dict[str, str]:
        module, user = (_PLAIN, "worker") if mechanism == "PLAIN" else (_SCRAM, self.scram_user)
        login = f'{module} required username="{user}" password="{password or self.password}";'
        return {
            "bootstrap.servers": f"127.0.0.1:{self.port}",
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": mechanism,
            "sasl.jaas.config": login,
            "ssl.truststore.location": str(self.directory / "ca.pem"),
            "ssl.truststore.type": "PEM",
            "ssl.keystore.location": str(self.directory / "client.pem"),
            "ssl.keystore.type": "PEM",
        }


@contextmanager
def secure_broker(directory: Path) -> Iterator[SecureBroker]:
    """The broker, while the block runs."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(directory / "ca.pem")
    for name, certificate in (
        ("server", authority.issue_cert("127.0.0.1")),
        ("client", authority.issue_cert("worker@example.org")),
    ):
        chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
        (directory / f"{name}.pem").write_bytes(_pkcs8(certificate.private_key_pem.bytes()) + chain)
    ports, secure = {name: free_port() for name in KAFKA.ports}, free_port()
    made = SecureBroker(directory, secure, f"127.0.0.1:{ports['broker']}", "s=c,ram", "pass word=1")

    def launch(place: Place) -> Launch:
        found = KAFKA.launch(place)
        settings = place.directory / "server.properties"
        settings.write_text(_secured(settings.read_text(), made))
        return found

    component = Component(
        replace(KAFKA, launch=launch), directory / "kafka", {KAFKA.name: ports}, artifacts_of(["kafka"])
    )
    component.start()
    try:
        credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        change = UserScramCredentialUpsertion(made.scram_user, credential, made.password.encode())
        admin = AdminClient({"bootstrap.servers": made.plain})
        admin.alter_user_scram_credentials([change])[made.scram_user].result()
        yield made
    finally:
        component.discard()


def _pkcs8(pem: bytes) -> bytes:
    """A private key in the only form that Kafka reads."""
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return serialization.load_pem_private_key(pem, None).private_bytes(*form)


def _secured(settings: str, broker: SecureBroker) -> str:
    at = f"127.0.0.1:{broker.port}"
    prefix = "listener.name.secure"
    lines = settings.replace(",CONTROLLER://", f",SECURE://{at},CONTROLLER://")
    lines = lines.replace("advertised.listeners=", f"advertised.listeners=SECURE://{at},")
    lines = lines.replace("security.protocol.map=", "security.protocol.map=SECURE:SASL_SSL,")
    more = {
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        "plain.sasl.jaas.config": f'{_PLAIN} required user_worker="{broker.password}";',
        "scram-sha-512.sasl.jaas.config": f"{_SCRAM} required;",
        "ssl.client.auth": "required",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(broker.directory / "server.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(broker.directory / "ca.pem"),
    }
    return lines + "".join(f"{prefix}.{key}={value}\n" for key, value in more.items())
