"""The secrets of one stack, made when it starts; only the files that it writes for clients show them."""

import secrets
from dataclasses import dataclass, field

from ferryman.stack.security.certificates import Authority
from ferryman.stack.security.rights import REGISTRY_ROLES, SUPER, USERS

TRUSTSTORE = "truststore"
_NAMES = (*USERS, TRUSTSTORE)


def _passwords() -> dict[str, str]:
    return {name: secrets.token_urlsafe(24) for name in _NAMES}


@dataclass(frozen=True)
class Secrets:
    """A certificate authority, and a password for each user, the same at Kafka and the registry."""

    authority: Authority = field(default_factory=Authority, repr=False)
    passwords: dict[str, str] = field(default_factory=_passwords, repr=False)
    """By user, and that of Java's truststore."""

    def scram(self, user: str) -> str:
        """The value of sasl.jaas.config with which a user logs in at Kafka."""
        module = "org.apache.kafka.common.security.scram.ScramLoginModule"
        return f'{module} required username="{user}" password="{self.passwords[user]}";'

    def basic(self, user: str) -> str:
        """The value of basic.auth.user.info with which a user logs in at the registry."""
        assert user in REGISTRY_ROLES
        return f"{user}:{self.passwords[user]}"

    @property
    def super_user(self) -> tuple[str, str]:
        """Name and password of the super user."""
        return SUPER, self.passwords[SUPER]
