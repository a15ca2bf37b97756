"""The order in which a connector's code is called, and what its worker is told, whatever it raises."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from ferryman.api import Connector, Sink, Source
from ferryman.config import Str, key
from ferryman.connector import SinkConfig, SourceConfig
from ferryman.connector_process.lifecycle import ConnectorLifecycle
from ferryman.connector_process.next_step import NextStep
from ferryman.connector_process.reports import MAX_MESSAGE_BYTES, WorkerReports
from ferryman.connector_process.spec import ConnectorSpec
from ferryman.errors import ConfigError, TaskError
from ferryman.offsets.asking import Asking
from ferryman.plugins import catalog
from ferryman.plugins.entry import Entry
from ferryman.telemetry import owners
from ferryman.telemetry.references import Found, References

WORKER = {
    "bootstrap.servers": "127.0.0.1:1",
    "group.id": "g",
    "key.converter": "StringConverter",
    "value.converter": "StringConverter",
    "offset.storage.topic": "offsets",
}
CALLS: list[str] = []
DO: dict[str, Callable[["Whale"], object]] = {}
"""By callback, what it does instead of nothing."""


class WhaleConfig(SourceConfig):
    colour: Str = key("white")
    """Its colour."""


class Whale(Connector[WhaleConfig]):
    """Notes its calls."""

    def call(self, name: str) -> Any:
        CALLS.append(name)
        does = DO.get(name)
        return None if does is None else does(self)

    def start(self) -> None:
        self.call("start")

    def task_configs(self) -> Sequence[Mapping[str, str]]:
        made: Sequence[Mapping[str, str]] | None = self.call("task_configs")
        return [self.context.raw] if made is None else made

    def stop(self) -> None:
        self.call("stop")


class WhaleSource(Source[WhaleConfig]):
    config_class = WhaleConfig
    connector = Whale


class SquidConfig(SinkConfig):
    colour: Str = key("pink")
    """Its colour."""


class SquidSink(Sink[SquidConfig]):
    config_class = SquidConfig
    connector = Whale


class KrillSource(Source[WhaleConfig]):
    config_class = WhaleConfig

    @classmethod
    def task_configs(cls, config: WhaleConfig, raw: Mapping[str, str]) -> list[Mapping[str, str]]:
        CALLS.append("class method")
        return [raw, raw]


@pytest.fixture(autouse=True)
def plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    CALLS.clear()
    DO.clear()
    for kind, name in (("source", "WhaleSource"), ("sink", "SquidSink"), ("source", "KrillSource")):
        monkeypatch.setitem(catalog._resolved, (kind, name), Entry(kind, __name__, name, (name,)))  # type: ignore[arg-type]
    with owners.passing():
        yield


def life(
    plugin: str | None = "WhaleSource", references: References | None = None, more: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """All that the worker is told by a connector, which takes every answer at once and ends it after the last one."""
    raw = {"name": "w", "topics": "t", "tasks.max": "4", **(more or {})}
    raw |= {} if plugin is None else {"connector.class": plugin}
    told: list[dict[str, Any]] = []
    next_step = NextStep()

    def tell(event: str, facts: dict[str, Any]) -> None:
        told.append({"event": event, **facts})
        if event == "made" and "go on" not in DO:
            next_step.stop()
        next_step.taken()

    DO.setdefault("the end", lambda whale: next_step.stop())
    found = references or References()
    ConnectorLifecycle(
        ConnectorSpec("w", "w", raw, raw, WORKER),
        next_step,
        WorkerReports(tell, found),
        Asking(tell),
        lambda: CALLS.append("lives"),
    ).run()
    return told


def raising(error: Exception) -> Callable[[Whale], None]:
    def does(whale: Whale) -> None:
        raise error

    return does


def test_one_without_an_object_answers_once() -> None:
    config, made = life("KrillSource")
    assert (config["times"], config["config"]["task.class"]) == (2, "KrillSource")
    assert made == {"event": "made", "stays": False}
    assert CALLS == ["class method"]


def test_an_object_is_started_asked_and_stopped() -> None:
    assert [each["event"] for each in life()] == ["config", "made"]
    assert CALLS == ["lives", "start", "task_configs", "stop"]


def test_what_it_asks_for_is_met_and_configs_that_are_alike_are_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ferryman.connector_process.next_step.MIN_SECONDS_BETWEEN_REQUESTS", 0.0)
    DO["go on"] = DO["task_configs"] = lambda whale: answers[CALLS.count("task_configs") - 1](whale)
    raw = {"name": "w"}

    def first(whale: Whale) -> list[dict[str, str]]:
        threading.Thread(target=whale.context.request_task_reconfiguration).start()
        return [raw, raw, {**raw, "n": "2"}]

    def second(whale: Whale) -> list[dict[str, str]]:
        DO["the end"](whale)
        return []

    answers = [first, second]
    assert [(each["event"], each.get("times")) for each in life()] == [
        ("config", 2),
        ("config", 1),
        ("made", None),
        ("made", None),
    ]


@pytest.mark.parametrize("place", ["start", "task_configs"])
@pytest.mark.parametrize(
    ("error", "may_recover"),
    [
        (RuntimeError("it sinks"), True),
        (TaskError("it sinks"), False),
        (ConfigError.for_key("colour", "it sinks"), False),
    ],
)
def test_what_it_raises_is_told_once_and_it_is_stopped(place: str, error: Exception, may_recover: bool) -> None:
    DO[place] = raising(error)
    DO["stop"] = raising(OSError("and it does not stop either"))
    (failed,) = life()
    assert (failed["event"], failed["may_recover"]) == ("failed", may_recover)
    assert f"{type(error).__name__}: it sinks" in failed["trace"]
    assert ("Traceback" in failed["trace"]) == (not isinstance(error, ConfigError))
    assert CALLS[-1] == "stop"


def test_an_error_that_it_reports_is_told_at_once_and_ends_it() -> None:
    DO["start"] = lambda whale: whale.context.raise_error(RuntimeError("it sinks"))
    DO["go on"] = DO["the end"] = lambda whale: None
    (failed,) = life()
    assert "RuntimeError: it sinks" in failed["trace"]
    assert CALLS == ["lives", "start", "stop"]


def test_while_it_is_told_to_stop_its_waits_are_over() -> None:
    def start(whale: Whale) -> None:
        assert whale.context.stopping(0.0) is False
        DO["the end"](whale)
        assert whale.context.stopping(600.0) is True

    DO["start"] = start
    assert life() == []
    assert CALLS == ["lives", "start", "stop"]


def test_errors_about_keys_show_references_instead_of_values() -> None:
    DO["start"] = raising(ConfigError.for_key("colour", "no whale is mauve-ish"))
    (failed,) = life(
        references=References((Found("colour", "${file:f:colour}", "mauve-ish"),)), more={"colour": "mauve-ish"}
    )
    assert failed["trace"] == "ConfigError: no whale is ${file:f:colour}"


def test_a_config_that_is_wrong_and_a_class_that_is_not_there_are_told() -> None:
    assert "no connector is called Kraken" in life("Kraken")[0]["trace"]
    assert "tasks.max" in life(more={"tasks.max": "many"})[0]["trace"]
    assert CALLS == []


def test_a_config_of_a_topic_that_names_no_class_is_wrong_and_not_tried_again() -> None:
    (failed,) = life(None)
    missing = 'Missing required configuration "connector.class" which has no default value.'
    assert failed["trace"] == f"ConfigError: {missing}"
    assert failed["may_recover"] is False


def test_a_sink_has_no_source_offsets_and_a_source_is_told_when_they_cannot_be_read() -> None:
    DO["start"] = lambda whale: whale.context.offsets([{"file": "x"}])
    (failed,) = life("SquidSink")
    assert ("a sink has no source offsets" in failed["trace"], failed["may_recover"]) == (True, False)


def test_a_config_that_no_message_can_hold_fails_it() -> None:
    DO["task_configs"] = lambda whale: [{"large": "x" * MAX_MESSAGE_BYTES}]
    (failed,) = life()
    assert "bytes; at most 8388608 are allowed" in failed["trace"]
