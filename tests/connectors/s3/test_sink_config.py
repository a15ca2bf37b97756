"""The S3 sink's configs: both families of keys, and what is refused or warned about by name."""

import logging
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qs

import pytest

from ferryman.connectors.s3 import sink
from ferryman.connectors.s3.bucket import client
from ferryman.connectors.s3.bucket.client import bucket
from ferryman.connectors.s3.config.object_names import ConfluentNames
from ferryman.connectors.s3.layout.layout import layout
from ferryman.connectors.s3.sink import S3SinkConnector
from ferryman.plugins.catalog import connector
from tests.connectors.s3.s3_task import AIVEN, CONFLUENT

BASIC = {
    "name": "archive",
    "topics": "orders",
    "connector.class": CONFLUENT,
    "s3.bucket.name": "bucket",
    "s3.region": "eu-central-1",
    "storage.class": "io.confluent.connect.s3.storage.S3Storage",
    "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
    "flush.size": "1000",
}
AIVENS = {
    "name": "archive",
    "topics": "orders",
    "connector.class": AIVEN,
    "aws.s3.bucket.name": "bucket",
}
TIMED = {
    "partitioner.class": "io.confluent.connect.storage.partitioner.TimeBasedPartitioner",
    "path.format": "'year'=YYYY/'month'=MM/'day'=dd",
    "partition.duration.ms": "86400000",
    "locale": "US",
    "timezone": "Europe/Zurich",
}


def problems(more: dict[str, str], basic: dict[str, str] = BASIC) -> list[str]:
    return [problem.message for problem in S3SinkConnector.config_class.read({**basic, **more})[1]]


def parsed(more: dict[str, str], basic: dict[str, str] = BASIC) -> Any:
    return S3SinkConnector.config_class.parse({**basic, **more})


@pytest.mark.parametrize("name", [CONFLUENT, AIVEN, "S3SinkConnector", "S3Sink", "AivenKafkaConnectS3Sink"])
def test_the_sink_has_the_names_of_both(name: str) -> None:
    assert connector(name) is S3SinkConnector


