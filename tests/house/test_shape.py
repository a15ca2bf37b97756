"""Nothing grows too large to be read: the limits on files, classes, functions and parameters."""

import ast
from collections.abc import Iterator
from functools import cache

from tests.house.test_rings import files, path, trees

FILE, CLASS, FUNCTION, PARAMETERS = 400, 250, 40, 6
Function = ast.FunctionDef | ast.AsyncFunctionDef


def definitions(*kinds: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    """``file:line name`` and node of every class or function."""
    return ((where, node) for where, node in _all_definitions() if isinstance(node, kinds))


@cache
def _all_definitions() -> list[tuple[str, ast.AST]]:
    return [
        (f"{path(name)}:{node.lineno} {node.name}", node)
        for name, tree in trees().items()
        for node in _statements(tree)
        if isinstance(node, ast.ClassDef | Function)
    ]


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """All that stand in a module or a statement, and parts of one that hold some. No expression holds any."""
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield each
            yield from _statements(each)


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
    sizes = {path(name): len(file.read_text(encoding="utf-8").splitlines()) for name, file in files().items()}
    assert {place: size for place, size in sizes.items() if size > FILE} == {}


def test_no_class_is_too_long() -> None:
    assert {where: lines(node) for where, node in definitions(ast.ClassDef) if lines(node) > CLASS} == {}


def test_no_function_is_too_long() -> None:
    functions = definitions(ast.FunctionDef, ast.AsyncFunctionDef)
    assert {where: lines(node) for where, node in functions if lines(node) > FUNCTION} == {}


def test_no_function_takes_too_many_parameters() -> None:
    functions = definitions(ast.FunctionDef, ast.AsyncFunctionDef)
    assert {where: parameters(node) for where, node in functions if parameters(node) > PARAMETERS} == {}
