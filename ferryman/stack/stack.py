"""The embedded world as one thing: several components started together, ended together."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from ferryman.stack.client_files import ClientFiles
from ferryman.stack.runtime.component import Component
from ferryman.stack.runtime.download import download
from ferryman.stack.runtime.ports import free_port
from ferryman.stack.runtime.service import Service
from ferryman.stack.security.provision import login, provision
from ferryman.stack.security.rights import SUPER, USERS
from ferryman.stack.services import DEFAULT, ONE, Servers, Shape

Ports = Literal["free", "steady"]


def client_files(stack: Path) -> ClientFiles:
    """The property files of the stack in that directory."""
    return ClientFiles(stack / "clients")


def _ports(services: Iterable[Service], ports: Ports) -> dict[str, dict[str, int]]:
    return {
        service.name: {name: free_port() if ports == "free" else steady for name, steady in service.ports.items()}
        for service in services
    }


class Stack:
    """Real systems on 127.0.0.1, as a context manager or with start and stop.

    ```
    with Stack(("kafka", "registry")) as stack:
        stack.addresses["kafka"]      # "127.0.0.1:23456"
        stack["registry"].kill()      # then .start(): same port, same schemas
    ```
    """

    def __init__(
        self,
        components: Iterable[str] = DEFAULT,
        ports: Ports = "free",
        directory: Path | None = None,
        shape: Shape = ONE,
    ) -> None:
        """Data lie in `directory` and stay there; with None they are temporary. Raises StackError for a wrong name."""
        self._servers = Servers(components, shape)
        self.shape = shape
        self._keep = directory is not None
        self.directory = directory.absolute() if directory else Path(tempfile.mkdtemp(prefix="ferryman-stack-"))
        self.files = client_files(self.directory)
        self._artifacts = self._servers.artifacts()
        world = _ports(self._servers.services.values(), ports)
        self.components = {name: self._component(each, world) for name, each in self._servers.services.items()}

    def _component(self, service: Service, world: Mapping[str, Mapping[str, int]]) -> Component:
        directory = self.directory / service.name
        remove = () if self._keep else (directory, self.files.directory)
        return Component(service, directory, world, self._artifacts[service.name], remove)

    @property
    def addresses(self) -> dict[str, str]:
        """Where clients find each component, by its name; at ``kafka`` all brokers, separated by commas."""
        brokers = [self.components[name].address for name in self._servers.brokers]
        found = {"kafka": ",".join(brokers)} if brokers else {}
        return found | {name: each.address for name, each in self.components.items()}

    def super_user(self) -> dict[str, Any]:
        """The config of a Kafka client that may do anything, by librdkafka's names; ``kafka`` must be in the stack."""
        secrets, kafka = self._servers.secrets, self.addresses["kafka"]
        if secrets is None:
            return {"bootstrap.servers": kafka, "log_level": 0}
        return dict(login(kafka, *secrets.super_user, str(self.files.ca)))

    @property
    def passwords(self) -> dict[str, str]:
        """The passwords of a secure stack's users, by their names, but for the super user; none on an open one."""
        secrets = self._servers.secrets
        return {} if secrets is None else {user: secrets.passwords[user] for user in USERS if user != SUPER}

    @property
    def super_login(self) -> tuple[str, str] | None:
        """Name and password of the super user, at Kafka and the registry; None on an open stack."""
        secrets = self._servers.secrets
        return None if secrets is None else secrets.super_user

    @property
    def died(self) -> str | None:
        """None, or which component ended by itself, with the end of its log."""
        return next((died for component in self if (died := component.died)), None)

    def __getitem__(self, name: str) -> Component:
        return self.components[name]

    def __iter__(self) -> Iterator[Component]:
        return iter(self.components.values())

    def start(self, ready: Callable[[Component], None] = lambda _component: None) -> None:
        """Fetch what the cache lacks, start all at once, and return when each has answered a request.

        `ready` is called for each component when it answers. If one fails, all are ended and StackError is raised.
        """
        try:
            download([artifact for artifacts in self._artifacts.values() for artifact in artifacts])
            self._start_all(ready)
            if self._servers.brokers:
                self._introduce_clients()
        except BaseException:
            self.stop()
            raise

    def _start_all(self, ready: Callable[[Component], None]) -> None:
        with ThreadPoolExecutor(max(1, len(self.components))) as pool:
            starts = {pool.submit(component.start): component for component in self}
            try:
                for start in as_completed(starts):
                    start.result()
                    ready(starts[start])
            except BaseException:
                while not all(start.done() for start in starts):
                    self._kill_all()
                raise

    def _introduce_clients(self) -> None:
        """Users where there are any, then the files that say how to come in."""
        brokers = [self.components[name] for name in self._servers.brokers]
        secrets = self._servers.secrets
        if secrets is not None:
            self.files.trust(secrets)
            first = self._servers.cluster.super_user(brokers[0].directory, brokers[0].ports)
            provision(first, [broker.address for broker in brokers], secrets, str(self.files.ca))
        self.files.write(self.addresses["kafka"], self.addresses.get("registry"), secrets)

    def _kill_all(self) -> None:
        for component in self:
            component.kill()
        time.sleep(0.05)

    def stop(self) -> None:
        """End all: in order if their data are kept, else at once."""
        self._each(Component.stop if self._keep else Component.discard)
        if not self._keep:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _each(self, act: Callable[[Component], object]) -> None:
        with ThreadPoolExecutor(max(1, len(self.components))) as pool:
            for done in [pool.submit(act, component) for component in self]:
                done.result()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
