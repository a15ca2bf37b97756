"""A task's process imports the plugins that its config names, each at the place where its worker has found it."""

from collections.abc import Iterator

import pytest

from ferryman.plugins import catalog, named
from ferryman.plugins.entry import Entry

SINK = "org.apache.kafka.connect.file.FileStreamSinkConnector"
CONFIG = {
    "connector.class": SINK,
    "value.converter": "StringConverter",
    "transforms": "mask,drop",
    "transforms.mask.type": "org.apache.kafka.connect.transforms.MaskField$Value",
    "transforms.mask.predicate": "dead",
    "transforms.drop.type": "Nobodys",
    "predicates": "dead",
    "predicates.dead.type": "RecordIsTombstone",
    "transforms.forgotten.type": "Flatten$Key",
}
WORKER = {"key.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter": "JsonConverter"}


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    catalog.forget()


def test_the_plugins_of_a_config_are_those_that_its_tasks_run() -> None:
    assert [(kind, name) for kind, name, _, _ in named.named(CONFIG, WORKER)] == [
        ("sink", SINK),
        ("converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("converter", "StringConverter"),
        ("converter", "org.apache.kafka.connect.storage.SimpleHeaderConverter"),
        ("transformation", "org.apache.kafka.connect.transforms.MaskField$Value"),
        ("predicate", "RecordIsTombstone"),
    ]


def test_a_config_that_names_nothing_that_is_known_has_none_of_its_own() -> None:
    assert [kind for kind, *_ in named.named({"connector.class": "Nobodys"}, {})] == ["converter"]
    assert [kind for kind, *_ in named.named({}, {})] == ["converter"]


def test_only_our_own_modules_are_shared_each_once() -> None:
    rows = [
        ("sink", "Gull", "birds.sink", "Gull"),
        ("converter", "a", "ferryman.converters.json", "JsonConverter"),
        ("converter", "b", "ferryman.converters.json", "JsonConverter"),
    ]
    assert named.modules(rows) == ["ferryman.converters.json"]


def test_names_mean_in_a_task_what_they_meant_to_its_worker() -> None:
    named.take_over([("source", "Gull", "ferryman.connectors.file.source", "FileStreamSourceConnector")])
    assert catalog.connector_entry("Gull") == Entry(
        "source", "ferryman.connectors.file.source", "FileStreamSourceConnector"
    )
    plugin = catalog.connector("Gull")
    assert plugin is not None
    assert not catalog.is_sink(plugin)
