"""The stack below the demo: the demo's own, or left to a supervisor so that it outlives the demo."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from ferryman.demo.facts.errors import DemoError
from ferryman.demo.readers.access import Access
from ferryman.java import properties
from ferryman.stack import Component, Stack
from ferryman.stack.running_record import Running, current, end, recorded
from ferryman.stack.runtime.download import download
from ferryman.stack.services import ONE, Shape, artifacts_of
from ferryman.stack.supervisor import detach

COMPONENTS = ("kafka", "registry", "postgres", "payments", "s3", "mail")


class DemoStack(Protocol):
    """The servers that the demo runs on, whoever owns them."""

    @property
    def addresses(self) -> Mapping[str, str]:
        """Where clients find each component."""

    @property
    def directory(self) -> Path:
        """Where its data and logs lie; the demo's own go beside them."""

    @property
    def access(self) -> Access:
        """How the demo comes in to read and to count."""

    @property
    def credentials(self) -> Mapping[str, str]:
        """Variables with the credentials that the workers' file needs; none without logins."""

    def check(self) -> None:
        """Raises DemoError if a component has died."""

    def stop(self) -> None:
        """Ends the servers, if they are the demo's to end."""


class OwnStack:
    """A stack that dies with this process, however this process dies."""

    def __init__(self, shape: Shape = ONE) -> None:
        self._stack = Stack(COMPONENTS, shape=shape)
        self.addresses: Mapping[str, str] = self._stack.addresses
        self.directory = self._stack.directory

    def start(self, ready: Callable[[Component], None]) -> None:
        """Returns when every component answers. Raises StackError if one does not."""
        self._stack.start(ready)

    @property
    def access(self) -> Access:
        login = self._stack.super_login
        if login is None:
            return Access(self._stack.super_user(), self.addresses["registry"])
        given = properties.load(self._stack.files.of(login[0]).read_bytes())
        own = {name: value for name, value in given.items() if name != "bootstrap.servers"}
        return Access(self._stack.super_user(), self.addresses["registry"], login, own)

    @property
    def credentials(self) -> Mapping[str, str]:
        passwords = self._stack.passwords
        named = {f"FERRYMAN_{name.upper()}_PASSWORD": password for name, password in passwords.items()}
        return {**named, "FERRYMAN_CA": str(self._stack.files.ca)} if passwords else {}

    def check(self) -> None:
        if died := self._stack.died:
            raise DemoError(died)

    def __getitem__(self, name: str) -> Component:
        return self._stack[name]

    def stop(self) -> None:
        self._stack.stop()


class SupervisedStack:
    """A stack that belongs to a supervisor: `ferryman stack status` shows it and `down` ends it."""

    def __init__(self) -> None:
        self._running: Running | None = None

    def start(self) -> None:
        """Returns when every component answers. Raises StackError if one does not, or if a stack is running already."""
        download(artifacts_of(COMPONENTS))
        self._running = detach(COMPONENTS, "free", None)

    @property
    def addresses(self) -> Mapping[str, str]:
        return self._running.addresses if self._running else {}

    @property
    def directory(self) -> Path:
        return Path(self._running.directory if self._running else "")

    @property
    def access(self) -> Access:
        return Access({"bootstrap.servers": self.addresses["kafka"], "log_level": 0}, self.addresses["registry"])

    @property
    def credentials(self) -> Mapping[str, str]:
        return {}

    def check(self) -> None:
        if not self._is_mine(current()):
            last = recorded()
            raise DemoError(last.reason if last and last.reason else "the stack was ended by somebody else")

    def stop(self) -> None:
        if self._is_mine(current()):
            end()

    def _is_mine(self, running: Running | None) -> bool:
        return running is not None and self._running is not None and running.pid == self._running.pid
