"""A broker of the tests' own, beside the stack's: it has a second listener behind a proxy, and obeys ACLs.

A client that asks at the proxy is told the proxy's address for everything that follows.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from ferryman.stack.runtime.component import Component
from ferryman.stack.runtime.ports import free_port
from ferryman.stack.runtime.process import Launch
from ferryman.stack.runtime.service import Place
from ferryman.stack.servers.kafka import KAFKA
from ferryman.stack.services import artifacts_of
from tests.reliability.links.proxy import serving
from tests.reliability.links.requests import RequestProxy

_OWN = """
log.cleaner.backoff.ms=500
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
"""


@dataclass(frozen=True)
class Broker:
    """One node; ``address`` is straight, ``proxied`` leads through the proxy."""

    component: Component
    link: RequestProxy

    @property
    def address(self) -> str:
        return self.component.address

    @property
    def proxied(self) -> str:
        return self.link.address

    @contextmanager
    def no_writing(self, topic: str) -> Iterator[None]:
        """Nobody may write to a topic while the block runs."""
        admin = AdminClient({"bootstrap.servers": self.address})
        rules = [
            _rule(topic, AclOperation.ALL, AclPermissionType.ALLOW),
            _rule(topic, AclOperation.WRITE, AclPermissionType.DENY),
        ]
        for made in admin.create_acls(rules).values():
            made.result()
        try:
            yield
        finally:
            kinds = AclOperation.ANY, AclPermissionType.ANY
            anybody: Any = None
            literal = ResourcePatternType.LITERAL
            chosen = AclBindingFilter(ResourceType.TOPIC, topic, literal, anybody, anybody, *kinds)
            for gone in admin.delete_acls([chosen]).values():
                gone.result()


def _rule(topic: str, operation: AclOperation, permission: AclPermissionType) -> AclBinding:
    return AclBinding(ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, "User:*", "*", operation, permission)


@contextmanager
def broker(directory: Path) -> Iterator[Broker]:
    """The broker, while the block runs."""
    with serving(RequestProxy()) as link:
        ports = {**{name: free_port() for name in KAFKA.ports}, "proxied": free_port()}
        link.target = ("127.0.0.1", ports["proxied"])

        def launch(place: Place) -> Launch:
            found = KAFKA.launch(place)
            settings = place.directory / "server.properties"
            settings.write_text(_opened(settings.read_text(), ports["proxied"], link.port) + _OWN)
            return found

        service = replace(KAFKA, launch=launch)
        component = Component(service, directory / "kafka", {"kafka": ports}, artifacts_of(["kafka"]))
        component.start()
        try:
            yield Broker(component, link)
        finally:
            component.discard()


def _opened(settings: str, port: int, advertised: int) -> str:
    """A node's settings with the second listener."""
    for key, more in {
        "listeners": f"PROXIED://127.0.0.1:{port}",
        "advertised.listeners": f"PROXIED://127.0.0.1:{advertised}",
        "listener.security.protocol.map": "PROXIED:PLAINTEXT",
    }.items():
        settings = re.sub(rf"(?m)^({re.escape(key)}=.*)$", rf"\1,{more}", settings)
    return settings
