"""Components start, break and come back where they were, with what they knew."""

import json
import os
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import boto3
import psycopg
import pytest
import sqlalchemy as sa
import stripe
from botocore.config import Config
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from ferryman.demo.demo_stack import COMPONENTS
from ferryman.stack import Stack, StackError
from ferryman.stack.runtime.reaper import descendants
from ferryman.stack.services import DEFAULT, SERVICES


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """One world for this file: its tests break it, so they cannot share the run's."""
    with Stack() as stack:
        yield stack


def ask(url: str, body: object = None) -> object:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=60) as answer:
        return json.load(answer)


def test_a_killed_registry_comes_back_with_its_schemas(stack: Stack) -> None:
    address = stack.addresses["registry"]
    registered = ask(f"{address}/subjects/kept-value/versions", {"schema": '"string"'})
    stack["registry"].kill()
    assert not stack["registry"].answers
    stack["registry"].start()
    assert stack.addresses["registry"] == address
    assert isinstance(registered, dict)
    assert ask(f"{address}/schemas/ids/{registered['id']}") == {"schema": '"string"'}


def test_a_killed_database_comes_back_with_its_rows(stack: Stack) -> None:
    url = stack.addresses["postgres"].replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    stack["postgres"].kill()
    stack["postgres"].start()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_the_databases_role_owns_its_database_and_no_more(stack: Stack) -> None:
    with psycopg.connect(stack.addresses["postgres"].replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)
        connection.execute("CREATE SCHEMA mine")


def test_a_killed_mariadb_comes_back_with_its_rows_and_nobody_may_touch_its_files() -> None:
    with Stack(("mariadb",)) as stack:
        engine = sa.create_engine(stack.addresses["mariadb"], poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE kept (number int)")
            connection.exec_driver_sql("INSERT INTO kept VALUES (7)")
        stack["mariadb"].kill()
        stack["mariadb"].start()
        with engine.begin() as connection:
            assert connection.exec_driver_sql("SELECT number FROM kept").scalar() == 7
        for statement in (
            "SELECT 1 INTO OUTFILE '/tmp/x'",
            "SELECT load_file('/etc/passwd') INTO DUMPFILE '/tmp/x'",
            "INSERT INTO mysql.global_priv VALUES ('h', 'u', '{}')",
            "GRANT FILE ON *.* TO ferryman@'127.0.0.1'",
        ):
            with engine.connect() as connection, pytest.raises(sa.exc.DBAPIError, match="denied"):
                connection.exec_driver_sql(statement)


def test_mariadb_runs_only_where_it_is_named() -> None:
    assert "mariadb" in SERVICES
    assert "mariadb" not in DEFAULT
    assert "mariadb" not in COMPONENTS


def test_a_killed_gateway_comes_back_with_its_events(stack: Stack) -> None:
    client = stripe.StripeClient("sk_test_12345", base_addresses={"api": stack.addresses["payments"]})
    client.v1.customers.create({"name": "Ada"})
    stack["payments"].kill()
    stack["payments"].start()
    assert [customer.name for customer in client.v1.customers.list().data] == ["Ada"]
    assert [event.type for event in client.v1.events.list().data] == ["customer.created"]


def test_a_killed_broker_comes_back_with_its_topics(stack: Stack) -> None:
    producer = Producer({"bootstrap.servers": stack.addresses["kafka"], "log_level": 0})
    producer.produce("kept", b"record")
    assert producer.flush(20) == 0
    stack["kafka"].kill()
    stack["kafka"].start()
    client = AdminClient({"bootstrap.servers": stack.addresses["kafka"]})
    assert "kept" in client.list_topics(timeout=60).topics


def test_a_killed_s3_server_comes_back_with_its_objects_and_open_uploads(stack: Stack) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=stack.addresses["s3"],
        aws_access_key_id="any",
        aws_secret_access_key="any",
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}),
    )
    client.create_bucket(Bucket="kept")
    client.put_object(Bucket="kept", Key="a/b", Body=b"bytes", Metadata={"whose": "mine"})
    upload = client.create_multipart_upload(Bucket="kept", Key="c")["UploadId"]
    part = {"Bucket": "kept", "Key": "c", "UploadId": upload, "PartNumber": 1}
    etag = client.upload_part(**part, Body=b"more bytes")["ETag"]
    stack["s3"].kill()
    stack["s3"].start()
    assert client.head_object(Bucket="kept", Key="a/b")["Metadata"] == {"whose": "mine"}
    parts = {"Parts": [{"ETag": etag, "PartNumber": 1}]}
    client.complete_multipart_upload(Bucket="kept", Key="c", UploadId=upload, MultipartUpload=parts, IfNoneMatch="*")
    assert client.get_object(Bucket="kept", Key="c")["Body"].read() == b"more bytes"


def test_every_broker_is_a_cluster_of_its_own(stack: Stack) -> None:
    with Stack(("kafka",)) as other:
        clients = [AdminClient({"bootstrap.servers": each.addresses["kafka"]}) for each in (stack, other)]
        identities = {client.list_topics(timeout=60).cluster_id for client in clients}
    assert len(identities) == 2


def test_a_paused_component_answers_only_when_resumed(stack: Stack) -> None:
    stack["payments"].pause()
    assert not stack["payments"].answers
    stack["payments"].resume()
    assert stack["payments"].answers


def test_a_component_that_died_shows_the_end_of_its_log(stack: Stack) -> None:
    pid = stack["payments"].pid
    assert pid
    os.kill(pid, 9)
    while stack["payments"].died is None:
        pass
    assert stack.died
    assert stack.died.startswith("payments was ended by signal 9. The end of ")
    stack["payments"].start()
    assert stack.died is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_everything_listens_on_the_loopback_only(stack: Stack) -> None:
    sockets = {
        os.readlink(entry)
        for pid in descendants(os.getpid())
        for entry in _descriptors(pid)
        if entry.is_symlink() and os.readlink(entry).startswith("socket:")
    }
    rows = [row.split() for table in ("tcp", "tcp6") for row in Path("/proc/net", table).read_text().splitlines()[1:]]
    listening = {row[1].rpartition(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets}
    assert listening <= {"0100007F", "0000000000000000FFFF00000100007F"}
    assert listening


def _descriptors(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return []


def test_starting_twice_is_refused(stack: Stack) -> None:
    with pytest.raises(StackError, match="payments is running already"):
        stack["payments"].start()


def test_an_unknown_component_is_named_with_those_there_are() -> None:
    with pytest.raises(StackError, match=r"no component 'mysql'; there are kafka, registry, postgres, payments"):
        Stack(("mysql",))


def test_data_in_a_directory_of_ones_own_stay_there(tmp_path: Path) -> None:
    for _ in range(2):
        with Stack(("postgres",), directory=tmp_path / "world") as world:
            url = world.addresses["postgres"].replace("+psycopg", "")
            with psycopg.connect(url) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS visits (number int)")
                connection.execute("INSERT INTO visits VALUES (1)")
                count = connection.execute("SELECT count(*) FROM visits").fetchone()
    assert count == (2,)


def test_a_program_that_cannot_start_says_why(tmp_path: Path) -> None:
    data = tmp_path / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "stranger").write_text("not a database")
    with pytest.raises(StackError, match=r"initdb ended with exit code 1:(.|\n)*exists but is not empty"):
        Stack(("postgres",), directory=tmp_path).start()
