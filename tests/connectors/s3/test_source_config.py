"""The S3 source takes the configs of Confluent's and Aiven's sources, and refuses what it would read otherwise."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ferryman.connectors.s3.config.bucket_keys import keys_without_effect
from ferryman.connectors.s3.config.source_keys import WITHOUT_EFFECT
from ferryman.connectors.s3.config.source_names import Place, names
from ferryman.connectors.s3.source import S3SourceConnector
from ferryman.errors import ConfigError
from tests.connectors.s3.source_task import AIVEN, CONFLUENT

CREDENTIALS = {"aws.access.key.id": "test", "aws.secret.access.key": "test"}
BACKUP = {
    "name": "restore",
    "connector.class": CONFLUENT,
    "s3.bucket.name": "archive",
    "format.class": "io.confluent.connect.s3.format.avro.AvroFormat",
    **CREDENTIALS,
}
OBJECTS = {
    "name": "restore",
    "connector.class": AIVEN,
    "aws.s3.bucket.name": "archive",
    "file.name.template": "{{topic}}-{{partition}}-{{start_offset}}",
    **CREDENTIALS,
}


def parsed(raw: dict[str, str], **more: str) -> Any:
    return S3SourceConnector.config_class.parse(raw | {key.replace("_", "."): value for key, value in more.items()})


def refused(raw: dict[str, str]) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        S3SourceConnector.config_class.parse(raw)
    return {problem.key: problem.message for problem in caught.value.problems}


def place(raw: dict[str, str], name: str) -> Place | None:
    return names(S3SourceConnector.config_class.parse(raw)).place(name)


def test_a_config_of_confluents_source_is_taken_as_it_is() -> None:
    raw = BACKUP | {
        "tasks.max": "2",
        "mode": "restore_backup",
        "confluent.license": "",
        "confluent.topic.bootstrap.servers": "broker:9092",
        "confluent.topic.replication.factor": "1",
        "partitioner.class": "io.confluent.connect.storage.partitioner.TimeBasedPartitioner",
        "path.format": "'year'=YYYY/'month'=MM/'day'=dd",
        "s3.poll.interval.ms": "1000",
        "s3.proxy.username": "me",
        "s3.path.style.access": "true",
        "value.converter": "io.confluent.connect.avro.AvroConverter",
    }
    config = parsed(raw)
    assert (config.tasks_max, config.poll_interval_ms, config.proxy_user) == (2, 1000, "me")
    assert S3SourceConnector.config_class.strangers(key for key in raw if not key.startswith("value.")) == []


def test_the_config_of_a_sink_with_another_class_is_one_of_the_source() -> None:
    of_the_sink = {
        "flush.size": "1000",
        "rotate.interval.ms": "1000",
        "schema.compatibility": "FULL",
        "storage.class": "io.confluent.connect.s3.storage.S3Storage",
        "s3.part.size": "5242880",
        "store.kafka.keys": "true",
        "keys.format.class": "io.confluent.connect.s3.format.json.JsonFormat",
        "behavior.on.null.values": "write",
    }
    assert parsed(BACKUP | of_the_sink).store_kafka_keys
    warned = " ".join(keys_without_effect(BACKUP | of_the_sink, WITHOUT_EFFECT))
    assert all(key in warned for key in ("flush.size", "rotate.interval.ms", "s3.part.size"))
    assert "store.kafka.keys" not in warned


def test_a_config_of_aivens_source_is_taken_as_it_is() -> None:
    raw = OBJECTS | {
        "aws.s3.prefix": "cluster-1/",
        "aws.s3.region": "eu-central-1",
        "aws.s3.fetch.buffer.size": "1000",
        "topic": "orders",
        "input.format": "jsonl",
        "distribution.type": "object_hash",
        "max.poll.records": "50",
        "file.compression.type": "gzip",
        "value.converter.schema.registry.url": "http://registry:8081",
    }
    config = parsed(raw)
    assert (config.input_format, config.record_batch_max_size, config.region) == ("jsonl", 50, "eu-central-1")


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"format.class": "io.confluent.connect.s3.format.csv.CsvFormat"}, "format.class"),
        ({"mode": "GENERIC"}, "topic.regex.list"),
        ({"mode": "GENERIC", "topic.regex.list": "orders"}, "topic.regex.list"),
        ({"filename.regex": "(unclosed"}, "filename.regex"),
        ({"partitioner.class": "com.example.Own"}, "partitioner.class"),
        ({"store.kafka.keys": "true", "store.envelope": "true"}, "store.envelope"),
        ({"file.metadata.headers.enable": "true"}, "file.metadata.headers.enable"),
        ({"value.schema": "{}"}, "value.schema"),
        ({"format.json.schema.enable": "true"}, "format.json.schema.enable"),
        ({"restore.from": "2026-01-01T00:00:00Z"}, "restore.from"),
        ({"restore.from": "yesterday", "store.envelope": "true"}, "restore.from"),
        ({"restore.from": "2026", "store.envelope": "true"}, "restore.from"),
        ({"restore.partitions": "one"}, "restore.partitions"),
        ({"restore.partitions": "1", "mode": "GENERIC", "topic.regex.list": "orders:.*"}, "restore.partitions"),
        ({"directory.delim": ""}, "directory.delim"),
        ({"directory.delim": "_", "filename.regex": "(.+)-(.+)-.*"}, "directory.delim"),
        ({"file.delim": ""}, "file.delim"),
        ({"file.delim": "00"}, "file.delim"),
        ({"input.format": "jsonl"}, "input.format"),
    ],
)
def test_what_would_be_read_otherwise_is_refused_by_its_key(more: dict[str, str], key: str) -> None:
    assert list(refused(BACKUP | more)) == [key]


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"file.name.template": "{{topic}}-{{number}}"}, "file.name.template"),
        ({"file.name.template": "{{topic}}-{{topic}}"}, "file.name.template"),
        ({"file.name.template": ".*"}, "topic"),
        ({"restore.partitions": "1", "file.name.template": "{{topic}}-{{start_offset}}"}, "restore.partitions"),
        ({"input.format": "csv"}, "input.format"),
        ({"format.output.fields": "key,value"}, "format.output.fields"),
        ({"format.output.type": "jsonl", "file.name.template": "{{key}}"}, "file.name.template"),
        ({"file.prefix.template": "topics/{{topic}}"}, "file.prefix.template"),
        ({"store.kafka.keys": "true"}, "store.kafka.keys"),
    ],
)
def test_what_aivens_objects_cannot_have_is_refused_by_its_key(more: dict[str, str], key: str) -> None:
    assert list(refused(OBJECTS | more)) == [key]


def test_a_name_tells_topic_partition_and_offset_wherever_it_lies() -> None:
    folder = "topics/orders/year=2026/month=01/"
    assert place(BACKUP, f"{folder}orders+3+0000000042.avro") == Place(folder, "orders", 3, 42)
    assert place(BACKUP, f"{folder}or+ders+3+12345678901.avro") == Place(folder, "or+ders", 3, 12345678901)
    assert place(BACKUP, f"{folder}orders+3+0000000042~1f2e.avro") == Place(folder, "orders", 3, 42)


@given(
    topic=st.text("ab.-_1", min_size=1, max_size=8),
    path=st.sampled_from(["partition=3", "kind=a{}b=1", "year=2026{}month=01{}day=02"]),
    directory=st.sampled_from(["/", "|", "_", ".", "-", "__", "+", "=", "a"]),
    file=st.sampled_from(["+", "-", "_", ".", "~", "e", "avro", "__", "+-+", "1a", "/"]),
    offset=st.sampled_from(["42", "0000000042", "0000000042~1f2e"]),
)
@example(topic="1.1", path="partition=3", directory=".", file="+", offset="42")
def test_a_name_of_any_delimiters_tells_what_the_sink_has_put_into_it_or_nothing(
    topic: str, path: str, directory: str, file: str, offset: str
) -> None:
    folder = directory.join(["topics", topic, path.format(*[directory] * 2), ""])
    raw = {**BACKUP, "directory.delim": directory, "file.delim": file}
    found = place(raw, f"{folder}{topic}{file}3{file}{offset}.avro")
    parts = topic.split(directory)
    # A topic that ends as it begins might be the shorter one.
    is_twice = any(parts[:count] == parts[-count:] for count in range(1, len(parts)))
    exact = directory in ("/", "|", "+") or not (is_twice or any(part in path for part in parts))
    assert found == Place(folder, topic, 3, 42) or (found is None and not exact)


@pytest.mark.parametrize("topic", ["orders", "a.b_c-1", "a_1_2", "x.0.5", "UP-10"])
@pytest.mark.parametrize("directory", ["_", ".", "-"])
def test_the_topic_is_what_folder_and_file_agree_on_where_the_delimiter_may_occur_in_it(
    topic: str, directory: str
) -> None:
    folder = directory.join(["topics", topic, "partition=3", ""])
    raw = {**BACKUP, "directory.delim": directory, "store.kafka.keys": "true"}
    assert place(raw, f"{folder}{topic}+3+0000000042.avro") == Place(folder, topic, 3, 42)
    gone = directory.join(["topics", topic, "tombstone", ""])
    assert place(raw, f"{gone}{topic}+3+0000000042.keys.avro") == Place(gone, topic, 3, 42, "keys", tombstones=True)
    assert place(raw, f"copied{directory}{topic}+3+0000000042.avro") is None


def test_a_name_that_two_topics_might_have_is_passed_over() -> None:
    raw = {**BACKUP, "directory.delim": "_"}
    assert place(raw, "topics_a_b_a_kind=1_a_b_a+3+0000000042.avro") is None


def test_folders_are_folders_and_none_is_read_twice() -> None:
    chosen = {"folders": "topics/ord,topics/orders/day=1,topics/orders,topics/orders-eu/"}
    expected = ["topics/ord/", "topics/orders-eu/", "topics/orders/"]
    assert names(parsed(BACKUP | chosen)).prefixes == expected
    generic = {**chosen, "mode": "GENERIC", "topic.regex.list": "orders:.*"}
    assert names(parsed(BACKUP | generic)).prefixes == expected


@pytest.mark.parametrize("codec", ["", ".gz", ".snappy", ".zstd", ".lz4", ".lz4raw", ".br"])
def test_parquet_is_known_by_the_name_of_any_codec_of_confluents_sink(codec: str) -> None:
    name = f"topics/orders/partition=3/orders+3+0000000042{codec}.parquet"
    found = place({**BACKUP, "format.class": "ParquetFormat"}, name)
    assert found == Place("topics/orders/partition=3/", "orders", 3, 42)


@pytest.mark.parametrize(
    "name",
    ["orders+3+0000000042.json", "orders.avro", "orders+x+1.avro", "+1+1.avro", "o+1+1.keys.avro", "o+1+1.avro.x"],
)
def test_objects_of_other_formats_and_names_are_none_of_the_archive(name: str) -> None:
    assert place(BACKUP, f"topics/orders/partition=3/{name}") is None


def test_objects_of_keys_belong_to_those_of_values_only_where_they_are_wanted() -> None:
    raw = BACKUP | {"store.kafka.keys": "true", "format.class": "ParquetFormat"}
    values = place(raw, "topics/o/partition=0/o+0+0000000000.snappy.parquet")
    keys = place(raw, "topics/o/partition=0/o+0+0000000000.keys.avro")
    tombstones = place(raw, "topics/o/tombstone/o+0+0000000000.keys.avro")
    assert values is not None
    assert keys is not None
    assert tombstones is not None
    assert (values.side, keys.side, keys.tombstones, tombstones.tombstones) == ("", "keys", False, True)


def test_a_template_of_aivens_is_read_backwards() -> None:
    assert place(OBJECTS, "shop/customer-orders-1-0000000007.gz") == Place("shop/", "customer-orders", 1, 7)
    any_name = OBJECTS | {"file.name.template": ".*", "topic": "orders"}
    assert place(any_name, "a/b/c") == Place("a/b/", "orders")
    timed = OBJECTS | {"file.name.template": "{{timestamp:unit=yyyy}}/{{ topic }}/{{partition:padding=true}}"}
    assert place(timed, "2026/orders/0000000001") == Place("2026/orders/", "orders", 1)


def test_a_template_is_taken_as_the_sink_wrote_it_and_else_as_a_regular_expression() -> None:
    raw = OBJECTS | {"file.name.template": "{{topic}}+{{partition}}.{{start_offset}}(x)"}
    assert place(raw, "orders+1.7(x)") == Place("", "orders", 1, 7)
    raw = OBJECTS | {"file.name.template": "{{topic}}@+{{partition}}.{{start_offset}}(x|y)"}
    assert place(raw, "in/orders@@1.7y") == Place("in/", "orders", 1, 7)
    assert place(raw, "orders-1.7x") is None


def test_the_config_of_aivens_sink_with_another_class_has_the_sinks_defaults() -> None:
    bare = {name: value for name, value in OBJECTS.items() if name != "file.name.template"}
    config = parsed(bare | {"format.output.type": "CSV"})
    assert (config.object_format, config.packing, config.fields) == ("csv", "gzip", ["value"])
    assert names(config).place("orders-1-7") == Place("", "orders", 1, 7)
    own = parsed(bare | {"format.output.type": "avro", "file.compression.type": "none", "format.output.fields": "key"})
    assert (own.object_format, own.packing, own.fields) == ("avro", "none", ["key"])
    assert "file.name.template" in refused(bare)


def test_patterns_say_where_generic_objects_go() -> None:
    raw = BACKUP | {"mode": "GENERIC", "topic.regex.list": "orders:shop/.*,users:.*users.*"}
    found = place(raw, "shop/any name.avro")
    assert found is not None
    assert (found.topic, found.partition) == ("orders", None)
    assert place(raw, "elsewhere/any name.avro") is None
