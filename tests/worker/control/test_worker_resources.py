"""What instances have in common when they start: resolved configs, specs, the grace."""

from pathlib import Path

import pytest

from ferryman.errors import ConfigError
from ferryman.telemetry import logs
from ferryman.telemetry.owners import Owner
from ferryman.telemetry.redaction import redact
from ferryman.worker.control.wanted import WantedTask
from ferryman.worker.control.worker_resources import WorkerResources, plugin_version
from tests.worker.played_worker import PlayedWorker


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlayedWorker:
    return PlayedWorker(tmp_path, monkeypatch)


@pytest.fixture
def resources(worker: PlayedWorker) -> WorkerResources:
    return worker.resources


def test_references_are_resolved_and_what_they_give_is_kept_from_being_written(worker: PlayedWorker) -> None:
    owner = Owner("c")
    worker.provides(colour="only-a-provider-knows")
    found = worker.resources.resolved(owner, worker.config("c", colour=worker.provided))
    assert found.values["colour"] == "only-a-provider-knows"
    assert "only-a-provider-knows" in owner.held
    assert "only-a-provider-knows" not in redact("it is only-a-provider-knows")


def test_passwords_in_plain_text_are_kept_from_being_written_too(worker: PlayedWorker) -> None:
    owner = Owner("c")
    worker.resources.resolved(owner, worker.config("c") | {"database.password": "in-plain-text"})
    assert "in-plain-text" in owner.held


def test_each_reference_that_finds_nothing_is_named_by_its_key(worker: PlayedWorker) -> None:
    gone = worker.provided.replace(":colour}", ":gone}")
    with pytest.raises(ConfigError) as refused:
        worker.resources.resolved(Owner(), worker.config("c", colour=gone) | {"file": gone, "topics": worker.provided})
    assert {problem.key for problem in refused.value.problems} == {"colour", "file"}


def test_a_task_is_told_its_config_its_plugins_and_the_levels_of_the_moment(worker: PlayedWorker) -> None:
    resources = worker.resources
    raw = worker.config("c", colour=worker.provided) | {"transforms": "x", "transforms.x.type": "DropHeaders"}
    task = WantedTask("c", 3, raw, paused=False, version=1)
    spec = resources.spec(task, resources.resolved(Owner(), raw))
    assert (spec.connector, spec.task, spec.identity) == ("c", 3, resources.identity)
    assert spec.config["colour"] == "blue-as-provided"
    assert spec.worker == resources.settings.values
    assert {(kind, name) for kind, name, _, _ in spec.plugins} >= {
        ("sink", "Moody"),
        ("converter", "StringConverter"),
        ("transformation", "DropHeaders"),
    }
    assert any("blue-as-provided" in row for row in spec.references)
    resources.levels["ferryman"] = "DEBUG"
    assert resources.as_of_now(spec).levels == {"root": logs.level(), "ferryman": "DEBUG"}


def test_the_grace_is_in_seconds(resources: WorkerResources) -> None:
    assert resources.grace == 5.0


def test_the_version_is_the_plugins_or_none_is_there(resources: WorkerResources) -> None:
    assert plugin_version({"connector.class": "FileStreamSink"})
    assert plugin_version({"connector.class": "Gone"}) is None
    assert plugin_version({}) is None
