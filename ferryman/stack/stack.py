"""The embedded world as one thing: several components started together, ended together."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from ferryman.stack.runtime.component import Component
from ferryman.stack.runtime.download import download
from ferryman.stack.runtime.ports import free_port
from ferryman.stack.runtime.service import Service
from ferryman.stack.services import DEFAULT, artifacts_of, service_named

Ports = Literal["free", "steady"]


class Stack:
    """Real systems on 127.0.0.1, as a context manager or with start and stop.

    ```
    with Stack(("kafka", "registry")) as stack:
        stack.addresses["kafka"]      # "127.0.0.1:23456"
        stack["registry"].kill()      # then .start(): same port, same schemas
    ```
    """

    def __init__(
        self, components: Iterable[str] = DEFAULT, ports: Ports = "free", directory: Path | None = None
    ) -> None:
        """Data lie in `directory` and stay there; with None they are temporary. Raises StackError for a wrong name."""
        services = [service_named(name) for name in dict.fromkeys(components)]
        self._keep = directory is not None
        self.directory = directory.absolute() if directory else Path(tempfile.mkdtemp(prefix="ferryman-stack-"))
        self._artifacts = {service.name: artifacts_of([service.name]) for service in services}
        self.components = {service.name: self._component(service, ports) for service in services}

    def _component(self, service: Service, ports: Ports) -> Component:
        chosen = {name: free_port() if ports == "free" else steady for name, steady in service.ports.items()}
        return Component(service, self.directory / service.name, chosen, self._artifacts[service.name], keep=self._keep)

    @property
    def addresses(self) -> dict[str, str]:
        """Where clients find each component, by its name."""
        return {name: component.address for name, component in self.components.items()}

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
