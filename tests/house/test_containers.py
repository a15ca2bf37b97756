"""Dockerfile and docker-compose.yml say what docs/containers.md promises; what they run is run by its own test."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from ferryman import __version__
from ferryman.settings import environment as naming
from ferryman.settings import settings
from ferryman.settings.modes import DISTRIBUTED
from ferryman.validation import connector_config
from ferryman.worker import connector_file
from tests.house import containers
from tests.house.containers import compose, ferryman, workers
from tests.places import ROOT

SERVICES = sorted(compose()["services"].items())
CONNECTORS = sorted(Path(containers.mounted(containers.creating())[-1]).glob("*.json"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
Pins = dict[str, str]
WATCHING = {"prometheus", "grafana"}
"""Services that watch the others, which do not need them."""


def schema_complaints(file: Path) -> str:
    """What the Compose Specification's JSON Schema has against a file."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def pins(lock: str) -> Pins:
    """Each package of a lock file, with its version, marker and hashes."""
    entries = re.findall(r"^([a-z0-9-]+)(==.*(?:\n    .*)*)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE)
    return dict(entries)


def needed(*wanted: Requirement) -> set[str]:
    """The packages that requirements bring along on this machine, themselves included."""
    found: set[str] = set()
    waiting = [(one, "") for one in wanted]
    while waiting:
        one, extra = waiting.pop()
        name = one.name.lower().replace("_", "-").replace(".", "-")
        if one.marker is not None and not one.marker.evaluate({"extra": extra}):
            continue
        if name not in found or one.extras:
            found.add(name)
            waiting += [(Requirement(text), kind) for kind in ("", *one.extras) for text in requires(name) or ()]
    return found


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of the compose file's Ferryman, around this test."""
    variables: dict[str, str] = ferryman()["environment"]
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


def test_the_compose_file_is_one_by_the_specification() -> None:
    assert schema_complaints(ROOT / "docker-compose.yml") == ""


def test_a_mistake_in_a_compose_file_would_be_noticed(tmp_path: Path) -> None:
    broken = compose()
    broken["services"]["registry"]["healtcheck"] = {}
    (tmp_path / "docker-compose.yml").write_text(yaml.safe_dump(broken))
    assert "healtcheck" in schema_complaints(tmp_path / "docker-compose.yml")


@pytest.mark.parametrize(("name", "service"), SERVICES)
def test_every_image_is_pinned_by_a_tag(name: str, service: dict[str, Any]) -> None:
    image, _, tag = service["image"].rpartition(":")
    assert image
    assert re.match(r"v?\d|s3proxy-\d", tag)
    if name in workers():
        assert tag == __version__


@pytest.mark.parametrize(("name", "service"), SERVICES)
def test_ports_are_published_to_this_machine_only(name: str, service: dict[str, Any]) -> None:
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in service.get("ports", ()))


@pytest.mark.parametrize("worker", workers().values(), ids=workers())
def test_a_worker_starts_when_all_others_are_well(worker: Mapping[str, Any]) -> None:
    services = compose()["services"]
    others = services.keys() - workers().keys() - WATCHING
    assert worker["depends_on"] == {name: {"condition": "service_healthy"} for name in others}
    assert all("healthcheck" in services[name] for name in others)


def test_the_workers_are_three_of_one_group_that_differ_in_where_they_are_found() -> None:
    assert len(workers()) == 3
    own = ("environment", "ports", "volumes", "post_start")
    common = [{key: value for key, value in each.items() if key not in own} for each in workers().values()]
    assert common[1:] == common[:-1]
    hosts = [each["environment"]["CONNECT_REST_ADVERTISED_HOST_NAME"] for each in workers().values()]
    assert hosts == list(workers())
    rest = [dict(each["environment"], CONNECT_REST_ADVERTISED_HOST_NAME="") for each in workers().values()]
    assert rest[1:] == rest[:-1]
    outside = [each["ports"][0].split(":")[1] for each in workers().values()]
    assert outside == ["8083", "8084", "8085"]


def test_all_connectors_of_configs_are_created() -> None:
    assert sorted((ROOT / "configs/connectors").iterdir()) == CONNECTORS


def test_every_volume_is_declared_and_used() -> None:
    mounts = [mount for _, service in SERVICES for mount in service.get("volumes", ())]
    named = {mount.split(":")[0] for mount in mounts if not mount.startswith(".")}
    assert named == set(compose()["volumes"])


def test_what_is_mounted_from_here_exists_and_is_read_only() -> None:
    for mount in (mount for _, service in SERVICES for mount in service.get("volumes", ()) if mount.startswith(".")):
        outside, _, mode = mount.split(":")
        assert (ROOT / outside).exists()
        assert mode == "ro"


def test_the_worker_takes_the_environment_without_a_warning(environment: dict[str, str]) -> None:
    loaded = settings.load(ROOT / "configs/image.properties", mode=DISTRIBUTED)
    assert loaded.warnings == ()
    assert loaded.config.advertised == "ferryman-1:8083"
    assert loaded.distributed.group_id == "ferryman"
    assert loaded.config.bootstrap_servers == [f"kafka-{number}:29092" for number in (1, 2, 3)]


