"""What instances have in common when they start: resolved configs, specs, the grace."""

from pathlib import Path

import pytest

from ferryman.errors import ConfigError
from ferryman.telemetry.owners import Owner
from ferryman.telemetry.redaction import redact
from ferryman.worker.control.launch import Launch, plugin_version
from ferryman.worker.control.wanted import WantedTask
from tests.worker.control.played_worker import PlayedWorker


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlayedWorker:
    return PlayedWorker(tmp_path, monkeypatch)


@pytest.fixture
def launch(worker: PlayedWorker) -> Launch:
    return worker.launch


def test_references_are_resolved_and_what_they_give_is_kept_from_being_written(worker: PlayedWorker) -> None:
    owner = Owner("c")
    worker.provides(colour="only-a-provider-knows")
    found = worker.launch.resolved(owner, worker.config("c", colour=worker.provided))
    assert found.values["colour"] == "only-a-provider-knows"
    assert "only-a-provider-knows" in owner.held
    assert "only-a-provider-knows" not in redact("it is only-a-provider-knows")


def test_passwords_in_plain_text_are_kept_from_being_written_too(worker: PlayedWorker) -> None:
    owner = Owner("c")
    worker.launch.resolved(owner, worker.config("c") | {"database.password": "in-plain-text"})
    assert "in-plain-text" in owner.held


def test_each_reference_that_finds_nothing_is_named_by_its_key(worker: PlayedWorker) -> None:
    gone = worker.provided.replace(":colour}", ":gone}")
    with pytest.raises(ConfigError) as refused:
        worker.launch.resolved(Owner(), worker.config("c", colour=gone) | {"file": gone, "topics": worker.provided})
    assert {problem.key for problem in refused.value.problems} == {"colour", "file"}


def test_a_task_is_told_its_config_its_plugins_and_the_levels_of_the_moment(worker: PlayedWorker) -> None:
    launch = worker.launch
    raw = worker.config("c", colour=worker.provided) | {"transforms": "x", "transforms.x.type": "DropHeaders"}
    task = WantedTask("c", 3, raw, paused=False, version=1)
    spec = launch.spec(task, launch.resolved(Owner(), raw))
    assert (spec.connector, spec.task, spec.identity) == ("c", 3, launch.identity)
    assert spec.config["colour"] == "blue-as-provided"
    assert spec.worker == launch.settings.values
    assert {(kind, name) for kind, name, _, _ in spec.plugins} >= {
        ("sink", "Moody"),
        ("converter", "StringConverter"),
        ("transformation", "DropHeaders"),
    }
    assert any("blue-as-provided" in row for row in spec.references)
    launch.levels["ferryman"] = "DEBUG"
    assert launch.as_of_now(spec).levels == {"ferryman": "DEBUG"}


def test_the_grace_is_in_seconds(launch: Launch) -> None:
    assert launch.grace == 5.0


def test_the_version_is_the_plugins_or_none_is_there(launch: Launch) -> None:
    assert plugin_version({"connector.class": "FileStreamSink"})
    assert plugin_version({"connector.class": "Gone"}) is None
    assert plugin_version({}) is None
