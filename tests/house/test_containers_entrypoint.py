"""The compose file's worker and what creates its connectors, run as processes with its environment, between real
systems; and the image's own entrypoint."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import httpx
import pytest
import sqlalchemy as sa

from ferryman.demo.payments import Payer
from ferryman.stack.runtime.ports import free_port
from tests.house import containers
from tests.running import consume, until

BIN = Path(sys.executable).parent
TASKS, EVENTS = 2, 500
TOPICS = ("CONFIG", "OFFSET", "STATUS")


def environment(stack: Mapping[str, str], postgres: str, unique: str) -> dict[str, str]:
    """The compose file's environment and nothing else, with addresses of the embedded stack and names of its own."""
    warehouse = sa.make_url(postgres)
    replaced = {
        "kafka-1:29092,kafka-2:29092,kafka-3:29092": stack["kafka"],
        "http://payments:8420": stack["payments"],
        "mail": stack["mail"].partition(":")[0],
        "1025": stack["mail"].partition(":")[2],
        "http://registry:8080/apis/ccompat/v7": stack["registry"],
        "http://s3:80": stack["s3"],
        "archive": unique,
        "jdbc:postgresql://postgres:5432/warehouse": f"jdbc:postgresql://{warehouse.host}:{warehouse.port}/{unique}",
    }
    given = containers.ferryman()["environment"]
    assert set(replaced) <= set(given.values())
    return {name: replaced.get(value, value) for name, value in given.items()} | {
        "PATH": f"{BIN}:{os.defpath}",
        "CONNECT_GROUP_ID": unique,
        **{f"CONNECT_{kind}_STORAGE_TOPIC": f"{unique}-{kind.lower()}" for kind in TOPICS},
        **{f"CONNECT_{kind}_STORAGE_REPLICATION_FACTOR": "1" for kind in TOPICS},  # one broker
        "CONNECT_REST_HOST_NAME": "127.0.0.1",
        "CONNECT_REST_PORT": str(free_port()),
        "FERRYMAN_EVENTS_PER_TASK": str(EVENTS),
        "FERRYMAN_WAREHOUSE_USER": str(warehouse.username),
        "FERRYMAN_WAREHOUSE_PASSWORD": str(warehouse.password),
    }


def well(variables: Mapping[str, str]) -> bool:
    """What the image's healthcheck says."""
    command = [str(BIN / "python"), *containers.healthcheck()[1:]]
    return subprocess.run(command, env=variables, capture_output=True, timeout=300, check=False).returncode == 0


@pytest.fixture
def variables(stack: dict[str, str], postgres: str, unique: str) -> dict[str, str]:
    return environment(stack, postgres, unique)


@pytest.fixture
def container(variables: dict[str, str], tmp_path: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """The entrypoint of the compose file's worker, as a process."""
    command = containers.mounted(containers.ferryman()["entrypoint"])
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(BIN / command[0]), *command[1:]], env=variables, cwd=tmp_path, stdout=log, stderr=log
        )
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def bucket(stack: dict[str, str], unique: str) -> Any:
    """The compose file's bucket, which its volume makes, by boto3."""
    httpx.put(f"{stack['s3']}/{unique}").raise_for_status()
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-east-1"}
    return boto3.resource("s3", endpoint_url=stack["s3"], **keys).Bucket(unique)


def connectors() -> Path:
    """The folder with the connectors that are created."""
    return Path(containers.mounted(containers.creating())[-1])


def create(variables: Mapping[str, str]) -> None:
    """Does what the compose file lets be done as soon as the container runs."""
    program, *arguments = containers.mounted(containers.creating())
    subprocess.run([str(BIN / program), *arguments], env=variables, timeout=600, check=True)


def topics(connector: str) -> list[str]:
    """The topics of one of the compose file's sinks."""
    (path,) = connectors().glob(f"{connector}.json")
    found: str = json.loads(path.read_text())["config"]["topics"]
    return found.split(",")


def rows(postgres: str, tables: Sequence[str]) -> dict[str, int]:
    """The number of rows of each table that exists."""
    engine = sa.create_engine(postgres, poolclass=sa.NullPool)
    with engine.connect() as connection:
        there = sa.inspect(connection).get_table_names()
        counts = {table: connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar() for table in there}
    return {table: int(counts[table] or 0) for table in tables if table in counts}


def all_arrived(kafka: str, postgres: str) -> bool:
    """Whether every event is in Kafka, every one of those that are inserted is a row, and upserts have their tables."""
    inserted, upserted = topics("events-to-warehouse"), topics("projects-to-warehouse")
    records = {topic: len(consume(kafka, topic)) for topic in [*inserted, *upserted]}
    found = rows(postgres, [topic.replace(".", "_") for topic in records])
    return (
        sum(records.values()) == TASKS * EVENTS
        and all(found.get(topic.replace(".", "_")) == records[topic] for topic in inserted)
        and all(found.get(topic.replace(".", "_")) for topic in upserted)
    )


