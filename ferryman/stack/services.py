"""The servers that the embedded world can run. A new one is a file that declares it, and a line here."""

from collections.abc import Iterable, Mapping

from ferryman.stack.runtime.artifacts import Artifact, read_lock
from ferryman.stack.runtime.errors import StackError
from ferryman.stack.runtime.service import Service
from ferryman.stack.servers.kafka import KAFKA
from ferryman.stack.servers.mail import MAIL
from ferryman.stack.servers.mariadb import MARIADB
from ferryman.stack.servers.payments import PAYMENTS
from ferryman.stack.servers.postgres import POSTGRES
from ferryman.stack.servers.registry import REGISTRY
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


def service_named(name: str) -> Service:
    """Raises StackError for a name that is none."""
    if name not in SERVICES:
        raise StackError(f"there is no component {name!r}; there are {', '.join(SERVICES)}")
    return SERVICES[name]


def artifacts_of(names: Iterable[str]) -> list[Artifact]:
    """What the named services need from the cache."""
    lock = read_lock()
    return [artifact for name in names if (bundle := service_named(name).bundle) for artifact in lock[bundle]]


def answers(name: str, ports: Mapping[str, int]) -> bool:
    """Whether a service answers a real request at these ports now."""
    try:
        return service_named(name).answers(next(iter(ports.values())))
    except Exception:
        return False
