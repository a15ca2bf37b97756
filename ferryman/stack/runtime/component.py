"""One server of the embedded world: started on its own ports and data, as often as wanted, and broken on purpose."""

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ferryman.stack.runtime.artifacts import Artifact
from ferryman.stack.runtime.errors import StackError
from ferryman.stack.runtime.ports import is_free
from ferryman.stack.runtime.process import Launch, Process
from ferryman.stack.runtime.service import Place, Service

_PREPARE_SECONDS = 120.0


class Component:
    """A service with a directory and ports. Ports and data stay the same over stop, kill and start."""

    def __init__(
        self,
        service: Service,
        directory: Path,
        world: Mapping[str, Mapping[str, int]],
        artifacts: Sequence[Artifact],
        remove: Sequence[Path] = (),
    ) -> None:
        """`world`: the ports of all components, its own included. `remove` is deleted should this process be killed."""
        self.service = service
        self.name = service.name
        self.directory = directory
        self.ports = world[service.name]
        self.start_seconds: float | None = None
        self._artifacts = artifacts
        self._world = world
        self._remove = remove
        self._process: Process | None = None

    @property
    def address(self) -> str:
        """Where clients find it; the form depends on the service."""
        return self.service.address(next(iter(self.ports.values())))

    @property
    def log(self) -> Path:
        """The file with what it prints."""
        return self.directory / "log"

    @property
    def pid(self) -> int | None:
        """Its process id while it runs or is paused."""
        return self._process.pid if self._process and self._process.exit_code is None else None

    @property
    def died(self) -> str | None:
        """None, or how it ended without having been asked to, with the end of its log."""
        return self._end_of(self._process) if self._process and self._process.exit_code is not None else None

    @property
    def answers(self) -> bool:
        """Whether it answers a real request now."""
        try:
            return self.service.answers(self.directory, self.ports)
        except Exception:
            return False

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises StackError if it runs already, a port is taken, it dies, or it does not answer in time.
        """
        if self.pid:
            raise StackError(f"{self.name} is running already")
        began = time.monotonic()
        self._await_ports()
        self.directory.mkdir(parents=True, exist_ok=True)
        launch = self.service.launch(Place(self.directory, self.ports, self._world, self._artifacts, self._run))
        self._process = self._begin(launch)
        self._await_answer(self._process)
        self.start_seconds = time.monotonic() - began

    def stop(self) -> None:
        """Let it finish in order."""
        if self._process:
            process, self._process = self._process, None
            process.stop(self.service.stop_seconds)

    def kill(self) -> None:
        """SIGKILL; returns when it and its children are gone."""
        if self._process:
            process, self._process = self._process, None
            process.kill()

    def discard(self) -> None:
        """End it at once and delete its data."""
        if self._process:
            process, self._process = self._process, None
            process.abandon()
        shutil.rmtree(self.directory, ignore_errors=True)

    def pause(self) -> None:
        """SIGSTOP: connections stay open, nothing is answered."""
        self._running().pause()

    def resume(self) -> None:
        """Lets a paused component go on (SIGCONT)."""
        self._running().resume()

    def _running(self) -> Process:
        if self._process is None or self._process.exit_code is not None:
            raise StackError(f"{self.name} is not running")
        return self._process

    def _end_of(self, process: Process) -> str:
        return f"{self.name} {process.describe_end()}. The end of {self.log}:\n{process.tail()}"

    def _begin(self, launch: Launch) -> Process:
        return Process(launch, self.log, self._remove)

    def _run(self, launch: Launch) -> None:
        process = self._process = self._begin(launch)
        if process.wait(_PREPARE_SECONDS) is None:
            process.kill()
        process.abandon()
        self._process = None
        if process.exit_code != 0:
            raise StackError(f"{Path(launch.command[0]).name} {process.describe_end()}:\n{process.tail()}")

    def _await_ports(self) -> None:
        """A predecessor that was just killed may hold a port for another moment."""
        deadline = time.monotonic() + 2
        while taken := [port for port in self.ports.values() if not is_free(port)]:
            if time.monotonic() > deadline:
                raise StackError(
                    f"{self.name} needs port {taken[0]}, which is taken: end what listens there, or use free ports"
                )
            time.sleep(0.05)

    def _await_answer(self, process: Process) -> None:
        deadline = time.monotonic() + self.service.start_seconds
        while not self.answers:
            if process.exit_code is not None:
                self._process = None
                raise StackError(self._end_of(process))
            if time.monotonic() > deadline:
                self.kill()
                raise StackError(
                    f"{self.name} did not answer within {self.service.start_seconds:.0f} s:\n{process.tail()}"
                )
            time.sleep(0.03)