@pytest.mark.parametrize("file", CONNECTORS, ids=lambda file: file.name)
def test_each_connector_is_taken_without_a_warning(file: Path, environment: dict[str, str]) -> None:
    connector = connector_file.read(file)
    loaded = settings.load(ROOT / "configs/image.properties", mode=DISTRIBUTED)
    assert connector_config.check(connector.config, loaded).warnings == ()


def test_the_environment_says_what_the_connectors_refer_to_and_no_more(environment: dict[str, str]) -> None:
    referred = {name for file in CONNECTORS for name in re.findall(r"\$\{env:(\w+)\}", file.read_text())}
    assert {name for name in environment if not name.startswith("CONNECT_")} == referred


def test_addresses_in_the_environment_are_services_and_their_ports(environment: dict[str, str]) -> None:
    hosts = re.findall(r"(?:^|://|,)([a-z0-9-]+):\d+", "\n".join(environment.values()), re.MULTILINE)
    assert {*hosts, environment["FERRYMAN_MAIL_HOST"]} == set(compose()["services"]) - set(workers()) - WATCHING


def test_both_stages_have_one_base_that_is_pinned_by_its_digest() -> None:
    (base,) = (rest for name, rest in containers.instructions() if name == "ARG")
    assert re.fullmatch(r"BASE=python:3\.\d+-slim-\w+@sha256:[0-9a-f]{64}", base)
    assert {rest.split()[0] for name, rest in containers.instructions() if name == "FROM"} == {"${BASE}"}


def test_the_container_is_not_root() -> None:
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", containers.final("USER"))


def test_the_entrypoint_is_the_worker_itself_and_the_compose_files_differs_in_the_mode() -> None:
    assert containers.entrypoint() == ["ferryman", "standalone", "/etc/ferryman/worker.properties"]
    assert ferryman()["entrypoint"] == ["ferryman", "distributed", "/etc/ferryman/worker.properties"]
    assert "configs/image.properties /etc/ferryman/worker.properties" in [rest for _, rest in copies()]
    assert containers.final("STOPSIGNAL") == "SIGTERM"


def copies() -> list[tuple[str, str]]:
    """The Dockerfile's COPY instructions from the sources, not from another stage."""
    return [each for each in containers.instructions() if each[0] == "COPY" and "--from" not in each[1]]


def test_what_is_copied_exists_and_is_not_ignored() -> None:
    sources = {source for _, rest in copies() for source in rest.split()[:-1]} - {"configs/image.properties"}
    assert all((ROOT / source).exists() for source in sources)
    ignored = (ROOT / ".dockerignore").read_text().split("\n")
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == sources


def test_every_package_is_installed_by_its_hash() -> None:
    runs = " && ".join(rest for name, rest in containers.instructions() if name == "RUN")
    installs = [part for part in runs.split("&&") if re.search(r"pip .*install", part)]
    assert len(installs) == 3
    assert all("--require-hashes" in part or "--no-index --no-deps dist/" in part for part in installs)
    assert "--no-build-isolation" in runs


def test_the_runtime_lock_is_what_a_worker_needs_as_the_whole_lock_has_it() -> None:
    whole, runtime = pins("requirements.lock"), pins("requirements-runtime.lock")
    assert runtime == {name: pin for name, pin in whole.items() if name in runtime}
    wanted = needed(*map(Requirement, PROJECT["dependencies"]))
    assert wanted - set(runtime) == set()
    elsewhere = {name for name, pin in runtime.items() if "sys_platform == 'win32'" in pin}
    assert set(runtime) - wanted - elsewhere == set()


@pytest.mark.parametrize("group", ["runtime", "stack"])
def test_the_notice_names_the_licence_of_every_package(group: str) -> None:
    listed = dict(
        re.findall(r"^  ([a-z0-9-]+) {2,}(\S.*)$", (ROOT / "NOTICE").read_text(encoding="utf-8"), re.MULTILINE)
    )
    stack = {Requirement(text).name for text in PROJECT["optional-dependencies"]["stack"]}
    wanted = set(pins("requirements-runtime.lock")) if group == "runtime" else stack
    assert wanted - set(listed) == set()
    assert set(listed) - set(pins("requirements.lock")) == set()
    assert "NOTICE" in PROJECT["license-files"]


def test_nothing_of_the_stack_is_in_the_image() -> None:
    stack = {Requirement(text).name for text in PROJECT["optional-dependencies"]["stack"]}
    assert stack & set(pins("requirements-runtime.lock")) == set()
    assert not any(re.search(r"\[stack\]|-r requirements\.lock", rest) for _, rest in containers.instructions())


def test_the_page_names_every_service_image_and_bare_variable() -> None:
    page = (ROOT / "docs/containers.md").read_text(encoding="utf-8")
    images = {service["image"].rpartition(":")[0] for _, service in SERVICES if "build" not in service}
    assert "`localstripe`" in page
    wanted = {*compose()["services"], *naming.BARE, *images}
    assert {name for name in wanted if f"`{name}`" not in page} == set()
    assert f"`{ferryman()['environment']['FERRYMAN_WAREHOUSE_PASSWORD']}`" in page
