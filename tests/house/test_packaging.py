"""What a wheel contains: all of Ferryman, under that one name, so that it works where there is nothing else of it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.places import ROOT


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a clean copy of the sources."""
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("wheel")
    for file in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / file, tree)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for folder in ("ferryman", "connectors", "transforms", "configs", "schemas"):
        shutil.copytree(ROOT / folder, tree / folder, symlinks=True, ignore=ignored)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(tree)]
    done = subprocess.run(build, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = out.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def wheel(built: Path) -> set[str]:
    """The names of the files in it."""
    return set(ZipFile(built).namelist())


@pytest.mark.parametrize("folder", ["ferryman", "connectors", "transforms"])
def test_every_module_is_in_the_wheel(folder: str, wheel: set[str]) -> None:
    below = Path("ferryman") if folder == "ferryman" else Path("ferryman") / folder
    modules = {(below / file.relative_to(ROOT / folder)).as_posix() for file in (ROOT / folder).rglob("*.py")}
    assert modules
    assert modules - wheel == set()


@pytest.mark.parametrize("folder", ["configs", "schemas"])
def test_what_the_demo_reads_is_in_the_wheel(folder: str, wheel: set[str]) -> None:
    files = {path for path in (ROOT / folder).rglob("*") if path.is_file()}
    assert files
    assert {(Path("ferryman") / path.relative_to(ROOT)).as_posix() for path in files} - wheel == set()


def test_data_of_the_package_is_in_the_wheel(wheel: set[str]) -> None:
    assert {"ferryman/py.typed", "ferryman/stack/runtime/artifacts.toml"} - wheel == set()


def test_every_file_beside_the_modules_is_in_the_wheel(wheel: set[str]) -> None:
    others = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "ferryman").rglob("*.*")
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    }
    assert others - wheel == set()


def test_the_wheel_takes_one_name_in_site_packages(wheel: set[str]) -> None:
    tops = {name.partition("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"ferryman"}
    assert len(tops) == 2


def test_where_the_clone_is_not_the_demo_finds_its_configs_and_schemas_in_what_was_installed(
    built: Path, tmp_path: Path
) -> None:
    installed, empty = tmp_path / "site-packages", tmp_path / "empty"
    empty.mkdir()
    ZipFile(built).extractall(installed)
    look = (
        "from ferryman.demo.facts import flows\n"
        "from ferryman.worker import connector_file\n"
        "files = sorted((flows.CONFIGS / 'connectors').iterdir())\n"
        "print(flows.CONFIGS, [connector_file.read(each).config['name'] for each in files])"
    )
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        [sys.executable, "-c", look],
        cwd=empty,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(installed))
    names = {path.stem for path in (ROOT / "configs" / "connectors").iterdir()}
    assert names
    assert [name for name in names if f"'{name}'" not in done.stdout] == []


@pytest.mark.timeout(3600)
def test_the_demo_of_a_wheel_in_an_environment_of_its_own_comes_to_its_end_in_an_empty_folder(
    built: Path, tmp_path: Path, long: bool
) -> None:
    if not long:
        pytest.skip("it installs everything anew: ./run test --long")
    python, empty = tmp_path / "venv" / "bin" / "python", tmp_path / "empty"
    empty.mkdir()
    uv = [sys.executable, "-m", "uv", "--quiet"]
    subprocess.run([*uv, "venv", "--python", sys.executable, str(tmp_path / "venv")], timeout=600, check=True)
    locked = ["--constraints", str(ROOT / "requirements.lock"), "--no-verify-hashes"]
    install = [*uv, "pip", "install", "--python", str(python), *locked, f"{built}[stack]"]
    subprocess.run(install, timeout=1800, check=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    environment |= {"XDG_STATE_HOME": str(tmp_path / "state"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    done = subprocess.run(
        [str(python.with_name("ferryman")), "demo", "--events", "6000", "--json"],
        cwd=empty,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["clean"] is True
    assert list(empty.iterdir()) == [], "it leaves nothing where it was called"
