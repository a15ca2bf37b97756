"""The servers that the embedded world can run. A new one is a file that declares it, and a line here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ferryman.stack.runtime.artifacts import Artifact, read_lock
from ferryman.stack.runtime.errors import StackError
from ferryman.stack.runtime.service import Service
from ferryman.stack.security.secrets import Secrets
from ferryman.stack.servers.kafka import KAFKA, Cluster
from ferryman.stack.servers.mail import MAIL
from ferryman.stack.servers.mariadb import MARIADB
from ferryman.stack.servers.payments import PAYMENTS
from ferryman.stack.servers.postgres import POSTGRES
from ferryman.stack.servers.registry import REGISTRY, registry
from ferryman.stack.servers.s3 import S3

SERVICES: dict[str, Service] = {
    service.name: service
    for service in (
        KAFKA,
        REGISTRY,
        POSTGRES,
        PAYMENTS,
        S3,
        MAIL,
        MARIADB,
    )
}
DEFAULT = tuple(name for name, service in SERVICES.items() if service.by_default)
"""What runs if nobody has named components."""
BROKERS = (1, 3)
"""How many brokers a stack may have."""


@dataclass(frozen=True)
class Shape:
    """How the Kafka of a stack is, whatever else runs beside it."""

    brokers: int = 1
    """With three every topic has three replicas, two of which must be in sync."""
    secure: bool = False
    """Whether Kafka and the registry ask who is there."""

    def __post_init__(self) -> None:
        if self.brokers not in BROKERS:
            raise StackError(f"a stack has {' or '.join(map(str, BROKERS))} brokers, not {self.brokers}")


ONE = Shape()
"""One broker, open to everybody on this machine."""


class Servers:
    """The services of one stack, and what they share."""

    def __init__(self, names: Iterable[str], shape: Shape) -> None:
        """``names`` as people write them, ``kafka`` for all brokers. Raises StackError for a name that is none."""
        self.secrets = Secrets() if shape.secure else None
        self.cluster = Cluster(shape.brokers, self.secrets)
        self.services = {
            service.name: service for name in dict.fromkeys(names) for service in self._of(service_named(name))
        }

    def _of(self, service: Service) -> list[Service]:
        if service is KAFKA:
            return self.cluster.services()
        return [registry(self.secrets) if service is REGISTRY else service]

    def artifacts(self) -> dict[str, list[Artifact]]:
        """What each service needs from the cache, by its name."""
        lock = read_lock()
        return {name: lock[each.bundle] if each.bundle else [] for name, each in self.services.items()}

    @property
    def brokers(self) -> list[str]:
        """The components that are brokers."""
        return [name for name in self.cluster.names() if name in self.services]


def service_named(name: str) -> Service:
    """Raises StackError for a name that is none."""
    if name not in SERVICES:
        raise StackError(f"there is no component {name!r}; there are {', '.join(SERVICES)}")
    return SERVICES[name]


def artifacts_of(names: Iterable[str]) -> list[Artifact]:
    """What the named services need from the cache."""
    lock = read_lock()
    return [artifact for name in names if (bundle := service_named(name).bundle) for artifact in lock[bundle]]


def answers(service: Service, directory: Path, ports: Mapping[str, int]) -> bool:
    """Whether a service answers a real request now, its data being in a directory of its name in this one."""
    try:
        return service.answers(directory / service.name, ports)
    except Exception:
        return False
