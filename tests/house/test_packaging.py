"""What a wheel contains: all of Ferryman, under that one name."""

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.places import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in a wheel built from a clean copy of the sources."""
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
    return set(ZipFile(made).namelist())


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
