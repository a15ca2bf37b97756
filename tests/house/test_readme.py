"""The connectors in README and docs are plugins that work as they stand there."""

import re
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson
import pytest

from ferryman.api import ConnectorContext, Offset, Partition, Sink, SinkContext, Source, SourceContext
from ferryman.chain.chain import Step, assembled
from ferryman.config import Config
from ferryman.conversion import Converter
from ferryman.converters.json import JsonConverter, JsonConverterConfig
from ferryman.converters.string import StringConverter, StringConverterConfig
from ferryman.errors import ConfigError, RetriableError
from ferryman.plugins import catalog
from ferryman.record import Columns, Maps, Polled, Record, Rows
from ferryman.settings import settings
from ferryman.stack.runtime.ports import free_port
from ferryman.validation import connector_config
from tests.places import ROOT

WORKER = {
    "key.converter": "org.apache.kafka.connect.storage.StringConverter",
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
}
WEBHOOK = {"name": "hook", "connector.class": "WebhookSink", "topics": "orders"}
TICKS = {"name": "ticks", "connector.class": "TicksSource", "topic": "ticks", "interval.ms": "1"}


def block(page: str, defining: str) -> str:
    """The Python example of a page that defines this class."""
    found = re.findall(r"^```python\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (text,) = (each for each in found if f"class {defining}(" in each)
    return str(text)


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both examples as an installed distribution whose entry points name them."""
    (tmp_path / "example_webhook.py").write_text(block("README.md", "WebhookSink"))
    (tmp_path / "example_ticks.py").write_text(block("docs/writing-a-connector.md", "TicksSource"))
    info = tmp_path / "examples-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: examples\nVersion: 1.0\n")
    points = "webhook = example_webhook:WebhookSink\nticks = example_ticks:TicksSource\n"
    (info / "entry_points.txt").write_text(f"[ferryman.connectors]\n{points}")
    monkeypatch.syspath_prepend(str(tmp_path))
    _forget()
    yield
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    catalog.forget()
    for module in ("example_webhook", "example_ticks"):
        sys.modules.pop(module, None)


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[Any]]]:
    """The address of a web server, and what has been posted to it."""
    posted: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(orjson.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/orders", posted
        server.shutdown()


def sink(config: Mapping[str, str]) -> Sink[Any]:
    """The plugin that a config names, as a task has it."""
    plugin = catalog.connector(config["connector.class"])
    assert plugin is not None
    context = SinkContext(
        "hook",
        0,
        "cluster",
        config,
        report=lambda batch, index, error: None,
        report_all=lambda found: None,
        request_commit=lambda: None,
        commit=lambda offsets: None,
    )
    made: Sink[Any] = plugin(plugin.config_class.parse(config), context)
    return made


def source(config: Mapping[str, str], offsets: Mapping[str, Offset]) -> Source[Any]:
    """The source that a config names, started; ``offsets`` are those committed, by clock."""
    plugin = catalog.connector(config["connector.class"])
    assert plugin is not None

    def offset(partition: Partition) -> Offset | None:
        return offsets.get(partition["clock"])

    context = SourceContext("ticks", 0, "cluster", config, offset=offset, stopping=lambda seconds: False)
    made: Source[Any] = plugin(plugin.config_class.parse(config), context)
    made.start()
    return made


def test_the_connector_has_twenty_lines() -> None:
    lines = [line for line in block("README.md", "WebhookSink").splitlines() if line.strip()]
    assert len(lines) <= 20


def test_the_sink_posts_each_record(webhook: tuple[str, list[Any]]) -> None:
    url, posted = webhook
    record = Record(topic="orders", partition=0, offset=7, value={"id": 1})
    sink({**WEBHOOK, "webhook.url": url}).put([record, replace(record, offset=8, value={"id": 2})])
    assert posted == [{"id": 1}, {"id": 2}]


def test_the_sink_tries_again_while_nobody_answers() -> None:
    with pytest.raises(RetriableError, match="the webhook does not answer"):
        sink({**WEBHOOK, "webhook.url": f"http://127.0.0.1:{free_port()}/"}).put([Record(topic="orders", value={})])


def test_a_missing_address_is_named_before_anything_starts() -> None:
    with pytest.raises(
        ConfigError, match=r'^Missing required configuration "webhook.url" which has no default value.$'
    ):
        connector_config.check(WEBHOOK, settings.parse(WORKER))


@pytest.mark.parametrize("config", [{**WEBHOOK, "webhook.url": "http://127.0.0.1/"}, TICKS], ids=["webhook", "ticks"])
def test_the_examples_are_accepted_without_a_warning(config: Mapping[str, str]) -> None:
    assert connector_config.check(config, settings.parse(WORKER)).warnings == ()


def test_the_documentation_over_rest_is_the_docstring() -> None:
    found = connector_config.validate(
        {**WEBHOOK, "webhook.url": "http://127.0.0.1/"}, settings.parse(WORKER)
    ).infos.configs
    (key,) = (info.definition for info in found if info.value.name == "webhook.url")
    assert key is not None
    assert key.documentation == "Where each record is posted to, as JSON."


def test_the_source_goes_on_where_its_offset_says() -> None:
    first = source(TICKS, {})
    records = [record for _ in range(2) for record in first.poll()]
    assert [record.value for record in records] == [{"tick": 0}, {"tick": 1}]
    committed = records[-1].source_offset
    assert committed is not None
    assert [record.value for record in source(TICKS, {"ticks": committed}).poll()] == [{"tick": 2}]


def test_every_other_python_example_runs() -> None:
    text = block("docs/writing-a-connector.md", "ShelfConfig")
    names: dict[str, Any] = {"__name__": "example_shelf"}
    exec(compile(text, "example", "exec"), names)
    assert {"shelf.url", "shelf.batch.size", "batch.size"} <= names["ShelfConfig"].keys()


def test_the_connector_that_watches_a_folder_asks_for_a_task_for_each_new_file(tmp_path: Path) -> None:
    names: dict[str, Any] = {"__name__": "example_folder"}
    exec(compile(block("docs/writing-a-connector.md", "FolderSource"), "example", "exec"), names)
    plugin, folder = names["FolderSource"], tmp_path / "watched"
    folder.mkdir()
    (folder / "a.csv").touch()
    raw = {"name": "f", "connector.class": "FolderSource", "tasks.max": "2", "folder": str(folder)}
    asked, ended, errors = threading.Event(), threading.Event(), list[Exception]()
    context = ConnectorContext(
        "f",
        raw,
        request_task_reconfiguration=asked.set,
        raise_error=errors.append,
        stopping=lambda seconds: ended.wait(0.01),
        offsets=lambda partitions: [],
    )
    connector = plugin.connector(plugin.config_class.parse(raw), context)
    connector.start()
    assert [each["file"] for each in connector.task_configs()] == ["a.csv"]
    (folder / "b.csv").touch()
    assert asked.wait(60)
    assert [each["file"] for each in connector.task_configs()] == ["a.csv", "b.csv"]
    ended.set()
    connector.stop()
    assert errors == []


def test_the_page_lists_the_modules_that_its_examples_import() -> None:
    page = (ROOT / "docs/writing-a-connector.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"`(ferryman\.[\w.]+)`", page[: page.index("## The config")]))
    imported = set(re.findall(r"^from (ferryman\.[\w.]+) import", page, re.MULTILINE))
    assert imported <= listed
    assert all(find_spec(module) for module in listed)


@pytest.mark.parametrize("schemas", ["true", "false"])
def test_the_transform_on_columns_says_so_and_does_the_same_with_rows(schemas: str) -> None:
    found: dict[str, Any] = {}
    exec(block("docs/writing-a-connector.md", "Shorten"), found)
    shorten = found["Shorten"](found["ShortenConfig"].parse({"field": "name", "characters": "2"}))
    texts: Converter[Any] = StringConverter(StringConverterConfig(), "key")
    of_json = JsonConverter(JsonConverterConfig.parse({"schemas.enable": schemas}), "value")
    chain = assembled(texts, of_json, texts, [Step("s", shorten)])

    def shortened(count: int, names: Sequence[Any] = ("straße", "", None, "éa")) -> tuple[list[Any], set[type], int]:
        values = [{"id": at, "name": names[at % len(names)]} for at in range(count)]
        payloads = [_with_schema(each) if schemas == "true" else orjson.dumps(each) for each in values]
        decoded, _ = chain.decode(Polled("t", 0, list(range(count)), [None] * count, [None] * count, payloads))
        batches, failures = chain.transform(decoded)
        rows = sorted((row["id"], row["name"]) for batch in batches for row in batch.value.rows().values)
        return [name for _, name in rows], {type(batch.value) for batch in batches}, len(failures)

    expected = ["st", "", None, "éa"]
    assert shortened(2000) == (expected * 500, {Columns if schemas == "true" else Maps}, 0)
    assert shortened(4) == (expected, {Rows}, 0)
    if schemas == "false":
        assert shortened(4, ["a", 7, "abc", None]) == (["a", "ab", None], {Rows}, 1)


def _with_schema(value: Mapping[str, Any]) -> bytes:
    fields = [{"field": "id", "type": "int64"}, {"field": "name", "type": "string", "optional": True}]
    return orjson.dumps({"schema": {"type": "struct", "fields": fields}, "payload": value})


def test_the_transform_the_predicate_and_the_converter_do_what_they_say() -> None:
    found: dict[str, Any] = {}
    exec(block("docs/writing-a-connector.md", "Suffix"), found)
    latin = found["LatinConverter"](Config(), "value")
    suffix = found["Suffix"](found["SuffixConfig"].parse({"suffix": "-old"}))
    text: Converter[Any] = StringConverter(StringConverterConfig(), "key")
    chain = assembled(text, latin, text, [Step("s", suffix, found["HasNoKey"](Config()))])
    polled = Polled("t", 0, [0, 1], [None] * 2, [None, b"k"], [b"\xe4", None])
    batches, failures = chain.decode(polled)
    batches, others = chain.transform(batches)
    assert {batch.topic: list(batch.value.rows().values) for batch in batches} == {"t-old": ["\xe4"], "t": [None]}
    assert [list(each.values) for batch in batches for each in chain.encode(batch)[0]] == [[b"\xe4"], [None]]
    (failure,) = chain.encode(replace(batches[0], value=Rows(None, ["\u20ac"])))[1]
    assert "not a text in Latin-1" in str(failure.error)
    assert [*failures, *others] == []
