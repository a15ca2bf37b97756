"""Imports point inwards, folder against folder, in the order of the table that docs/architecture.md shows."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from ferryman.plugins import catalog
from tests.places import DOCS, ROOT

CODE = ("ferryman", "connectors", "transforms")
LINKS = {("ferryman", "connectors"), ("ferryman", "transforms")}
RINGS = ("data", "pure", "api", "plugins", "runtime", "edge")
"""From the inside out."""
MOST_FILES = 16
"""A folder with more is two folders. Kafka has sixteen transforms, which stand in one."""
PLUGIN_FOLDERS = ("connectors", "transforms", "transforms/debezium", "transforms/predicates", "ferryman/converters")
IO = {
    "asyncio",
    "confluent_kafka",
    "http",
    "httpx",
    "multiprocessing",
    "pathlib",
    "psycopg",
    "select",
    "socket",
    "sqlalchemy",
    "starlette",
    "subprocess",
    "uvicorn",
}
"""What a module of the two inner rings has no business with."""
FORBIDDEN_MODULES = {"cloudpickle", "dill", "jsonpickle", "marshal", "pickle", "shelve"}
FORBIDDEN_CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "yaml.load",
    "yaml.unsafe_load",
    "yaml.full_load",
    "os.system",
}


@dataclass(frozen=True)
class Row:
    """A row of the table: a folder, or one file where a folder holds a file of another ring."""

    place: str
    ring: str
    number: int
    """How far from the inside: a file imports files of its own row and of rows with a lower number."""
    inside: str | None
    """The folder whose inside it is: nobody else imports it. None if anybody may."""


@cache
def table() -> Mapping[str, Row]:
    """The rows of the map of folders by their place."""
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    _, _, rest = text.partition("<!-- folders:begin -->")
    rows: dict[str, Row] = {}
    for line in rest.partition("<!-- folders:end -->")[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        place = re.fullmatch(r"`([\w/.]+?)/?`", cells[0])
        if place:
            inside = re.search(r"inside of `([\w/]+?)/?`", cells[2])
            ring = cells[1] or list(rows.values())[-1].ring
            rows[place[1]] = Row(place[1], ring, len(rows), inside[1] if inside else None)
    return rows


def name_of(file: Path) -> str:
    """The module's full name."""
    parts = list(file.relative_to(ROOT).with_suffix("").parts)
    if parts[0] != "ferryman":
        parts = ["ferryman", *parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def files() -> Mapping[str, Path]:
    """Every module of the package by name, at its real place."""
    found = {}
    for folder in CODE:
        for file in sorted((ROOT / folder).rglob("*.py")):
            if file.relative_to(ROOT).parts[:2] not in LINKS:
                found[name_of(file)] = file
    return found


@cache
def trees() -> Mapping[str, ast.Module]:
    """The modules by name."""
    return {name: ast.parse(file.read_text(encoding="utf-8")) for name, file in files().items()}


def imported(tree: ast.Module) -> Iterator[str]:
    """The full name of everything imported, also inside functions; ``from a import b`` is ``a.b``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@cache
def uses(name: str) -> frozenset[str]:
    """The modules of ours that a module imports."""
    found = set()
    for full in imported(trees()[name]):
        if full.partition(".")[0] == "ferryman":
            found.add(full if full in trees() else full.rpartition(".")[0])
    return frozenset(found & set(trees())) - {name}


def path(name: str) -> str:
    """Where a module lies, from the root of the project."""
    return files()[name].relative_to(ROOT).as_posix()


def folder(name: str) -> str:
    """The folder of a module."""
    return path(name).rpartition("/")[0]


def row(name: str) -> Row:
    """The row that a module stands in."""
    return table().get(path(name)) or table()[folder(name)]


def within(place: str, outer: str) -> bool:
    return place == outer or place.startswith(f"{outer}/")


def imports() -> Iterator[tuple[str, str]]:
    """Who imports whom. A folder of plugins, without its modules, holds no code: the catalog only lists it."""
    folders = {f"{place}/__init__.py" for place in PLUGIN_FOLDERS}
    for name in trees():
        yield from ((name, other) for other in sorted(uses(name)) if path(other) not in folders)


def test_every_file_stands_in_a_row_of_the_table() -> None:
    assert [path(name) for name in trees() if path(name) not in table() and folder(name) not in table()] == []


def test_every_row_of_the_table_is_a_folder_or_file_with_a_known_ring() -> None:
    assert [place for place in table() if not (ROOT / place).exists()] == []
    assert [place for place, row in table().items() if row.ring not in RINGS] == []


def test_the_rings_of_the_table_go_from_the_inside_out() -> None:
    rings = [RINGS.index(row.ring) for row in table().values()]
    assert rings == sorted(rings)


def test_imports_point_inwards() -> None:
    outwards = [
        f"{path(name)} imports {path(other)}" for name, other in imports() if row(other).number > row(name).number
    ]
    assert outwards == []


def test_the_inside_of_a_folder_is_imported_by_that_folder_only() -> None:
    wrong = [
        f"{path(name)} imports {path(other)}"
        for name, other in imports()
        if row(other).inside and not within(folder(name), row(other).inside or "")
    ]
    assert wrong == []


def test_what_lies_below_the_folder_of_a_system_is_its_inside() -> None:
    below = [place for place in table() if place.startswith("connectors/") and place.count("/") > 1]
    assert [place for place in below if table()[place].inside != "/".join(place.split("/")[:2])] == []


def test_no_import_goes_round_in_a_circle() -> None:
    TopologicalSorter({name: uses(name) for name in trees()}).prepare()


def test_no_folder_has_too_many_files() -> None:
    counts: dict[str, int] = {}
    for name in trees():
        if not path(name).endswith("__init__.py"):
            counts[folder(name)] = counts.get(folder(name), 0) + 1
    assert {place: count for place, count in counts.items() if count > MOST_FILES} == {}


def test_no_name_is_a_riddle_or_a_bag() -> None:
    bags = {"shared", "common", "util", "utils", "helper", "helpers", "misc", "base"}
    parts = {part for name in trees() for part in name.split(".")}
    assert parts & bags == set()
    assert {part for part in parts if part.startswith("_") and part != "__main__"} == set()


@pytest.mark.parametrize("place", PLUGIN_FOLDERS)
def test_a_folder_of_plugins_holds_no_code_itself(place: str) -> None:
    (name,) = (name for name in trees() if path(name) == f"{place}/__init__.py")
    assert [ast.unparse(node) for node in trees()[name].body[1:]] == []


def test_no_plugin_imports_another() -> None:
    plugins = {plugin.__module__ for kind in catalog.ROOTS for plugin in catalog.installed(kind)}
    assert plugins <= set(trees())
    assert [f"{name} imports {other}" for name, other in imports() if name in plugins and other in plugins] == []


def test_no_module_of_the_runtime_names_a_plugin() -> None:
    named = [
        f"{path(name)} imports {path(other)}"
        for name, other in imports()
        if row(name).ring == "runtime" and row(other).ring == "plugins"
    ]
    assert named == []


def test_data_and_pure_logic_do_no_io() -> None:
    doing = [
        f"{path(name)} imports {full}"
        for name, tree in trees().items()
        if row(name).ring in ("data", "pure")
        for full in imported(tree)
        if full.partition(".")[0] in IO
    ]
    assert doing == []


def test_the_stack_is_used_by_commands_and_the_demo_only() -> None:
    users = {path(name) for name, other in imports() if within(folder(other), "ferryman/stack")}
    allowed = ("ferryman/stack", "ferryman/demo", "ferryman/commands")
    assert [user for user in sorted(users) if not any(within(user, place) for place in allowed)] == []


def test_nothing_can_turn_data_into_code() -> None:
    found = [
        f"{name}:{node.lineno} {ast.unparse(node.func)}"
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in FORBIDDEN_CALLS
    ]
    found += [
        f"{name} imports {full}"
        for name, tree in trees().items()
        for full in imported(tree)
        if full.partition(".")[0] in FORBIDDEN_MODULES
    ]
    assert found == []