@pytest.mark.parametrize(
    "more",
    [
        {},
        TIMED,
        {**TIMED, "locale": "de_DE"},
        {**TIMED, "path.format": "yyyy/MMM", "locale": "en-us"},
        {**TIMED, "timestamp.extractor": "RecordField", "timestamp.field": "a.b"},
        {"confluent.license": "", "confluent.topic.bootstrap.servers": "kafka:9092"},
        {"schema.compatibility": "backward"},
        {"s3.credentials.provider.class": "com.amazonaws.auth.DefaultAWSCredentialsProviderChain"},
        {
            "s3.credentials.provider.class": "io.confluent.connect.s3.auth.AwsAssumeRoleCredentialsProvider",
            "s3.credentials.provider.sts.role.arn": "arn:aws:iam::1:role/archive",
            "s3.credentials.provider.sts.role.session.name": "archive",
            "s3.credentials.provider.sts.role.external.id": "x",
        },
        {"store.kafka.keys": "false", "s3.object.tagging": "FALSE"},
    ],
)
def test_configs_that_are_taken(more: dict[str, str]) -> None:
    assert problems(more) == []


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"format.class": "com.acme.XmlFormat"}, "format.class: it must be one of AvroFormat"),
        ({"flush.size": "0"}, "flush.size: Value must be at least 1"),
        ({"s3.part.size": "1000"}, "s3.part.size: Value must be at least 5242880"),
        ({"partitioner.class": "com.acme.MyPartitioner"}, "partitioner.class: it must be one of DefaultPartitioner"),
        ({"partitioner.class": "FieldPartitioner"}, "partition.field.name: it must name fields"),
        (
            {"partitioner.class": "FieldPartitioner", "partition.field.name": "a,,b"},
            "partition.field.name: it must name fields",
        ),
        ({**TIMED, "timezone": ""}, "timezone: TimeBasedPartitioner needs one"),
        ({**TIMED, "timezone": "Europe/Bern"}, "The datetime zone id 'Europe/Bern' is not recognised"),
        ({**TIMED, "path.format": "/"}, "path.format: Path format cannot be empty."),
        ({**TIMED, "path.format": " "}, "path.format: Path format cannot be empty."),
        ({**TIMED, "path.format": "_", "directory.delim": "_"}, "path.format: Path format cannot be empty."),
        ({**TIMED, "path.format": "yyyy/q"}, "path.format: Illegal pattern component: q"),
        ({**TIMED, "path.format": "yyyy/MMM", "locale": "de"}, "locale: names of months and days"),
        ({**TIMED, "partition.duration.ms": "-1"}, "partition.duration.ms: TimeBasedPartitioner needs"),
        ({**TIMED, "timestamp.extractor": "com.acme.Mine"}, "timestamp.extractor: it must be Wallclock"),
        ({"rotate.schedule.interval.ms": "1000"}, "timezone: it must be set with rotate.schedule.interval.ms"),
        ({"s3.compression.type": "snappy"}, "String must be one of: none, gzip"),
        (
            {"s3.compression.type": "gzip", "format.class": "AvroFormat"},
            "s3.compression.type: it applies to JsonFormat",
        ),
        ({"parquet.codec": "lzo"}, "parquet.codec: String must be one of"),
        ({"avro.codec": "xz"}, "avro.codec: String must be one of"),
        ({"behavior.on.null.values": "write"}, "behavior.on.null.values: it needs store.kafka.keys=true or"),
        ({"store.kafka.keys": "true", "keys.format.class": "XmlFormat"}, "keys.format.class: it must be one of"),
        (
            {"store.kafka.headers": "true", "headers.format.class": "ByteArrayFormat"},
            "headers.format.class: it must be one of AvroFormat, JsonFormat, ParquetFormat",
        ),
        ({"store.envelope": "true", "store.kafka.keys": "true"}, "store.envelope: the envelope has the keys already"),
        ({"store.envelope": "true", "format.class": "ByteArrayFormat"}, "store.envelope: ByteArrayFormat writes"),
        ({"s3.object.tagging.key.value.pairs": "team:x,owner"}, "s3.object.tagging.key.value.pairs: each must be"),
        ({"s3.object.tagging.key.value.pairs": ",".join(["a:b"] * 8)}, "at most 7 fit"),
        ({"s3.schema.partition.affix.type": "INFIX"}, "s3.schema.partition.affix.type: String must be one of"),
        ({"storage.class": "io.confluent.connect.hdfs.HdfsStorage"}, "storage.class: this sink writes to S3"),
        ({"store.url": "minio:9000"}, "store.url: it must be http(s)://host:port"),
        ({"store.url": "http://u:p@minio/path"}, "Invalid value [hidden] for configuration store.url: it must be"),
        ({"s3.bucket.name": "a/b"}, "s3.bucket.name: it is not the name of a bucket"),
        ({"s3.wan.mode": "true"}, "s3.wan.mode: it needs"),
        ({"s3.ssea.name": "rot13"}, "s3.ssea.name: String must be one of"),
        ({"s3.sse.kms.key.id": "k"}, "it needs s3.ssea.name=aws:kms"),
        ({"aws.access.key.id": "k"}, "belong together"),
        ({"s3.credentials.provider.class": "com.acme.Vault"}, "s3.credentials.provider.class: set aws.access.key.id"),
        ({"s3.credentials.provider.vault.path": "x"}, "s3.credentials.provider.vault.path is not supported"),
        ({"file.name.template": "{{topic}}"}, "file.name.template is not supported: it is not a key of Confluent's"),
    ],
)
def test_what_is_refused_is_named(more: dict[str, str], text: str) -> None:
    assert text in "\n".join(problems(more))


