"""Brokers of these tests' own, with settings that cannot be changed while one runs."""

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
def broker(home: Path, **settings: str) -> Iterator[str]:
    """The address of a broker with more settings than the stack's, while the block runs."""

    def launch(place: Place) -> Launch:
        found = KAFKA.launch(place)
        with (place.directory / "server.properties").open("a") as file:
            file.write("\n" + "".join(f"{key.replace('_', '.')}={value}\n" for key, value in settings.items()))
        return found

    ports = {KAFKA.name: {name: free_port() for name in KAFKA.ports}}
    component = Component(replace(KAFKA, launch=launch), home / "kafka", ports, artifacts_of(["kafka"]))
    component.start()
    try:
        yield component.address
    finally:
        component.discard()
