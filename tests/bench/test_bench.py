"""The benchmarks' property files: both sides read them, so they must be right before a run that takes minutes."""

from pathlib import Path

import pytest

from bench.ours import ours
from bench.records import envelope_messages, key_of, shop_messages
from bench.side import CONFIGS, WORKER, write_text
from bench.transforms import ours as transforms
from bench.transforms.cases import CASES, converters
from ferryman.connectors.email.sink import EmailSinkConnector
from ferryman.connectors.file.sink import FileStreamSinkConnector
from ferryman.connectors.file.source import FileStreamSourceConnector
from ferryman.connectors.s3.sink import S3SinkConnector
from ferryman.connectors.sql.sink import SqlSinkConnector
from ferryman.plugins import catalog
from ferryman.settings import settings
from ferryman.stack.runtime.artifacts import read_lock
from ferryman.worker import connector_file

VARIABLES = {
    "BENCH_AVRO_CONVERTER": "io.confluent.connect.avro.AvroConverter",
    "BENCH_APICURIO": "http://127.0.0.1:8081/apis/registry/v2",
    "BENCH_BROKER": "127.0.0.1:9092",
    "BENCH_BUCKET": "bench",
    "BENCH_DATABASE": "jdbc:postgresql://127.0.0.1:5432/bench",
    "BENCH_FILE": "out.txt",
    "BENCH_FLUSH": "50000",
    "BENCH_FOLDER": "folder",
    "BENCH_IN_FLIGHT": "64",
    "BENCH_LISTENER": "http://127.0.0.1:18083",
    "BENCH_MAIL_HOST": "127.0.0.1",
    "BENCH_MAIL_PORT": "1025",
    "BENCH_OFFSETS": "offsets",
    "BENCH_PASSWORD": "an-obol",
    "BENCH_REGISTRY": "http://127.0.0.1:8081/apis/ccompat/v7",
    "BENCH_STORE": "http://127.0.0.1:9000",
    "BENCH_TOPIC": "payments",
    "BENCH_USER": "charon",
}
PLUGINS = (
    EmailSinkConnector,
    FileStreamSinkConnector,
    FileStreamSourceConnector,
    S3SinkConnector,
    SqlSinkConnector,
)
CONNECTORS = sorted(path for path in CONFIGS.glob("*.properties") if path != WORKER)


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> settings.Settings:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    return settings.load(WORKER, {})


def test_the_worker_file_names_the_broker_by_a_variable(worker: settings.Settings) -> None:
    assert worker.config.bootstrap_servers == ["127.0.0.1:9092"]


@pytest.mark.parametrize("file", CONNECTORS, ids=lambda file: file.stem)
def test_a_connector_file_of_the_benchmarks_is_a_valid_config(file: Path, worker: settings.Settings) -> None:
    given = connector_file.read(file)
    resolved = worker.providers.resolve(given.config)
    plugin = catalog.connector(resolved.values["connector.class"])

    assert given.name == file.stem
    assert resolved.warnings == ()
    assert plugin in PLUGINS
    assert plugin is not None
    parsed = plugin.config_class.parse(resolved.values)
    assert getattr(parsed, "topics", []) == (["payments"] if catalog.is_sink(plugin) else [])


def test_each_run_has_a_connector_name_of_its_own(tmp_path: Path) -> None:
    text = (CONFIGS / "file-sink.properties").read_text()
    files = write_text(ours(), text, "file-sink-7", tmp_path)

    assert connector_file.read(files.connector).name == "file-sink-7"


def test_the_peers_lock_file_pins_every_plugin() -> None:
    assert {"connect", "file", "jdbc", "jdbc_newest", "avro"} == read_lock(CONFIGS.with_name("peer.toml")).keys()


def test_records_change_earlier_ones_of_the_same_partition_only() -> None:
    changed = [index for index in range(1000) if key_of(index) != index]

    assert len(changed) == 75
    assert all(key_of(index) < index and (index - key_of(index)) % 64 == 0 for index in changed)
    assert len(list(shop_messages(3))) == len(list(envelope_messages(3))) == 3


def test_each_transform_leaves_the_same_bytes_in_rows_and_in_columns() -> None:
    values, own = list(envelope_messages(300)), converters("json", "", apicurio=False)
    for name, case in CASES.items():
        rows, columns = [transforms.measure(side, case, own, values, 0, (0, 300, 1)) for side in ("rows", "columns")]

        assert rows.left == columns.left, name
        assert rows.left.startswith("300 "), name