@pytest.mark.parametrize("key", ["format.class", "flush.size", "s3.bucket.name"])
def test_a_config_without_a_required_key_is_refused_by_that_key(key: str) -> None:
    basic = {name: value for name, value in BASIC.items() if name != key}
    assert problems({}, basic) == [f'Missing required configuration "{key}" which has no default value.']


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"file.name.template": "{{key}}"}, "this sink never changes a visible object"),
        ({"file.name.template": "{{topic}}-{{partition}}"}, "it must contain"),
        ({"file.name.template": "{{topic}}{{partition}}{{start_offset}}{{now}}"}, "unknown variable now"),
        ({"file.name.template": "{{topic}}{{partition}}{{start_offset}}{{timestamp}}"}, "needs unit=yyyy"),
        ({"format.output.fields": "key,size"}, "format.output.fields: it may list"),
        ({"format.output.fields": "key,value", "format.output.envelope": "false"}, "several fields need an envelope"),
        ({"file.compression.type": "lz4"}, "String must be one of: none, gzip, snappy, zstd"),
        ({"format.class": "JsonFormat"}, "format.class is not supported: it is not a key of Aiven's"),
        ({"rotate.interval.ms": "1"}, "rotate.interval.ms is not supported: it is not a key of Aiven's"),
    ],
)
def test_what_aivens_configs_are_refused_for(more: dict[str, str], text: str) -> None:
    assert text in "\n".join(problems(more, AIVENS))


def test_both_families_say_the_same_in_their_own_words() -> None:
    ours = parsed({"aws.s3.region": "eu-west-1", "aws.s3.part.size.bytes": "6000000", "flush.size": "7"}, AIVENS)
    assert (ours.bucket, ours.region, ours.part_size, ours.flush_size) == ("bucket", "eu-west-1", 6_000_000, 7)
    assert layout(parsed({}, AIVENS)).part_size == 5_242_880
    assert layout(parsed({})).part_size == 26_214_400
    assert isinstance(layout(parsed({})).names, ConfluentNames)


def test_keys_without_effect_are_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    from tests.connectors.s3.s3_task import World

    class Offline(World):
        def __post_init__(self) -> None:
            """There is no server."""

    without = {"s3.retry.backoff.ms": "5", "keys.format.class": "JsonFormat", "tombstone.encoded.partition": "t"}
    world = Offline("http://127.0.0.1:1", "bucket", {**without, "rotate.interval.ms": "5"})
    with caplog.at_level(logging.WARNING):
        sink = S3SinkConnector(world.config(), world.context())
        sink.start()
        sink.stop()
    assert "s3.retry.backoff.ms has no effect: system errors are retried without end" in caplog.text
    assert "keys.format.class has no effect: it belongs to store.kafka.keys=true" in caplog.text
    assert "tombstone.encoded.partition has no effect: it belongs to behavior.on.null.values=write" in caplog.text
    assert "rotate.interval.ms has no effect: DefaultPartitioner does not use times" in caplog.text


def test_a_task_reads_no_description_of_s3_that_all_tasks_share(monkeypatch: pytest.MonkeyPatch) -> None:
    client._loader.cache_clear()
    sink.before_forks()
    monkeypatch.setattr(client._loader().file_loader, "load_file", lambda file: pytest.fail(f"it reads {file}"))
    assert bucket(parsed({"aws.access.key.id": "key", "aws.secret.access.key": "secret"})).direct is not None
    client._loader.cache_clear()


def test_the_client_is_told_what_the_config_says() -> None:
    made = bucket(
        parsed(
            {
                "store.url": "http://localhost:9000",
                "s3.path.style.access.enabled": "true",
                "aws.access.key.id": "key",
                "aws.secret.access.key": "very secret",
                "s3.ssea.name": "aws:kms",
                "s3.sse.kms.key.id": "k1",
                "s3.acl.canned": "bucket-owner-full-control",
                "s3.part.retries": "7",
                "s3.proxy.url": "proxy:8080",
                "s3.proxy.user": "me",
                "s3.proxy.password": "p@ss",
                "enable.conditional.writes": "false",
            }
        )
    )
    assert made.creating == {
        "ACL": "bucket-owner-full-control",
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "k1",
    }
    assert made.conditional is False
    assert made.client.meta.endpoint_url == "http://localhost:9000"
    assert made.client.meta.config.retries["total_max_attempts"] == 8
    assert made.client.meta.config.proxies == {
        "http": "http://me:p%40ss@proxy:8080",
        "https": "http://me:p%40ss@proxy:8080",
    }
    assert made.client._request_signer._credentials.access_key == "key"
    assert "secret" not in repr(made)


ROLE = {"aws.sts.role.arn": "arn:aws:iam::1:role/archive"}


