"""A broker's answers that say who may do what: the config is wrong, or a right or password is about to change."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from confluent_kafka import KafkaError

from ferryman.errors import RefusedError

LOGGER = logging.getLogger("librdkafka")

KEYS: Mapping[int, str] = {
    KafkaError.SASL_AUTHENTICATION_FAILED: "sasl.jaas.config",
    KafkaError._AUTHENTICATION: "sasl.jaas.config",
    KafkaError.UNSUPPORTED_SASL_MECHANISM: "sasl.mechanism",
    KafkaError.ILLEGAL_SASL_STATE: "security.protocol",
    KafkaError._SSL: "ssl.truststore.location",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "sasl.jaas.config",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "sasl.jaas.config",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "sasl.jaas.config",
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: "sasl.jaas.config",
}
"""By the key that is most likely wrong: the user is not known, or has not the right."""


_SAID = {"Unsupported SASL mechanism": "sasl.mechanism", "wrong version number": "security.protocol"}
"""What librdkafka says of causes that have the code of another one."""


def key_of(error: KafkaError) -> str | None:
    """The key that is most likely wrong; None if it is another error than a refusal."""
    found = KEYS.get(error.code())
    if found is None:
        return None
    return next((key for text, key in _SAID.items() if text in error.str()), found)


def refusal(error: KafkaError, side: str) -> RefusedError | None:
    """A broker's refusal of the client that ``side`` (``consumer``, ``producer``, ``admin``) names; None if it is
    another error."""
    key = key_of(error)
    if key is None:
        return None
    text = f"Kafka refuses this task's {side}: {error.name()}: {error.str()} (see {side}.override.{key})"
    if error.code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
        text += "; with exactly.once.source.support=disabled sources need no such right, and deliver at least once"
    return RefusedError(text, key=f"{side}.override.{key}")


@dataclass(frozen=True, slots=True)
class Heard:
    """What a task's clients report by ``error_cb``: if they cannot log in, their calls only time out."""

    refusals: list[RefusedError] = field(default_factory=list)
    """The latest one; empty while the clients are let in. Cleared before each session."""
    cut_off: set[str] = field(default_factory=set)
    """The sides that have lost a connection over which requests may have gone. Cleared before each session."""

    def by(self, side: str) -> Callable[[KafkaError], None]:
        """The callback of one client."""

        def hear(error: KafkaError) -> None:
            refused = refusal(error, side)
            if refused is not None:
                self.refusals[:] = [refused]

        return hear

    def refusal(self) -> RefusedError | None:
        """The latest refusal; None while the clients are let in."""
        return self.refusals[-1] if self.refusals else None

    def lines(self, side: str) -> "Lines":
        """What one client logs, which is more than it reports by ``error_cb``."""
        return Lines(self, side)


@dataclass(frozen=True, slots=True)
class Lines:
    """A client's ``logger``, for one with ``log_level`` 6. It tells only the first of several equal losses in half a
    minute, and none of a connection that was closed because nobody used it."""

    heard: Heard
    side: str

    def log(self, level: int, message: str, *values: object) -> None:
        """One line: ``FAIL`` and others, the client, and the text."""
        lost = bool(values) and values[0] == "FAIL" and "in state UP" in str(values[-1])
        if lost:
            self.heard.cut_off.add(self.side)
        if not lost or level > logging.INFO:
            LOGGER.log(level, message, *values)
