"""No pattern of ours goes through a text more than once: what comes from outside may be long, and made to hurt."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import pytest

from tests.house.repeats import faults, with_flags
from tests.house.test_rings import files, path, trees

METHODS = {"match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer", "compile"}
SEARCHING = {"search", "sub", "subn", "split", "findall", "finditer"}
OF_OUR_OWN_TEXTS = ("ferryman/stack/", "ferryman/demo/", "ferryman/docs/")
"""Folders whose patterns look at texts of this project only."""
PUT_TOGETHER = {
    "connectors/s3/config/source_names.py": "of escaped texts and bounded digits, for the name of an object",
    "connectors/sql/dialects/names.py": "of a database's quotes, each of them followed by what it is not",
    "ferryman/java/simple_date_format/parser.py": "of pieces with repeats that are possessive or bounded",
    "ferryman/regex/child.py": "a user's, in a process that is killed",
}
"""Files with patterns that are not written down, and why they may be there."""
RIGHT: Mapping[str, str] = {
    r"''|'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+|'": "its readers stop at the first quote that is not closed",
}
"""Patterns that the rules refuse although they are right, and why."""


@dataclass(frozen=True)
class Pattern:
    """A pattern in the code."""

    place: str
    text: str | None
    """None if it cannot be told without running the code."""
    searched: bool


@cache
def patterns() -> Sequence[Pattern]:
    """Every pattern that is given to ``re``."""
    return tuple(_found())


def _found() -> Iterator[Pattern]:
    for name, tree in trees().items():
        if path(name).startswith(OF_OUR_OWN_TEXTS):
            continue
        if "re." not in files()[name].read_text(encoding="utf-8"):
            continue
        variables = {
            node.value: node.targets[0].id
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for node in ast.walk(tree):
            if method := method_of(node):
                assert isinstance(node, ast.Call)
                uses = methods_on(tree, variables[node]) if node in variables else {method}
                yield Pattern(f"{path(name)}:{node.lineno}", text_of(node), bool(uses & SEARCHING))


def method_of(node: ast.AST) -> str | None:
    """The function of ``re`` that is called, if one is."""
    called = node.func if isinstance(node, ast.Call) else None
    is_ours = isinstance(called, ast.Attribute) and ast.unparse(called.value) == "re" and called.attr in METHODS
    return called.attr if is_ours and isinstance(called, ast.Attribute) else None


def methods_on(tree: ast.Module, variable: str) -> set[str]:
    """What is done with a compiled pattern; everything, if it is handed on."""
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == variable]
    called = [
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == variable
    ]
    return set(called) if len(called) + 1 == len(used) else METHODS


def text_of(call: ast.Call) -> str | None:
    """The pattern of a call with its flags in front."""
    compiles = method_of(call) == "compile"
    try:
        values = [eval(ast.unparse(arg), {"re": re}) for arg in call.args[: 2 if compiles else 1]]
    except NameError:
        return None
    return with_flags(re.compile(*values))


def test_no_pattern_has_repeats_within_or_beside_repeats() -> None:
    found = [each for each in patterns() if each.text is not None and each.text not in RIGHT]
    assert len(found) > 50
    wrong = [
        f"{each.place}: {fault}: {each.text}" for each in found for fault in faults(each.text or "", each.searched)
    ]
    assert wrong == []


def test_what_is_put_together_while_running_is_known() -> None:
    places = {each.place.partition(":")[0] for each in patterns() if each.text is None}
    assert places == set(PUT_TOGETHER)


def test_exceptions_are_still_needed() -> None:
    used = {each.text for each in patterns() if each.text and any(faults(each.text, each.searched))}
    assert set(RIGHT) - used == set()


@pytest.mark.parametrize(
    ("pattern", "searched"),
    [
        ("(a+)+", False),
        ("(?:a|b*)*c", False),
        (r"\d+\.?\d*x", False),
        (r"\s*x?\s*;", False),
        (".*.*=.*", False),
        (r"\s*,", True),
        ("[a-z][a-z.]*://", True),
        (r"\{\{.*?\}\}", True),
    ],
)
def test_the_rules_find_what_backtracks(pattern: str, searched: bool) -> None:
    assert list(faults(pattern, searched)) != []


@pytest.mark.parametrize(
    ("pattern", "searched"),
    [
        ("a+b+", False),
        (r"\d+(?:\.\d*)?", False),
        (r"x+(?:\.x+)*", False),
        (r"\s*,", False),
        (r'"[^"]*"', True),
        ("a*+", True),
    ],
)
def test_the_rules_leave_alone_what_does_not(pattern: str, searched: bool) -> None:
    assert list(faults(pattern, searched)) == []
