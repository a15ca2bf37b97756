"""What BlockingConnectorTest asks of a worker: plugins that stand still hold up nobody else.

All places are tried at once, for what it takes is time: a worker gives a plugin's code as long as a request may last.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
import pytest

from tests.kafkatest.configs import source
from tests.kafkatest.connect import Config, Connect, cluster, worker_settings
from tests.kafkatest.report.differences import ANSWER_TO_A_RESTART
from tests.kafkatest.whose import Whose
from tests.running import WEB, create_topic, until

pytestmark = pytest.mark.long
"""An ordinary run has tests/reliability/hostile/test_stuck_plugins.py and tests/worker/test_control.py."""
RECORDS = 100
STARTS = {
    "connector": ("BlockingConnector", "Connector::start"),
    "source": ("BlockingSourceConnector", "Task::start"),
    "sink": ("BlockingSinkConnector", "Task::start"),
}
STOPS = {
    "source": ("BlockingSourceConnector", "Task::stop"),
    "sink": ("BlockingSinkConnector", "Task::stop"),
}


def blocking(kind: str, place: str) -> Config:
    connector = f"org.apache.kafka.connect.integration.BlockingConnectorTest${kind}"
    return {"connector.class": connector, "tasks.max": "1", "topics": "t1", "block": place}


@pytest.fixture
def stuck(whose: Whose, kafka: str, unique: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connect]:
    """A worker to be blocked, that nobody needs afterwards."""
    with cluster(whose, tmp_path_factory.mktemp(unique), worker_settings(kafka, unique)) as one:
        yield one
        one.nodes[0].kill()


@dataclass
class Answer(threading.Thread):
    """A request whose answer somebody else waits for."""

    method: str
    url: str
    body: Mapping[str, str] | None = None
    answers: list[httpx.Response] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self.start()

    def run(self) -> None:
        with suppress(httpx.TransportError):  # the worker is gone
            self.answers.append(WEB.request(self.method, self.url, json=self.body))

    def status(self) -> int:
        """Waits for it."""
        self.join()
        return self.answers[0].status_code

    def timed_out(self, stage: str) -> None:
        assert self.status() == 500, self.answers[0].text
        assert "Request timed out" in self.answers[0].text
        assert f"The worker is currently {stage}" in self.answers[0].text

    __hash__ = object.__hash__


def blocks(connect: Connect, place: str, times: int = 1) -> None:
    until(lambda: connect.plugins_said.count(f"Will block on {place}") >= times, what=f"a block in {place}")


def works(connect: Connect, kafka: str, name: str) -> None:
    """A connector that is created now runs and gets its records through."""
    create_topic(kafka, name, 3)
    connect.configure(name, source(name, tasks_max="1", throughput="-1", max_messages=str(RECORDS)))
    connect.runs(name, 1)
    until(lambda: connect.offsets(name)[:1] and connect.offsets(name)[0]["offset"] == {"saved": RECORDS})


def test_connectors_and_tasks_that_do_not_start_hold_up_no_other(stuck: Connect, kafka: str, unique: str) -> None:
    def put(name: str, kind: str, place: str) -> Answer:
        return Answer("PUT", f"{stuck.nodes[0].url}/connectors/{unique}-{name}/config", blocking(kind, place))

    validation = put("validated", "ValidateBlockingConnector", "Connector::validate")
    creations = [put(name, *blocked) for name, blocked in STARTS.items()]
    for place, times in (("Connector::validate", 1), ("Connector::start", 1), ("Task::start", 2)):
        blocks(stuck, place, times)
    works(stuck, kafka, unique)
    if stuck.whose.distributed:
        assert {each.status() for each in creations} == {201}
        restart = Answer("POST", f"{stuck.nodes[0].url}/connectors/{unique}-connector/restart")
        if stuck.whose.differs(ANSWER_TO_A_RESTART):
            assert restart.status() == 204
        else:
            restart.timed_out("starting the connector")
    validation.timed_out("performing multi-property validation for the connector")
    assert f"{unique}-validated" not in stuck.connectors()


def test_connectors_and_tasks_that_do_not_stop_hold_up_no_other(stuck: Connect, kafka: str, unique: str) -> None:
    for name, (kind, place) in STOPS.items():
        stuck.configure(f"{unique}-{name}", blocking(kind, place))
    for name in STOPS:
        stuck.runs(f"{unique}-{name}", 1)
    deletions = [Answer("DELETE", f"{stuck.nodes[0].url}/connectors/{unique}-{name}") for name in STOPS]
    blocks(stuck, "Task::stop", 2)
    works(stuck, kafka, unique)
    assert {each.status() for each in deletions} == {204}


@pytest.mark.modes("distributed")
def test_a_worker_that_comes_back_starts_the_others_of_a_connector_that_does_not_start(
    whose: Whose, kafka: str, unique: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with cluster(whose, tmp_path_factory.mktemp(unique), worker_settings(kafka, unique)) as connect:
        connect.configure(f"{unique}-blocking", blocking(*STARTS["connector"]))
        blocks(connect, "Connector::start")
        connect.remove(connect.nodes[0])
        connect.add()
        blocks(connect, "Connector::start")
        works(connect, kafka, unique)
