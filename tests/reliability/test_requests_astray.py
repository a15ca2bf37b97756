"""One request of a source's producer goes astray, and whatever the client does about it, each transaction is whole.

What is late gets to the broker when the next transaction is open, which it must not end.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice, product
from pathlib import Path

import pytest
from confluent_kafka import IsolationLevel
from confluent_kafka.admin import AdminClient

from tests.plugin_folder import installed
from tests.reliability.links.broker import Broker
from tests.reliability.links.requests import APIS, ASTRAY, Astray
from tests.reliability.scoreboard.plugin import Trials
from tests.reliability.test_source_transactions import ends, readable_to_its_end, source
from tests.running import Worker, consume, create_topic, settings, until, worker

PLUGIN = """
from pathlib import Path
from ferryman.api import Source
from ferryman.config import Str, key
from ferryman.connector import SourceConfig
from ferryman.record import Record

class ObedientConfig(SourceConfig):
    topic: Str = key()
    wishes: Str = key()

class ObedientSource(Source[ObedientConfig]):
    config_class = ObedientConfig

    @classmethod
    def ends_transactions(cls, config):
        return True

    def start(self):
        self.next = self.whole = (self.context.offset({"a": 1}) or {"n": 0})["n"]

    def poll(self):
        handed, committed = map(int, Path(self.config.wishes).read_text().split())
        numbers = range(self.next, handed)
        self.next = max(self.next, handed)
        if self.whole < committed == self.next:
            self.whole = committed
            self.context.transaction.commit()
        if not numbers:
            self.context.stopping(0.01)
        return [Record(topic=self.config.topic, value=f"{number}", source_partition={"a": 1},
                       source_offset={"n": number + 1}) for number in numbers]
"""
COUNT = 5
"""Records of a transaction."""


@dataclass
class Obedient:
    """A source that hands over and commits what it is told to, over the link."""

    running: Worker
    broker: Broker
    topic: str
    wishes: Path
    sent: int = 0

    def hand_over(self) -> None:
        """The records of the next transaction lie in the topic, and it is open."""
        admin = AdminClient({"bootstrap.servers": self.broker.address})
        before = ends(admin, self.topic, IsolationLevel.READ_UNCOMMITTED)
        self._wish(self.sent + COUNT, self.sent)
        until(lambda: ends(admin, self.topic, IsolationLevel.READ_UNCOMMITTED) >= before + COUNT, what="its records")
        assert not readable_to_its_end(admin, self.topic)

    def commit(self) -> None:
        """What is open is committed, and readable."""
        self.sent += COUNT
        self._wish(self.sent, self.sent)
        until(lambda: len(self.committed()) >= self.sent and self._offset() == self.sent, what="a commit")

    def committed(self) -> list[int]:
        """What readers see."""
        return [int(message.value() or b"") for message in consume(self.broker.address, self.topic)]

    def check(self, when: str) -> None:
        """Each record is there once, in order, and none of an open transaction."""
        assert self.committed() == list(range(self.sent)), f"{when}, see {self.running.log}"

    def _offset(self) -> int:
        found = self.running.call("GET", f"/connectors/{self.topic}/offsets")["offsets"]
        return int(found[0]["offset"]["n"]) if found else 0

    def _wish(self, handed: int, committed: int) -> None:
        fresh = self.wishes.with_suffix(".new")
        fresh.write_text(f"{handed} {committed}")
        fresh.rename(self.wishes)


@contextmanager
def obedient(directory: Path, broker: Broker, name: str) -> Iterator[Obedient]:
    create_topic(broker.address, name)
    home = installed(directory, "obedient", PLUGIN, "ObedientSource")
    with worker(directory, settings(broker.proxied, name), PYTHONPATH=str(home)) as running:
        made = Obedient(running, broker, name, directory / "wishes")
        made._wish(0, 0)
        config = source(name, "ObedientSource", transaction_boundary="connector", wishes=str(made.wishes))
        running.create(config | {"producer.override.reconnect.backoff.ms": "20"})
        running.running(name)
        yield made


def go_astray(made: Obedient, api: str, astray: Astray) -> None:
    """A request of one transaction goes astray, and the next one is made; it is open when what is late arrives."""
    link, what = made.broker.link, f"{api} {astray}"
    link.aim(api, astray)
    made.hand_over()
    made.commit()
    assert link.gone_astray
    made.check(f"after {what}")
    made.hand_over()
    if astray == "late":
        link.release()
        until(lambda: link.arrived, what=f"an answer to {what}")
    made.check(f"in the next transaction after {what}")
    made.commit()
    made.check(f"after the next transaction after {what}")


@pytest.mark.timeout(3600)
@pytest.mark.scoreboard("R5")
def test_a_request_that_goes_astray_tears_loses_and_revives_no_transaction(
    tmp_path: Path, broken_broker: Broker, unique: str, trials: Trials
) -> None:
    with obedient(tmp_path, broken_broker, unique) as made:
        for api, astray in islice(cycle(product(APIS, ASTRAY)), trials.required):
            go_astray(made, api, astray)
            trials.held()
