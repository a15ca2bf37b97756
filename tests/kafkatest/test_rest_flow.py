"""What kafkatest's connect_rest_test asks of a worker, from an empty list of connectors to an empty list again."""

from pathlib import Path

import pytest

from tests.kafkatest.connect import Config, Connect
from tests.running import until

SOURCE = "org.apache.kafka.connect.file.FileStreamSourceConnector"
SINK = "org.apache.kafka.connect.file.FileStreamSinkConnector"
COMMON = {
    *("name", "connector.class", "tasks.max", "tasks.max.enforce", "key.converter", "value.converter"),
    *("header.converter", "transforms", "predicates", "config.action.reload", "errors.retry.timeout"),
    *("errors.retry.delay.max.ms", "errors.tolerance", "errors.log.enable", "errors.log.include.messages", "file"),
    *("connector.plugin.version", "key.converter.plugin.version", "value.converter.plugin.version"),
    "header.converter.plugin.version",
}
OF_SOURCES = {
    *("topic", "batch.size", "topic.creation.groups", "exactly.once.support", "transaction.boundary"),
    *("transaction.boundary.interval.ms", "offsets.storage.topic"),
}
OF_SINKS = {
    *("topics", "topics.regex", "errors.deadletterqueue.topic.name"),
    *("errors.deadletterqueue.topic.replication.factor", "errors.deadletterqueue.context.headers.enable"),
}


@pytest.fixture
def source(tmp_path: Path, unique: str) -> Config:
    """Reads lines of a file into a topic that an external file names."""
    external = tmp_path / "external.properties"
    external.write_text(f"topic.external={unique}\n")
    return {
        "name": f"{unique}-source",
        "connector.class": SOURCE,
        "tasks.max": "1",
        "file": str(tmp_path / "input"),
        "topic": f"${{file:{external}:topic.external}}",
        "errors.log.enable": "true",
        "errors.log.include.messages": "true",
        "errors.tolerance": "none",
    }


@pytest.fixture
def sink(source: Config, tmp_path: Path, unique: str) -> Config:
    """Writes them into another."""
    return {
        "name": f"{unique}-sink",
        "connector.class": SINK,
        "tasks.max": "1",
        "file": str(tmp_path / "output"),
        "topics": source["topic"],
        "key.converter.schemas.enable": "True",
        "value.converter.schemas.enable": "True",
        "errors.log.enable": "true",
        "errors.log.include.messages": "true",
        "errors.tolerance": "none",
    }


def test_a_worker_lists_the_connectors_that_it_has(connect: Connect) -> None:
    assert {SOURCE, SINK} <= {each["class"] for each in connect.call("GET", "/connector-plugins")}


def test_a_validation_shows_every_key_of_a_connector_and_no_other(
    connect: Connect, source: Config, sink: Config
) -> None:
    for config, keys in ((source, COMMON | OF_SOURCES), (sink, COMMON | OF_SINKS)):
        kind = config["connector.class"]
        answer = connect.call("PUT", f"/connector-plugins/{kind}/config/validate", config)
        assert (answer["name"], answer["error_count"]) == (kind, 0)
        assert {each["definition"]["name"] for each in answer["configs"]} == keys


def test_lines_go_from_one_file_to_another_until_both_connectors_are_deleted(
    connect: Connect, source: Config, sink: Config, tmp_path: Path
) -> None:
    names = {source["name"], sink["name"]}
    for config in (source, sink):
        connect.call("POST", "/connectors", {"name": config["name"], "config": config}, 201)
    until(lambda: names <= set(connect.connectors()), what="the new connectors in the list")
    (tmp_path / "input").write_text("foo\nbar\nbaz\n")
    until(lambda: written(tmp_path) == {"foo", "bar", "baz"}, what="the lines")

    connect.refused(409, "POST", "/connectors", {"name": source["name"], "config": source})

    for config, kind in ((source, "source"), (sink, "sink")):
        name = config["name"]
        tasks = [{"connector": name, "task": 0}]
        assert connect.info(name) == {"name": name, "config": config, "tasks": tasks, "type": kind}
        assert connect.call("GET", f"/connectors/{name}/config") == config
        task = config["connector.class"].replace("Connector", "Task")
        assert connect.tasks(name) == [{"id": tasks[0], "config": {**config, "task.class": task}}]

    (tmp_path / "input2").write_text("foo\nbar\nbaz\nrazz\nma\ntazz\n")
    connect.configure(source["name"], {**source, "file": str(tmp_path / "input2")})
    until(lambda: written(tmp_path) == {"foo", "bar", "baz", "razz", "ma", "tazz"}, what="the other file's lines")

    for name in names:
        connect.delete(name)
    until(lambda: not names & set(connect.connectors()), what="the end of both in the list")


def written(folder: Path) -> set[str]:
    """The lines that the sink has written."""
    output = folder / "output"
    return set(output.read_text().split()) if output.exists() else set()
