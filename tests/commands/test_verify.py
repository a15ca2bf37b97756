"""`ferryman verify` and `ferryman translate-offsets`: what they cannot work on is said. Both at work are in
tests/connectors/s3/test_source_worker.py."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ferryman.commands import main
from ferryman.connectors.s3.archive import source_config

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
    assert (config.input_format, config.input_compression, config.output_fields) == (
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
    assert source_config(parquet).input_format == "parquet"
