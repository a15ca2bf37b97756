"""Nothing grows too large to be read: the limits on files, classes, functions and parameters."""

import ast
from collections.abc import Iterator
from functools import cache

from tests.places import ROOT

FILE, CLASS, FUNCTION, PARAMETERS = 400, 250, 40, 6
Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> Iterator[tuple[str, str]]:
    """Path and text of every module of the package."""
    for folder in ("ferryman", "connectors", "transforms"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            path = file.relative_to(ROOT)
            if path.parts[:2] not in {("ferryman", "connectors"), ("ferryman", "transforms")}:
                yield str(path), file.read_text(encoding="utf-8")


def definitions(*kinds: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    """``file:line name`` and node of every class or function."""
    return ((where, node) for where, node in _all_definitions() if isinstance(node, kinds))


@cache
def _all_definitions() -> list[tuple[str, ast.AST]]:
    return [
        (f"{path}:{node.lineno} {node.name}", node)
        for path, text in modules()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
    ]


def lines(node: ast.AST) -> int:
    """How many lines a definition has, its decorators left out."""
    assert isinstance(node, ast.ClassDef | Function)
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def parameters(node: ast.AST) -> int:
    """How many parameters a function has besides self or cls."""
    assert isinstance(node, Function)
    taken = node.args
    named = [*taken.posonlyargs, *taken.args, *taken.kwonlyargs]
    return sum(each.arg not in {"self", "cls"} for each in named) + bool(taken.vararg) + bool(taken.kwarg)


def test_no_file_is_too_long() -> None:
    sizes = {path: len(text.splitlines()) for path, text in modules()}
    assert {path: size for path, size in sizes.items() if size > FILE} == {}


def test_no_class_is_too_long() -> None:
    assert {where: lines(node) for where, node in definitions(ast.ClassDef) if lines(node) > CLASS} == {}


def test_no_function_is_too_long() -> None:
    functions = definitions(ast.FunctionDef, ast.AsyncFunctionDef)
    assert {where: lines(node) for where, node in functions if lines(node) > FUNCTION} == {}


def test_no_function_takes_too_many_parameters() -> None:
    functions = definitions(ast.FunctionDef, ast.AsyncFunctionDef)
    assert {where: parameters(node) for where, node in functions if parameters(node) > PARAMETERS} == {}
