"""Brokers of these tests' own: with settings that cannot be changed while one runs, or to be stopped."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ferryman.stack.runtime.component import Component
from ferryman.stack.runtime.ports import free_port
from ferryman.stack.runtime.process import Launch
from ferryman.stack.runtime.service import Place
from ferryman.stack.servers.kafka import KAFKA
from ferryman.stack.services import artifacts_of


@contextmanager
def component(home: Path, **settings: str) -> Iterator[Component]:
    """A broker with more settings than the stack's, which runs when the block begins, and keeps its port."""

    def launch(place: Place) -> Launch:
        found = KAFKA.launch(place)
        with (place.directory / "server.properties").open("a") as file:
            file.write("\n" + "".join(f"{key.replace('_', '.')}={value}\n" for key, value in settings.items()))
        return found

    ports = {KAFKA.name: {name: free_port() for name in KAFKA.ports}}
    found = Component(replace(KAFKA, launch=launch), home / "kafka", ports, artifacts_of(["kafka"]))
    found.start()
    try:
        yield found
    finally:
        found.discard()


@contextmanager
def broker(home: Path, **settings: str) -> Iterator[str]:
    """The address of such a broker."""
    with component(home, **settings) as found:
        yield found.address