@pytest.mark.parametrize(
    ("more", "basic"),
    [
        ({"store.url": "http://minio:9000"}, BASIC),
        ({"s3.endpoint": "http://minio:9000"}, BASIC),
        ({"store.url": "https://s3.amazonaws.com.evil.example"}, BASIC),
        ({"store.url": "https://notamazonaws.com"}, BASIC),
        ({"store.url": "http://s3.eu-central-1.amazonaws.com"}, BASIC),
        ({"aws.s3.endpoint": "http://minio:9000"}, AIVENS),
        ({**ROLE, "aws.sts.config.endpoint": "http://sts.example"}, AIVENS),
    ],
)
def test_what_the_worker_has_for_amazon_goes_to_nobody_else(more: dict[str, str], basic: dict[str, str]) -> None:
    (problem,) = problems(more, basic)
    assert problem.startswith("aws.access.key.id and aws.secret.access.key must be set, since ")


@pytest.mark.parametrize(
    ("more", "basic"),
    [
        ({}, BASIC),
        ({"store.url": "https://s3.eu-central-1.amazonaws.com"}, BASIC),
        ({"store.url": "https://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com"}, BASIC),
        ({"store.url": "https://s3.cn-north-1.amazonaws.com.cn"}, BASIC),
        ({"store.url": "http://minio:9000", "aws.access.key.id": "a", "aws.secret.access.key": "b"}, BASIC),
        ({"store.url": "http://minio:9000", "s3.credentials.provider.class": "DefaultCredentialsProvider"}, BASIC),
        ({**ROLE, "aws.s3.endpoint": "http://minio:9000"}, AIVENS),
        ({**ROLE, "aws.sts.config.endpoint": "https://sts.eu-central-1.amazonaws.com"}, AIVENS),
    ],
)
def test_amazon_gets_it_and_whomever_a_provider_is_named_for(more: dict[str, str], basic: dict[str, str]) -> None:
    assert problems(more, basic) == []


def test_the_names_that_other_sinks_have_for_server_and_path_style_are_understood() -> None:
    config = parsed({"s3.endpoint": "https://s3.us-east-1.amazonaws.com", "s3.path.style.access": "false"})
    assert (config.store_url, config.path_style) == ("https://s3.us-east-1.amazonaws.com", False)


class Sts(BaseHTTPRequestHandler):
    """Answers AssumeRole."""

    asked: ClassVar[list[dict[str, list[str]]]] = []

    def do_POST(self) -> None:
        """One request."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.asked.append(parse_qs(body))
        answer = (
            b"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ROLE</AccessKeyId>"
            b"<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
            b"<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        )
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def test_a_role_is_assumed_with_the_configs_credentials() -> None:
    with HTTPServer(("127.0.0.1", 0), Sts) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        made = bucket(
            parsed(
                {
                    "aws.access.key.id": "mine",
                    "aws.secret.access.key": "secret",
                    "aws.sts.role.arn": "arn:aws:iam::1:role/archive",
                    "aws.sts.role.external.id": "outside",
                    "aws.sts.config.endpoint": f"http://127.0.0.1:{server.server_port}",
                },
                AIVENS,
            )
        )
        assert made.client._request_signer._credentials.get_frozen_credentials().access_key == "ROLE"
        server.shutdown()
    (asked,) = Sts.asked
    assert asked["RoleArn"] == ["arn:aws:iam::1:role/archive"]
    assert asked["ExternalId"] == ["outside"]


def test_a_customers_key_goes_with_every_request_for_bytes() -> None:
    made = bucket(parsed({"s3.ssea.name": "AES256", "s3.sse.customer.key": "0123456789abcdef0123456789abcdef"}))
    assert made.creating == {}
    assert made.encryption["SSECustomerAlgorithm"] == "AES256"


def test_the_region_has_the_familys_default() -> None:
    assert bucket(parsed({"s3.region": "eu-west-3"})).client.meta.region_name == "eu-west-3"
    assert bucket(parsed({}, AIVENS)).client.meta.region_name == "us-east-1"


def test_secrets_are_known_as_such() -> None:
    assert {
        "aws.access.key.id",
        "aws.secret.access.key",
        "aws_secret_access_key",
        "s3.sse.customer.key",
        "s3.proxy.password",
    } <= (S3SinkConnector.config_class.secrets())