def paid(gateway: str, folder: Path) -> str:
    """Makes payments at the gateway; the id of the first."""
    payer = Payer(gateway, ["a-pledge"], folder / "payments.jsonl")
    payer.start()
    until(lambda: payer.made or payer.problem, 60, "a payment")
    payer.end()
    return payer.made[0].id


def logged(postgres: str, payment: str) -> bool:
    """Whether a payment has become a row."""
    engine = sa.create_engine(postgres, poolclass=sa.NullPool)
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("payment_log"):
            return False
        found = connection.execute(sa.text("SELECT 1 FROM payment_log WHERE payment_id = :id"), {"id": payment})
        return found.first() is not None


def running(status: str) -> Any:
    """The status of a connector that runs."""
    found = httpx.get(status).json()
    return found if found.get("connector", {}).get("state") == "RUNNING" else None


def test_a_worker_of_the_compose_file_runs_its_connectors_until_it_is_told_to_stop(
    bucket: Any,
    container: "subprocess.Popen[bytes]",
    variables: dict[str, str],
    kafka: str,
    postgres: str,
    tmp_path: Path,
) -> None:
    create(variables)  # before the worker answers, and again as after a new start
    create(variables)
    until(lambda: well(variables), 60, "the healthcheck")
    url = f"http://127.0.0.1:{variables['CONNECT_REST_PORT']}"
    names = sorted(path.stem for path in connectors().iterdir())
    assert sorted(httpx.get(f"{url}/connectors").json()) == names
    status = until(lambda: running(f"{url}/connectors/{names[0]}/status"), 60, "a connector to run")
    assert status["connector"]["worker_id"] == f"ferryman-1:{variables['CONNECT_REST_PORT']}"
    until(lambda: all_arrived(kafka, postgres), 90, f"every event as a row, see {tmp_path / 'log'}")
    made = paid(variables["FERRYMAN_PAYMENTS"], tmp_path)
    until(lambda: logged(postgres, made), 90, f"the payment as a row, see {tmp_path / 'log'}")
    until(
        lambda: any(made.encode() in (each.value() or b"") for each in consume(kafka, "emails-sent")), 90, "a receipt"
    )
    archived = {*topics("events-to-archive"), "payments"}
    until(lambda: {each.key.split("/")[1] for each in bucket.objects.filter(Prefix="topics/")} == archived, 60)
    mend(variables, postgres)
    container.send_signal(signal.SIGTERM)
    assert container.wait(int(containers.ferryman()["stop_grace_period"].removesuffix("s"))) == 0
    assert not well(variables)


def mend(variables: Mapping[str, str], postgres: str) -> None:
    """Has rows that were lost come back by the page's backfill, in a container beside the worker's."""
    table = "crowdfunding_projects"
    before = rows(postgres, [table])
    with sa.create_engine(postgres, poolclass=sa.NullPool).begin() as connection:
        assert connection.execute(sa.text(f"DELETE FROM {table}")).rowcount
    program, *arguments = containers.backfill()
    arguments[arguments.index("--from") + 1] = "1970-01-01T00:00:00Z"  # whatever this machine's clock says
    command = [str(BIN / program), *arguments]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert rows(postgres, [table]) == before


class Refuses(BaseHTTPRequestHandler):
    """A worker that takes no config."""

    def do_PUT(self) -> None:
        self.send_response(400)
        self.end_headers()
        self.wfile.write(b"topics is missing")

    def log_message(self, format: str, *args: Any) -> None:
        pass


def test_a_connector_that_the_worker_refuses_is_named_and_not_tried_again() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Refuses) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        program, *arguments = containers.mounted(containers.creating())
        variables = {"PATH": os.defpath, "CONNECT_REST_PORT": str(server.server_port)}
        done = subprocess.run(
            [str(BIN / program), *arguments], env=variables, capture_output=True, text=True, timeout=600, check=False
        )
        server.shutdown()
    assert done.returncode == 1
    first = min(connectors().iterdir())
    assert f"{first}: HTTP Error 400: Bad Request topics is missing" in done.stderr


def test_without_any_variable_the_entrypoint_says_what_is_missing(tmp_path: Path) -> None:
    command = containers.mounted(containers.entrypoint())
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        env={"PATH": f"{BIN}:{os.defpath}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 2
    assert "key.converter" in done.stderr
    assert "value.converter" in done.stderr
