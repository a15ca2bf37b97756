"""Away and hopeless, told apart on the real thing: what REST shows, what the log says, what a session leaves."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.plugin_folder import installed
from tests.reliability.flows import Table, file_sink, rows, sql_sink, tolerant
from tests.running import WEB, Worker, create_topic, fresh, produce, send, settings, until, worker

PLUGIN = """
from ferryman.api import Sink
from ferryman.config import Str, key
from ferryman.connector import SinkConfig
from ferryman.errors import RefusedError, RetriableError

class MoodyConfig(SinkConfig):
    habit: Str = key()
    tries: Str = key("")

    @property
    def tries_when_refused(self):
        return int(self.tries) if self.tries else None

class MoodySink(Sink[MoodyConfig]):
    config_class = MoodyConfig

    def start(self):
        print("it starts", flush=True)
        if self.config.habit == "away":
            raise RetriableError("its system is away", after=0.1)
        if self.config.habit == "refused":
            raise RefusedError("its system does not know the password", key="moody.password", after=0.1)

    def put(self, records):
        pass
"""


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Worker]:
    """A worker with the plugins on its path."""
    directory = tmp_path_factory.mktemp("moody")
    home = installed(directory, "moody", PLUGIN, "MoodySink")
    with worker(directory, settings(kafka, fresh("moody")), PYTHONPATH=str(home)) as one:
        yield one


def moody(name: str, habit: str, **more: str) -> dict[str, str]:
    changed = {key.replace("_", "."): value for key, value in more.items()}
    return {"name": name, "connector.class": "MoodySink", "topics": name, "habit": habit} | changed


def task(running: Worker, name: str) -> dict[str, Any]:
    found: dict[str, Any] = running.call("GET", f"/connectors/{name}/tasks/0/status")
    return found


def starts(running: Worker) -> int:
    return running.said.count("it starts")


def test_a_system_that_is_away_at_the_start_shows_while_the_task_runs(kafka: str, running: Worker, unique: str) -> None:
    create_topic(kafka, unique)
    running.create(moody(unique, "away"))
    until(lambda: starts(running) > 5, 60)
    found = task(running, unique)
    assert found["state"] == "RUNNING"
    assert "trace" not in found
    assert found["outage"]["reason"] == "its system is away"
    assert found["outage"]["since"] <= found["outage"]["next_try"]
    assert len(re.findall("its system is away", running.said)) == 1


def test_sessions_that_end_give_back_threads_files_and_connections(
    kafka: str, running: Worker, unique: str, long: bool
) -> None:
    create_topic(kafka, unique)
    running.create(moody(unique, "away") | tolerant(f"{unique}-dlq"))
    until(lambda: starts(running) >= 5, 60)
    pid = running.pids(unique)[0]

    def held() -> tuple[int, int]:
        return len(os.listdir(f"/proc/{pid}/task")), len(os.listdir(f"/proc/{pid}/fd"))

    after = 200 if long else 25
    before = held()
    until(lambda: starts(running) >= after, 300, "more sessions")
    until(lambda: held()[0] <= before[0] + 8 and held()[1] <= before[1] + 8, 60, f"as few as {before}")


def test_errors_retry_timeout_holds_over_sessions(kafka: str, running: Worker, unique: str) -> None:
    create_topic(kafka, unique)
    running.create(moody(unique, "away", errors_retry_timeout="1500"))
    assert "gave up after errors.retry.timeout: its system is away" in running.trace(unique)
    assert "outage" not in task(running, unique)


def test_a_refusal_before_anything_went_well_fails_the_task_and_names_the_key(
    kafka: str, running: Worker, unique: str
) -> None:
    create_topic(kafka, unique)
    running.create(moody(unique, "refused", tries="3"))
    assert "its system does not know the password (see moody.password)" in running.trace(unique)
    assert starts(running) == 4


def test_a_broker_that_does_not_let_the_task_in_is_no_outage(
    kafka: str, running: Worker, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique)
    login = "org.apache.kafka.common.security.plain.PlainLoginModule required username='a' password='a-secret';"
    override = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.jaas.config": login}
    config = file_sink(unique, tmp_path / "out.txt", errors_retry_timeout="1")
    running.create(config | {f"admin.override.{key}": value for key, value in override.items()})
    trace = until(lambda: task(running, unique).get("trace"), 120, "the task to fail")
    assert "Kafka refuses this task's admin: _AUTHENTICATION" in trace
    assert "admin.override.sasl.jaas.config" in trace
    assert "a-secret" not in trace


@pytest.fixture
def role(postgres: str, unique: str) -> Iterator[tuple[sa.Engine, sa.URL]]:
    """An engine of the database's owner, and the URL of a user that may write there."""
    owner = sa.create_engine(postgres, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    _sql(
        owner,
        f"CREATE ROLE {unique} LOGIN PASSWORD 'first'",
        f"GRANT {unique} TO CURRENT_USER",
        f"GRANT ALL ON SCHEMA public TO {unique}",
    )
    yield owner, sa.make_url(postgres).set(username=unique, password="first")
    _sql(owner, f"DROP OWNED BY {unique}", f"DROP ROLE {unique}")


def _sql(engine: sa.Engine, *statements: str) -> None:
    with engine.connect() as connection:
        for each in statements:
            connection.execute(sa.text(each))


@pytest.mark.parametrize("wrong", [{"password": "another"}, {"database": "nowhere"}], ids=["password", "database"])
def test_a_database_that_refuses_fails_the_task_after_the_attempts_that_the_config_allows(
    kafka: str, running: Worker, unique: str, role: tuple[sa.Engine, sa.URL], wrong: dict[str, Any]
) -> None:
    create_topic(kafka, unique)
    url = role[1].set(**wrong).render_as_string(hide_password=False)
    running.create(sql_sink(unique, url, connection_attempts="3", connection_backoff_ms="50"))
    trace = running.trace(unique)
    assert "refused 3 times before anything went well" in trace
    assert "see connection.password, connection.url" in trace
    assert "another" not in trace


def test_a_password_that_is_rotated_under_a_task_that_worked_is_an_outage(
    kafka: str, running: Worker, unique: str, role: tuple[sa.Engine, sa.URL]
) -> None:
    create_topic(kafka, unique)
    owner, url = role
    text = url.render_as_string(hide_password=False)
    running.create(sql_sink(unique, text, connection_attempts="3", connection_backoff_ms="50"))
    table = Table(owner.url.render_as_string(hide_password=False), unique)
    produce(kafka, unique, rows(0, 10))
    until(lambda: len(table.ids()) == 10, 60)
    _sql(
        owner,
        f"ALTER ROLE {unique} PASSWORD 'second'",
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{unique}'",
    )
    produce(kafka, unique, rows(10, 20))
    until(lambda: "outage" in task(running, unique), 60)
    pid = running.pids(unique)[-1]
    send(pid, signal.SIGKILL)  # the next process does not know by itself that the task has worked
    until(lambda: len(running.pids(unique)) == 2 and "outage" in task(running, unique), 60)
    until(lambda: running.said.count("password authentication failed") > 0, 60)
    assert task(running, unique)["state"] == "RUNNING"
    _sql(owner, f"ALTER ROLE {unique} PASSWORD 'first'")
    until(lambda: len(table.ids()) == 20, 90)
    until(lambda: "outage" not in task(running, unique), 60)


def test_a_topic_that_is_not_there_fails_the_task_and_names_the_key(
    running: Worker, unique: str, tmp_path: Path
) -> None:
    often = {"consumer.override.metadata.max.age.ms": "1000"}
    running.create(file_sink(unique, tmp_path / "out.txt", errors_retry_timeout="1") | often)
    assert f"the topic {unique} does not exist (see topics)" in running.trace(unique)


@pytest.mark.parametrize("transactional", [True, False], ids=["exactly once", "at least once"])
def test_a_topic_that_no_broker_makes_fails_a_source_and_is_named(
    kafka: str, unique: str, tmp_path: Path, transactional: bool
) -> None:
    """Of what was for it a transactional client says only that it was not delivered."""
    (tmp_path / "lines").write_text("one\n")
    given = {} if transactional else {"exactly_once_source_support": "disabled"}
    with worker(tmp_path, settings(kafka, unique, **given)) as one:
        topic = f"{unique} of orders"
        source = {"name": unique, "connector.class": "FileStreamSource", "topic": topic, "errors.tolerance": "all"}
        one.create({**source, "file": str(tmp_path / "lines"), "ferryman.auto.restart.enable": "false"})
        trace = one.trace(unique)
    assert "the broker does not accept a topic of that name" in trace
    assert topic in trace


def test_topics_that_are_used_after_a_reset_come_back(kafka: str, running: Worker, unique: str, tmp_path: Path) -> None:
    create_topic(kafka, unique)
    running.create(file_sink(unique, tmp_path / "out.txt"))

    def topics() -> list[str]:
        found: list[str] = running.call("GET", f"/connectors/{unique}/topics")[unique]["topics"]
        return found

    produce(kafka, unique, [b"one"])
    until(lambda: topics() == [unique], 60)
    assert WEB.put(f"{running.url}/connectors/{unique}/topics/reset").status_code == 202
    assert topics() == []
    produce(kafka, unique, [b"two"])
    until(lambda: topics() == [unique], 60)
