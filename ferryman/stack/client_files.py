"""The property files with which workers and clients reach a stack, ours and Java's alike."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ferryman.stack.security.private_files import write_private
from ferryman.stack.security.rights import CLIENTS, CONFIGS, GROUP, OFFSETS, STATUSES, USERS
from ferryman.stack.security.secrets import TRUSTSTORE, Secrets

Lines = Iterable[tuple[str, str]]


@dataclass(frozen=True)
class ClientFiles:
    """A folder of a stack's own. Everything in it is readable for its owner only."""

    directory: Path

    @property
    def ca(self) -> Path:
        """The certificate of the authority that a secure stack's brokers are known by."""
        return self.directory / "ca.pem"

    def of(self, user: str) -> Path:
        """The file for tools: ``client`` on an open stack, else one of the users."""
        return self.directory / f"{user}.properties"

    def trust(self, secrets: Secrets) -> None:
        """Writes whom clients trust."""
        write_private(self.ca, secrets.authority.pem)
        password = secrets.passwords[TRUSTSTORE]
        write_private(self.directory / "truststore.p12", secrets.authority.java_truststore(password))
        write_private(self.directory / "truststore.password", password)

    def write(self, kafka: str, registry: str | None, secrets: Secrets | None) -> None:
        """Writes the files of clients and workers. ``kafka`` are the brokers' addresses, ``registry`` the URL of the
        schema registry if there is one, without which values are JSON."""
        for user in USERS if secrets else ("client",):
            self._write(user, [("bootstrap.servers", kafka), *self._login(user, secrets)])
        common = [*self._worker(kafka, secrets), *_converters(registry, secrets)]
        offsets = [("offset.storage.topic", OFFSETS), ("offset.storage.replication.factor", "-1")]
        self._write("standalone", [*common, *offsets])
        topics = [("config.storage.topic", CONFIGS), ("config.storage.replication.factor", "-1")]
        topics += [("status.storage.topic", STATUSES), ("status.storage.replication.factor", "-1")]
        self._write("distributed", [*common, *offsets, *topics])

    def _write(self, name: str, lines: Lines) -> None:
        write_private(self.of(name), "".join(f"{key}={value}\n" for key, value in lines))

    def _worker(self, kafka: str, secrets: Secrets | None) -> Iterator[tuple[str, str]]:
        yield "bootstrap.servers", kafka
        yield "group.id", GROUP
        yield "listeners", "http://127.0.0.1:8083"
        yield from self._login("worker", secrets)
        for user in CLIENTS:
            yield from ((f"{user}.{key}", value) for key, value in self._login(user, secrets))
        yield "offset.flush.interval.ms", "1000"
        yield "config.providers", "env"
        yield "config.providers.env.class", "org.apache.kafka.common.config.provider.EnvVarConfigProvider"
        yield "config.providers.env.param.allowlist.pattern", "FERRYMAN_.*"

    def _login(self, user: str, secrets: Secrets | None) -> Lines:
        if secrets is None:
            return ()
        login: Mapping[str, str] = {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.jaas.config": secrets.scram(user),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.ca),
        }
        return login.items()


def _converters(registry: str | None, secrets: Secrets | None) -> Iterator[tuple[str, str]]:
    yield "key.converter", "org.apache.kafka.connect.storage.StringConverter"
    if registry is None:
        yield "value.converter", "org.apache.kafka.connect.json.JsonConverter"
        return
    yield "value.converter", "io.confluent.connect.avro.AvroConverter"
    yield "value.converter.schema.registry.url", registry
    if secrets is not None:
        yield "value.converter.basic.auth.credentials.source", "USER_INFO"
        yield "value.converter.basic.auth.user.info", secrets.basic("producer")
