"""Imports point inwards: data → pure logic → plugin API → plugins → runtime → edge, and nothing deserialises code."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RINGS: Mapping[str, Sequence[str]] = {
    "data": ["__init__", "errors", "schema", "record", "config"],
    "pure": [
        "values",
        "decimals",
        "dtypes",
        "header_values",
        "properties",
        "response_headers",
        "redaction",
        "faults",
        "delivery",
        "backoff",
        "offset_file",
        "source_offsets",
        "client_*",
        "avro*",
        "json_*",
        "java_*",
        "joda_time",
    ],
    "api": ["api", "connector", "conversion", "plugins", "chain", "chain_config", "plan", "assembly"],
    "plugins": ["connectors.*", "transforms.*", "converters.*", "registry"],
    "runtime": [],
    "edge": [
        "__main__",
        "rest",
        "rest_*",
        "connector_file",
        "standalone_worker",
        "reference",
        "commands",
        "commands.*",
        "stack",
        "stack.*",
        "demo",
        "demo.*",
    ],
}
"""From the inside out; what is named nowhere is runtime. A package itself, without its modules, holds no code."""
PACKAGES = {"connectors", "transforms", "converters"}
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


def name_of(file: Path) -> str:
    """The module's name below ``ferryman``."""
    path = file.relative_to(ROOT)
    parts = list(path.with_suffix("").parts)
    if parts[0] == "ferryman":
        parts = parts[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def files() -> Iterator[Path]:
    """Every module of the package, at its real place."""
    for folder in ("ferryman", "connectors", "transforms"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            if not (folder == "ferryman" and file.relative_to(ROOT).parts[1] in {"connectors", "transforms"}):
                yield file


@cache
def trees() -> Mapping[str, ast.Module]:
    """The modules by name."""
    return {name_of(file): ast.parse(file.read_text(encoding="utf-8")) for file in files()}


def imported(tree: ast.Module) -> Iterator[str]:
    """The full name of everything imported, also inside functions; ``from a import b`` is ``a.b``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def uses(name: str) -> set[str]:
    """The modules of ours that a module imports."""
    found = set()
    for full in imported(trees()[name]):
        head, _, below = full.partition(".")
        if head == "ferryman":
            inner = next((each for each in (below, below.rpartition(".")[0]) if each in trees()), "__init__")
            found.add(inner)
    return found - {name}


def ring(name: str) -> int:
    """Which ring a module is in."""
    for number, patterns in enumerate(RINGS.values()):
        for pattern in patterns:
            if name == pattern or (pattern.endswith("*") and name.startswith(pattern[:-1])):
                return number
    return list(RINGS).index("data" if name in PACKAGES else "runtime")


def test_every_name_in_the_table_is_a_module() -> None:
    gone = [
        pattern
        for patterns in RINGS.values()
        for pattern in patterns
        if not any(name == pattern or (pattern[-1] == "*" and name.startswith(pattern[:-1])) for name in trees())
    ]
    assert gone == []


def test_imports_point_inwards() -> None:
    rings = list(RINGS)
    outwards = [
        f"{name} ({rings[ring(name)]}) imports {other} ({rings[ring(other)]})"
        for name in trees()
        for other in sorted(uses(name))
        if ring(other) > ring(name)
    ]
    assert outwards == []


def test_no_import_goes_round_in_a_circle() -> None:
    TopologicalSorter({name: uses(name) for name in trees()}).prepare()


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_a_package_of_plugins_holds_no_code_itself(package: str) -> None:
    assert [ast.unparse(node) for node in trees()[package].body[1:]] == []


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_plugins_share_through_modules_with_an_underscore_only(package: str) -> None:
    others = {
        f"{name} imports {other}"
        for name in trees()
        for other in uses(name)
        if name.startswith(f"{package}.")
        and other.partition(".")[0] in PACKAGES
        and not other.startswith(f"{package}._")
    }
    assert others == set()


def test_no_module_of_the_runtime_names_a_plugin() -> None:
    named = {
        f"{name} imports {other}"
        for name in trees()
        for other in uses(name)
        if ring(name) == list(RINGS).index("runtime") and ring(other) == list(RINGS).index("plugins")
    }
    assert named == set()


def test_data_and_pure_logic_do_no_io() -> None:
    doing = [
        f"{name} imports {full}"
        for name, tree in trees().items()
        if ring(name) <= list(RINGS).index("pure")
        for full in imported(tree)
        if full.partition(".")[0] in IO
    ]
    assert doing == []


def test_the_stack_is_used_by_commands_and_the_demo_only() -> None:
    users = {name for name in trees() if any(other.partition(".")[0] == "stack" for other in uses(name))}
    assert {name for name in users if name.partition(".")[0] not in {"stack", "demo", "commands"}} == set()


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
