"""Gives a running secure cluster its users and their ACLs."""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ferryman.stack.runtime.errors import StackError
from ferryman.stack.security.rights import RIGHTS, SUPER, USERS, Right
from ferryman.stack.security.secrets import Secrets

_SECONDS = 60.0
_ITERATIONS = 4096
Client = Mapping[str, str | int | float | bool]
"""The config of a Kafka client, as librdkafka takes it."""


def provision(super_user: Client, addresses: Iterable[str], secrets: Secrets, ca_file: str) -> None:
    """Sets rights and passwords, those of an earlier run too; returns when every broker knows all of them.

    ``super_user`` can reach the cluster already. Raises StackError if the cluster does not take it.
    """
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    client = AdminClient(dict(super_user))
    try:
        for done in client.create_acls(
            [_binding(*each) for each in _single(RIGHTS)], request_timeout=_SECONDS
        ).values():
            done.result()
        # Brokers learn of things in the order in which they were made: whoever knows the last one knows all.
        for users in (USERS[:-1], USERS[-1:]):
            changes = [_credential(user, secrets.passwords[user]) for user in users]
            for done in client.alter_user_scram_credentials(changes, request_timeout=_SECONDS).values():
                done.result()
    except KafkaException as error:
        raise StackError(f"Kafka does not take the users of the stack: {error.args[0].str()}") from error
    assert USERS[-1] == SUPER
    for address in addresses:
        _await_login(login(address, *secrets.super_user, ca_file))


def login(address: str, user: str, password: str, ca_file: str) -> Client:
    """How a client logs in with SCRAM."""
    return {
        "bootstrap.servers": address,
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": user,
        "sasl.password": password,
        "ssl.ca.location": ca_file,
        "log_level": 0,
    }


def _await_login(config: Client) -> None:
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            AdminClient(dict(config)).list_topics(timeout=5)
        except KafkaException as error:
            if time.monotonic() > deadline:
                raise StackError(f"the broker at {config['bootstrap.servers']} does not know its users") from error
            time.sleep(0.1)
        else:
            return


def _single(rights: Iterable[Right]) -> Iterator[tuple[Right, str]]:
    yield from ((right, operation) for right in rights for operation in right.operations)


def _binding(right: Right, operation: str) -> Any:
    from confluent_kafka.admin import _acl, _resource

    kinds = {
        "topic": _resource.ResourceType.TOPIC,
        "group": _resource.ResourceType.GROUP,
        "transactional id": _resource.ResourceType.TRANSACTIONAL_ID,
    }
    prefix = right.name.endswith("…")
    return _acl.AclBinding(
        kinds[right.kind],
        right.name.removesuffix("…"),
        _resource.ResourcePatternType.PREFIXED if prefix else _resource.ResourcePatternType.LITERAL,
        f"User:{right.user}",
        "*",
        _acl.AclOperation[operation],
        _acl.AclPermissionType.ALLOW if right.allowed else _acl.AclPermissionType.DENY,
    )


def _credential(user: str, password: str) -> Any:
    from confluent_kafka.admin import _scram

    kind = _scram.ScramCredentialInfo(_scram.ScramMechanism.SCRAM_SHA_512, _ITERATIONS)
    return _scram.UserScramCredentialUpsertion(user, kind, password.encode())
