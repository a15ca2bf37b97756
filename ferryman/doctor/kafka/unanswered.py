"""Why a cluster gives a client no answer: what is in the way to it, whom it refuses, or where it sends the client."""

import re
from collections.abc import Iterator, Sequence

from confluent_kafka import KafkaError

from ferryman.config import split_list
from ferryman.doctor.kafka.client import Client
from ferryman.errors import ConfigError
from ferryman.findings import Finding, mend
from ferryman.kafka.permissions import key_of
from ferryman.membership import client_settings
from ferryman.reach import connectivity, remedies
from ferryman.reach.connectivity import Obstacle
from ferryman.reach.remedies import Keys

_LONGEST = 3.0
"""Seconds for each step of a connection that got no answer."""
_SERVERS, _PROTOCOL = "bootstrap.servers", "security.protocol"
_LOGIN = "sasl.jaas.config"
_SAY_LITTLE = (KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT)
_OF_A_BROKER = re.compile(r"(?:\w+://)?(?P<address>\S+)/\d+: (?P<said>.*?)(?: \(after .*\))?")
"""librdkafka's message about a broker with a number, which is one that another broker has named, not a bootstrap
server. The state of the connection follows, and how often this was said."""


class Unanswered(Exception):
    """The cluster has not answered, or refuses the client."""

    def __init__(self, said: str, key: str, obstacle: Obstacle | None = None, advertised: bool = False) -> None:
        super().__init__(said)
        self.key = key
        """The setting that is most likely wrong."""
        self.obstacle = obstacle
        """What is in the way to all of its servers."""
        self.advertised = advertised
        """Whether the problem is the address that a broker advertises: wrong, or not reachable from here."""


def obstacle(client: Client, seconds: float) -> Obstacle | None:
    """What is in the way to each server; None if one of them can be reached, or the reason is unknown."""
    settings = client.values
    encrypted = str(settings.get(_PROTOCOL, "plaintext")).lower().endswith("ssl")
    try:
        found = client_settings.of_client(settings, "ferryman-doctor")
    except ConfigError:
        return None
    obstacles = list[Obstacle]()
    for host, port in _addresses(client.servers):
        each = connectivity.obstacle(host, port, min(_LONGEST, seconds), found["ssl_context"] if encrypted else None)
        if each is None:
            return None
        obstacles.append(each)
    if not obstacles:
        return None
    return Obstacle(obstacles[0].at, "; ".join(dict.fromkeys(each.said for each in obstacles)))


def explained(client: Client, seconds: float, heard: Sequence[KafkaError], found: Obstacle | None) -> Unanswered:
    """Why, by all that was heard, the latest last."""
    refused = next((each for each in heard if key_of(each) and each.code() != KafkaError._SSL), None)
    if refused is not None:
        return Unanswered(f"it refuses us: {refused.name()}: {refused.str()}", key_of(refused) or _PROTOCOL)
    if found is not None:
        return Unanswered(found.said, _SERVERS, found)
    for each in reversed(heard):
        if match := _OF_A_BROKER.fullmatch(each.str()):
            said = f"it answers, and refers us to a broker at {match['address']}: {match['said']}"
            return Unanswered(said, _SERVERS, advertised=True)
    protocol = str(client.values.get(_PROTOCOL, "plaintext")).lower()
    if not protocol.startswith("sasl") and any(each.code() == KafkaError._ALL_BROKERS_DOWN for each in heard):
        return Unanswered("it accepts connections, but closes them at the first request", _LOGIN)
    telling = [each for each in heard if each.code() not in _SAY_LITTLE]
    last = (telling or heard)[-1]
    key = key_of(last) or (_PROTOCOL if last.code() == KafkaError._TRANSPORT else _SERVERS)
    return Unanswered(f"it gives no proper answer within {seconds:g} seconds: {last.name()}: {last.str()}", key)


def finding(subject: str, error: Unanswered, clients: Sequence[Client]) -> Finding:
    """With the keys of all clients that have that way."""
    if error.obstacle is not None:
        return remedies.finding(subject, error.obstacle, _keys(clients))
    if error.advertised:
        return mend(subject, str(error), "correct advertised.listeners of that broker, or open the network to it")
    if error.key == _LOGIN:
        protocol, login = _named(clients, _PROTOCOL), _named(clients, _LOGIN)
        what = (
            f"{protocol}=SASL_…, sasl.mechanism and {login} if the brokers require logins; otherwise correct "
            "the port in "
        )
        return mend(subject, str(error), f"{what}{_named(clients, _SERVERS)}: it may not be Kafka's")
    return mend(subject, str(error), f"correct {_named(clients, error.key)}, or whatever is in the way there")


def _keys(clients: Sequence[Client]) -> Keys:
    servers, protocol = _named(clients, _SERVERS), _named(clients, _PROTOCOL)
    sasl = "SASL_" if str(clients[0].values.get(_PROTOCOL, "")).lower().startswith("sasl") else ""
    return Keys(
        host=f"the host in {servers}",
        port=f"the port in {servers}",
        both=f"host and port in {servers}",
        plain=f"{protocol}={sasl}PLAINTEXT",
        encrypted=f"{protocol}={sasl}SSL" if sasl else f"{protocol}=SSL, or SASL_SSL where there are logins",
        trust=_named(clients, "ssl.truststore.location"),
    )


def _named(clients: Sequence[Client], key: str) -> str:
    return ", ".join(dict.fromkeys(client.key(key) for client in clients))


def _addresses(servers: str) -> Iterator[tuple[str, int]]:
    for each in split_list(servers):
        host, _, port = each.rpartition("://")[2].rpartition(":")
        if port.isdecimal():
            yield host.strip("[]"), int(port)
