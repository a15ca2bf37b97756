"""One of the clients that a worker or a connector has: who it is, how it gets to its cluster, by which keys."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ferryman.kafka import client_config
from ferryman.kafka.client_keys import Value

Side = Literal["worker", "consumer", "producer", "admin"]
_WAY = ("security.", "sasl.", "ssl.", "socket.", "broker.", "client.dns", "enable.ssl", "reconnect.")


@dataclass(frozen=True, slots=True)
class Client:
    """A client. Two with the same ``way`` are one to the brokers."""

    side: Side
    values: Mapping[str, Value] = field(repr=False)
    """Its settings as librdkafka takes them."""
    given: tuple[str, ...] = ()
    """The keys of worker and connector, by which it is configured."""

    @property
    def servers(self) -> str:
        """The addresses of the client's brokers, as configured."""
        return str(self.values["bootstrap.servers"])

    @property
    def way(self) -> dict[str, Value]:
        """How it gets to its cluster, and as whom."""
        found = {key: value for key, value in self.values.items() if key.startswith(_WAY)}
        return {"bootstrap.servers": self.servers, **found}

    @property
    def user(self) -> str:
        """The principal, as ACLs name it; a placeholder if only its certificate says who it is."""
        if "sasl.username" in self.values:
            return f"User:{self.values['sasl.username']}"
        return "User:CN=…" if self._shows_certificate else "User:ANONYMOUS"

    @property
    def _shows_certificate(self) -> bool:
        return any(key.startswith(("ssl.certificate", "ssl.keystore")) for key in self.values)

    def key(self, name: str) -> str:
        """The key that sets one of its settings, or would: the connector's own, else the worker's."""
        if self.side == "worker":
            return name
        own, workers = f"{self.side}.override.{name}", f"{self.side}.{name}"
        return next((key for key in (own, workers) if key in self.given), name if name in self.given else workers)


def of_worker(worker: Mapping[str, str]) -> Client:
    """The worker's own."""
    own = {key: value for key, value in worker.items() if not key.startswith("admin.")}
    return Client("worker", client_config.worker_admin(own).values, tuple(worker))


def of_connector(side: Side, worker: Mapping[str, str], name: str, raw: Mapping[str, str], sink: bool) -> Client:
    """One of a connector's clients. Raises ConfigError."""
    given = (*raw, *worker)
    match side:
        case "consumer" if sink:
            return Client(side, client_config.sink_consumer(worker, name, 0, raw).values, given)
        case "consumer":
            return Client(side, client_config.offsets_consumer(worker, name, raw).values, given)
        case "producer" if sink:
            return Client(side, client_config.dlq_producer(worker, name, 0, raw).values, given)
        case "producer":
            return Client(side, client_config.plain_producer(worker, name, 0, raw).values, given)
        case _:
            return Client("admin", client_config.admin(worker, name, raw).values, given)


def alike(clients: Iterable[Client]) -> list[list[Client]]:
    """The clients, in lists of those that are one to the brokers."""
    found: list[tuple[dict[str, Any], list[Client]]] = []
    for client in clients:
        way = client.way
        same = next((together for known, together in found if known == way), None)
        if same is None:
            found.append((way, [client]))
        else:
            same.append(client)
    return [together for _, together in found]
