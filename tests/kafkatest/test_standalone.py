"""What StandaloneWorkerIntegrationTest asks of a worker: its health, and loggers whose levels are changed."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from tests.kafkatest.connect import Connect, Node, worker_settings
from tests.kafkatest.report.differences import LEVELS_OF_LIKES, START_OF_THE_WORKER
from tests.kafkatest.whose import Whose
from tests.running import WEB, fresh, until

Levels = Mapping[str, Mapping[str, Any]]
_BLOCKING = "org.apache.kafka.connect.integration.BlockingConnectorTest$"


@pytest.fixture(scope="module")
def starting(whose: Whose, kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A worker that starts for ever, for a connector of its command line stands still."""
    home = tmp_path_factory.mktemp("starting")
    connector = home / "connector.properties"
    validated = whose.differs(START_OF_THE_WORKER)
    place = "Connector::validate" if validated else "Connector::start"
    kind = "ValidateBlockingConnector" if validated else "BlockingConnector"
    connector.write_text(f"name=blocking\nconnector.class={_BLOCKING}{kind}\ntasks.max=1\nblock={place}\n")
    node = Node(whose, home, worker_settings(kafka, fresh("starting")))
    node.launch(connector)
    try:
        until(lambda: f"Will block on {place}" in node.log.read_text(), what="the connector to block")
        yield node
    finally:
        node.kill()


@pytest.mark.modes("standalone")
def test_a_worker_says_that_it_starts_until_the_connectors_of_its_command_line_are_created(starting: Node) -> None:
    def answered() -> httpx.Response | None:
        try:
            return WEB.get(starting.url + "/health")
        except httpx.TransportError:
            return None

    answer = until(answered, what="an answer")
    assert answer.status_code == 503
    assert answer.json()["status"] == "starting"
    assert "Worker is still starting up" in answer.json()["message"]


@pytest.mark.modes("standalone")
def test_a_worker_that_has_started_says_so(connect: Connect) -> None:
    answer = connect.call("GET", "/health")
    assert answer["status"] == "healthy"
    assert "Worker has completed startup and is ready to handle requests." in answer["message"]


@pytest.mark.modes("standalone")
def test_a_level_is_that_of_a_logger_and_of_those_below_it_and_of_no_other(starting: Node) -> None:
    connect = Connect(starting.whose, starting.directory, starting.settings, [starting])
    levels: Levels = connect.call("GET", "/admin/loggers")
    assert levels
    assert {each["last_modified"] for each in levels.values()} == {None}
    for name, first, level, scope in (
        ("org.apache.kafka.connect", "ERROR", "DEBUG", ""),
        ("org.apache.kafka.clients", "WARN", "INFO", "?scope=worker"),
        ("org.apache.kafka.streams", "DEBUG", "TRACE", "?scope=cluster"),
    ):
        at = f"/admin/loggers/{name}{scope}"
        expect = 204 if "cluster" in scope else 200
        connect.call("PUT", at, {"level": first}, expect)
        since = int(time.time() * 1000)
        touched = connect.call("PUT", at, {"level": level}, expect)
        if expect == 200:
            assert name in touched
            assert all(each.startswith(name) for each in touched if not like(connect, each))
        found = connect.call("GET", f"/admin/loggers/{name}")
        assert found["level"] == level
        assert found["last_modified"] >= since
        levels = only_below_changed(connect, name, levels, level, since)
        assert not connect.call("PUT", at, {"level": level}, expect)  # none has another level
        assert connect.call("GET", f"/admin/loggers/{name}") == found


def like(connect: Connect, name: str) -> bool:
    """Whether it is a logger that follows others whose work it does."""
    return connect.whose.differs(LEVELS_OF_LIKES) and name.startswith(("ferryman", "librdkafka"))


def only_below_changed(connect: Connect, name: str, before: Levels, level: str, since: int) -> Levels:
    """What is listed now, in which nothing else than this logger, those below it and their likes have changed."""
    after: Levels = connect.call("GET", "/admin/loggers")
    below = {each: shown for each, shown in after.items() if each.startswith(name)}
    assert {shown["level"] for shown in below.values()} == {level}
    assert all(shown["last_modified"] >= since for shown in below.values())
    assert set(before) <= set(after)
    others = {each: shown for each, shown in after.items() if each not in below and not like(connect, each)}
    # A worker may come by loggers as it goes on.
    new = {each: {"level": shown["level"], "last_modified": None} for each, shown in others.items()}
    assert others == {each: before.get(each, new[each]) for each in others}
    return after
