"""A config with several mistakes is refused with all of them at once, each naming its key; nothing is started."""

import json
from pathlib import Path

from tests.cli_calls import Called, Place
from tests.reliability.flows import JSON, sql_sink
from tests.running import WEB, Worker, settings

WRONG = {
    "tasks.max": "0",
    "errors.tolerance": "some",
    "insert.mode": "upset",
    "value.converter": "no.such.Converter",
    "transforms": "mask",
    "transforms.mask.type": "org.apache.kafka.connect.transforms.MaskField$Value",
    "consumer.override.ssl.engine.factory.class": "evil.Factory",
}
GUILTY = [
    "tasks.max",
    "errors.tolerance",
    "insert.mode",
    "value.converter",
    "transforms.mask.fields",
    "consumer.override.ssl.engine.factory.class",
]
NOWHERE = "postgresql://127.0.0.1:1/nothing"


def test_a_create_request_with_six_mistakes_is_answered_with_all_six(kafka: str, running: Worker, unique: str) -> None:
    config = sql_sink(unique, NOWHERE) | WRONG
    answer = WEB.post(running.url + "/connectors", json={"name": unique, "config": config})
    assert answer.status_code == 400
    body = answer.json()
    assert body["error_code"] == 400
    # A transform without its fields has two, as in Kafka Connect: they are missing, and null is no list of names.
    assert f"contains the following {len(GUILTY) + 1} error(s)" in body["message"]
    assert [key for key in GUILTY if key not in body["message"]] == []
    assert running.call("GET", "/connectors", expect=200) == []
    assert running.pids(unique) == []


def test_a_bad_change_leaves_the_running_connector_as_it_was(
    kafka: str, postgres: str, running: Worker, unique: str
) -> None:
    config = sql_sink(unique, postgres)
    running.create(config)
    running.running(unique)
    answer = WEB.put(f"{running.url}/connectors/{unique}/config", json=config | WRONG)
    assert answer.status_code == 400
    assert [key for key in GUILTY if key not in answer.json()["message"]] == []
    assert running.call("GET", f"/connectors/{unique}/config") == config
    running.running(unique)
    assert len(running.pids(unique)) == 1


def test_a_bad_connector_file_ends_the_worker_with_three_and_all_mistakes(
    tmp_path: Path, kafka: str, unique: str
) -> None:
    worker_file, connector_file = tmp_path / "worker.properties", tmp_path / "sink.json"
    given = settings(kafka, unique) | {"listeners": "http://127.0.0.1:0"}
    worker_file.write_text("".join(f"{key}={value}\n" for key, value in given.items()))
    connector_file.write_text(json.dumps(sql_sink(unique, NOWHERE) | WRONG))
    ended = _standalone(worker_file, connector_file)
    assert ended.code == 3
    assert [key for key in GUILTY if key not in ended.errors] == []
    assert "runs as process" not in ended.errors


def test_a_bad_worker_file_ends_the_worker_with_two_and_all_mistakes(tmp_path: Path, kafka: str) -> None:
    file = tmp_path / "worker.properties"
    wrong = {
        "bootstrap.servers": kafka,
        "key.converter": JSON,
        "value.converter": JSON,
        "offset.flush.interval.ms": "soon",
        "task.shutdown.graceful.timeout.ms": "never",
        "connector.client.config.override.policy": "Perhaps",
        "listeners": "gopher://127.0.0.1:0",
    }
    file.write_text("".join(f"{key}={value}\n" for key, value in wrong.items()))
    ended = _standalone(file)
    assert ended.code == 2
    assert [key for key in list(wrong)[3:] if key not in ended.errors] == []
    assert "answers on" not in ended.errors


def test_a_worker_with_an_unknown_converter_ends_with_two_and_names_it(tmp_path: Path, kafka: str, unique: str) -> None:
    file = tmp_path / "worker.properties"
    given = settings(kafka, unique) | {"listeners": "http://127.0.0.1:0", "value.converter": "no.such.Converter"}
    file.write_text("".join(f"{key}={value}\n" for key, value in given.items()))
    ended = _standalone(file)
    assert ended.code == 2
    assert "no.such.Converter for configuration value.converter" in ended.errors


def test_a_file_that_is_no_config_is_named(tmp_path: Path, kafka: str, unique: str) -> None:
    worker_file, connector_file = tmp_path / "worker.properties", tmp_path / "sink.json"
    worker_file.write_text("".join(f"{key}={value}\n" for key, value in settings(kafka, unique).items()))
    connector_file.write_text('{"name": ')
    ended = _standalone(worker_file, connector_file)
    assert ended.code == 2
    assert str(connector_file) in ended.errors


def _standalone(*files: Path) -> Called:
    return Place().call("standalone", *map(str, files))
