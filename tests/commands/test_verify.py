"""`ferryman verify` and `ferryman translate-offsets`: what they cannot work on is said. Both at work are in
tests/connectors/s3/test_source_worker.py."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ferryman.commands import main, verify
from ferryman.connectors.s3.archive import source_config
from ferryman.errors import ConfigError, TaskError

SINK = {
    "connector.class": "io.confluent.connect.s3.S3SinkConnector",
    "topics": "orders",
    "s3.bucket.name": "archive",
    "s3.region": "eu-central-1",
    "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
    "flush.size": "10",
    "store.kafka.keys": "true",
}


def ferryman(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def written(tmp_path: Path, config: dict[str, Any]) -> str:
    file = tmp_path / "archive.json"
    file.write_text(json.dumps({"name": "archive", "config": config}))
    return str(file)


def test_brokers_must_be_named() -> None:
    said = ferryman("verify", "s3://archive/topics", "--against", "orders")
    assert (said.exit_code, "--bootstrap" in said.stderr) == (2, True)
    said = ferryman("translate-offsets", "restored", "--group", "g")
    assert (said.exit_code, "--bootstrap" in said.stderr) == (2, True)


@pytest.mark.parametrize("archive", ["http://archive", "missing.json"])
def test_an_archive_that_is_none_is_refused(archive: str) -> None:
    said = ferryman("verify", archive, "--against", "orders", "--bootstrap", "127.0.0.1:1")
    assert (said.exit_code, archive in said.stderr) == (2, True)


def test_a_key_that_cannot_be_is_named(tmp_path: Path) -> None:
    file = written(tmp_path, SINK | {"restore.partitions": "all"})
    said = ferryman("verify", file, "--against", "orders", "--bootstrap", "127.0.0.1:1")
    assert (said.exit_code, "restore.partitions" in said.stderr) == (2, True)


def test_another_topic_of_the_archive_is_taken_only_where_restore_topics_names_it() -> None:
    plain, named = source_config(SINK), source_config(SINK | {"restore.topics": "orders"})
    assert verify._archived_as(plain, "orders", ["orders", "payments"]) == "orders"
    assert verify._archived_as(named, "orders-again", ["orders", "payments"]) == "orders"
    for config, topic in ((plain, "paymentz"), (source_config(SINK | {"restore.topics": "a"}), "orders")):
        with pytest.raises(ConfigError, match=f"{topic} is not in the archive, whose topics are orders:"):
            verify._archived_as(config, topic, ["orders"])


def test_the_config_of_a_sink_says_what_its_archive_is() -> None:
    config = source_config(SINK)
    assert (config.bucket, config.format_name, config.store_kafka_keys) == ("archive", "JsonFormat", True)


def test_the_config_of_aivens_sink_says_so_too() -> None:
    aiven = {
        "connector.class": "io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector",
        "topics": "orders",
        "aws.s3.bucket.name": "archive",
        "format.output.fields": "key,value,offset",
    }
    config = source_config(aiven)
    assert (config.object_format, config.packing, config.fields) == (
        "csv",
        "gzip",
        ["key", "value", "offset"],
    )
    parquet = {
        **aiven,
        "format.output.type": "parquet",
        "format.output.fields": "value",
        "format.output.envelope": "false",
    }
    assert source_config(parquet).object_format == "parquet"


def test_on_a_terminal_what_is_shown_meanwhile_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr("sys.stderr", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("click.echo", lambda text, **_: shown.append(text))

    def report(*_: object) -> None:
        verify._progress(5)
        raise TaskError("away")

    monkeypatch.setattr(verify, "_config", lambda *_: None)
    monkeypatch.setattr(verify, "_report", report)
    with pytest.raises(SystemExit):
        verify.command.callback("s3://archive/topics", "t", "127.0.0.1:1", None, (), False)  # type: ignore[misc]
    assert shown == ["\r\x1b[K5 records of a partition are read", "\r\x1b[K", "away"]
