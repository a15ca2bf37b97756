"""The servers that the embedded world can run. A new one is a file that declares it, and a line here."""

from collections.abc import Iterable, Mapping

from ferryman.stack.artifacts import Artifact, read_lock
from ferryman.stack.errors import StackError
from ferryman.stack.kafka import KAFKA
from ferryman.stack.mail import MAIL
from ferryman.stack.payments import PAYMENTS
from ferryman.stack.postgres import POSTGRES
from ferryman.stack.registry import REGISTRY
from ferryman.stack.s3 import S3
from ferryman.stack.service import Service

SERVICES: dict[str, Service] = {
    service.name: service
    for service in (
        KAFKA,
        REGISTRY,
        POSTGRES,
        PAYMENTS,
        S3,
        MAIL,
    )
}


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
