"""Every file of configs/ is what a worker takes, and the demo's files are what its ledger believes them to be."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ferryman.demo import comparison
from ferryman.demo.facts import flows
from ferryman.demo.facts.errors import DemoError
from ferryman.demo.worker import environment
from ferryman.kafka import client_config
from ferryman.settings import settings
from ferryman.settings.modes import DISTRIBUTED
from ferryman.settings.settings import Settings
from ferryman.validation import connector_config
from ferryman.worker import connector_file
from tests.places import CONFIGS

FILES = sorted([*(CONFIGS / "connectors").iterdir(), *(CONFIGS / "restore").iterdir()])
FLOWS = [*flows.flows(CONFIGS), flows.restore(CONFIGS)]
ADDRESSES = {
    "kafka": "127.0.0.1:9092",
    "registry": "http://127.0.0.1:8081/apis/ccompat/v7",
    "postgres": "postgresql+psycopg://somebody:secret@127.0.0.1:54320/warehouse",
    "s3": "http://127.0.0.1:9000",
    "mail": "127.0.0.1:1025",
    "payments": "http://127.0.0.1:8420",
}


@pytest.fixture
def worker() -> Iterator[Settings]:
    with environment(flows.variables(ADDRESSES, 1000)):
        yield settings.load(CONFIGS / "worker.properties")


def test_the_worker_file_is_taken_without_a_warning(worker: Settings) -> None:
    assert worker.warnings == ()
    assert worker.config.bootstrap_servers == [ADDRESSES["kafka"]]


def test_the_file_of_a_group_of_workers_is_taken_without_a_warning() -> None:
    with environment(flows.variables(ADDRESSES, 1000)):
        loaded = settings.load(CONFIGS / "distributed.properties", mode=DISTRIBUTED)
    assert loaded.warnings == ()
    assert loaded.distributed.scheduled_rebalance_max_delay_ms == 10_000
    assert loaded.config.bootstrap_servers == [ADDRESSES["kafka"]]


def test_the_file_of_a_secure_group_of_workers_is_taken_without_a_warning() -> None:
    secrets = {f"FERRYMAN_{user}_PASSWORD": "secret" for user in ("WORKER", "CONSUMER", "PRODUCER", "ADMIN")}
    with environment({**flows.variables(ADDRESSES, 1000), **secrets, "FERRYMAN_CA": "/etc/ferryman/ca.pem"}):
        loaded = settings.load(CONFIGS / "distributed-secure.properties", mode=DISTRIBUTED)
    assert loaded.warnings == ()
    made = client_config.source_producer(loaded.values, "c", 0, {}).values
    assert (made["security.protocol"], made["sasl.username"]) == ("sasl_ssl", "producer")
    assert made["ssl.ca.location"] == "/etc/ferryman/ca.pem"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_connector_file_is_valid(file: Path, worker: Settings) -> None:
    connector = connector_file.read(file)
    assert connector.name == file.stem
    connector_config.check(connector.config, worker)


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_the_demos_connector_files_are_taken_without_a_warning(flow: flows.Flow, worker: Settings) -> None:
    assert connector_config.check({**flow.config, "name": flow.name}, worker).warnings == ()


def test_at_a_secure_cluster_each_flow_that_writes_by_itself_says_who_it_is() -> None:
    secrets = {"FERRYMAN_PRODUCER_PASSWORD": "pass-of-the-producer", "FERRYMAN_CA": "/etc/ferryman/ca.pem"}
    with environment({**flows.variables(ADDRESSES, 1000), **secrets}):
        worker = settings.load(CONFIGS / "worker.properties")
        for flow in flows.secured(FLOWS):
            config = {**flow.config, "name": flow.name}
            assert connector_config.check(config, worker).warnings == ()
            own = [key for key in config if key.endswith(("bootstrap.servers", "schema.registry.url"))]
            assert not own or {"event.producer.sasl.jaas.config", "event.value.converter.basic.auth.user.info"} <= {
                *config
            }


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_no_file_holds_an_address_or_a_credential(flow: flows.Flow) -> None:
    for key in (
        "connection.url",
        "connection.user",
        "connection.password",
        "store.url",
        "stripe.api.url",
        "stripe.api.key",
        "aws.secret.access.key",
    ):
        assert flow.config.get(key, "${env:").startswith("${env:")


def test_topics_tables_and_queues_are_those_that_the_ledger_reads() -> None:
    config = {flow.name: flow.config for flow in flows.flows(CONFIGS)}
    assert config[flows.PAYMENT_SOURCE]["topic"] == flows.PAYMENTS
    assert config[flows.PAYMENT_UPSERT]["topics"] == config[flows.PAYMENT_INSERT]["topics"] == flows.PAYMENTS
    assert config[flows.PAYMENT_UPSERT]["table.name.format"] == flows.PAYMENT_TABLE
    assert config[flows.PAYMENT_INSERT]["table.name.format"] == flows.PAYMENT_LOG
    assert config[flows.PAYMENT_UPSERT]["transforms.anonymous.replacement"] == comparison.MASKED
    read = ",".join(config[name]["topics"] for name in (flows.EVENT_INSERT, flows.EVENT_UPSERT)).split(",")
    assert sorted(read) == sorted(flows.EVENT_TOPICS)
    assert config[flows.RECEIPTS]["event.topic"] == flows.EMAILS_SENT
    assert config[flows.RECEIPTS]["topics"] == config[flows.PAYMENT_ARCHIVE]["topics"] == flows.PAYMENTS
    assert sorted(config[flows.EVENT_ARCHIVE]["topics"].split(",")) == sorted(flows.EVENT_TOPICS)
    for sink in flows.DEAD_LETTERING:
        assert config[sink]["errors.deadletterqueue.topic.name"] == flows.dead_letters(sink)


def test_the_archive_is_put_back_from_where_the_sinks_put_it_and_beside_the_topics() -> None:
    back = flows.restore(CONFIGS).config
    sinks = [flow.config for flow in flows.flows(CONFIGS) if flow.name in (flows.PAYMENT_ARCHIVE, flows.EVENT_ARCHIVE)]
    for key in ("store.url", "s3.bucket.name", "format.class"):
        assert {back[key]} == {sink[key] for sink in sinks}
    assert back["transforms.beside.replacement"] == f"{flows.RESTORED}$1"
    assert back["restore.until"] == "end"


def test_events_are_shared_among_the_tasks_and_never_fewer_than_asked_for() -> None:
    tasks = int(flows.flows(CONFIGS)[1].config["tasks.max"])
    assert flows.events_per_task(CONFIGS, 200_000) * tasks >= 200_000
    assert flows.events_per_task(CONFIGS, 2_001) * tasks >= 2_001


def test_a_folder_without_the_files_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match=f"{tmp_path}.*--configs"):
        flows.flows(tmp_path)


def test_a_file_that_is_no_create_request_is_named_in_the_error(tmp_path: Path) -> None:
    (tmp_path / "connectors").mkdir()
    file = tmp_path / "connectors" / f"{flows.PAYMENT_SOURCE}.json"
    file.write_text(json.dumps({"topic": "payments"}))
    with pytest.raises(DemoError, match=f"{file} is not JSON of the form"):
        flows.flows(tmp_path)


def test_the_workers_environment_has_the_variables_and_nothing_that_would_change_its_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CONNECT_BOOTSTRAP_SERVERS", "elsewhere:9092")
    with environment({"FERRYMAN_KAFKA": "here:9092"}):
        assert os.environ["FERRYMAN_KAFKA"] == "here:9092"
        assert "CONNECT_BOOTSTRAP_SERVERS" not in os.environ
    assert os.environ["CONNECT_BOOTSTRAP_SERVERS"] == "elsewhere:9092"
    assert "FERRYMAN_KAFKA" not in os.environ
