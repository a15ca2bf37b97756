"""The code that tasks run is laid together, and does what it did."""

import gc
import inspect
import json
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from types import FunctionType

import pytest

from ferryman.worker.forks import hot_code

pytestmark = pytest.mark.skipif(not hot_code.REPLACEABLE, reason="nothing is done in this Python")
HERE = __name__
PAGES = """
import gc
gc.disable()
from types import FunctionType
from ferryman.task import process
from ferryman.worker.forks import hot_code
def pages():
    places = hot_code._places()
    found = {id(each.__code__) for each in gc.get_objects() if type(each) is FunctionType
             and (each.__globals__.get("__name__"), each.__code__.co_qualname) in places}
    return len({each >> 12 for each in found})
before = pages()
hot_code.gather()
print(before, pages())
"""


def outer(base: int, *more: int, scale: int = 2) -> Callable[[int], int]:
    """With a cell, defaults, a comprehension, a lambda and a class."""

    class Kept:
        each = base
        doubled = tuple([number * 2 for number in (base, *more)])

        def value(self) -> int:
            return self.each + sum(self.doubled)

    def inner(number: int) -> int:
        return (lambda: Kept().value() + base + number * scale)()

    return inner


def counting(to: int) -> Iterator[int]:
    yield from range(to)


def failing() -> None:
    raise ValueError("as ever")


class Parent:
    def name(self) -> str:
        return "parent"


class Child(Parent):
    """Its methods are found by way of a cell, and a wrapper."""

    def name(self) -> str:
        return f"child of {super().name()}"

    @property
    def length(self) -> int:
        return len(self.name())


NAMES = ["outer", "outer.<locals>.inner", "counting", "failing", "Child.name", "Child.length", "Parent.name"]


def results() -> list[object]:
    try:
        failing()
    except ValueError as error:
        trace = traceback.format_exception(error)[-2:]
    return [outer(3, 4, scale=5)(6), list(counting(3)), trace, Child().name(), Child().length, inspect.signature(outer)]


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A list that names the functions above, and others that nobody has."""
    file = tmp_path / "hot_code.json"
    file.write_text(json.dumps([{HERE: NAMES}, {"no.such.module": ["nothing"], HERE: ["outer.<locals>.gone"]}]))
    monkeypatch.setattr(hot_code, "INDEX", file)
    monkeypatch.setattr(hot_code, "_LEAST", 1)
    hot_code._places.cache_clear()
    gc.unfreeze()  # whoever runs the tests may have frozen what they import
    yield file
    gc.freeze()
    hot_code._places.cache_clear()


def code_of(function: object) -> object:
    assert isinstance(function, FunctionType)
    return function.__code__


def test_what_was_laid_together_does_what_it_did(listed: Path) -> None:
    made_before = outer(1, scale=1)
    before, codes = results(), [code_of(each) for each in (outer, counting, failing, Child.name, made_before)]
    hot_code.gather()
    after = [code_of(each) for each in (outer, counting, failing, Child.name, made_before)]
    assert not {id(each) for each in codes} & {id(each) for each in after}
    assert codes == after
    assert results() == before
    assert made_before(1) == 5


def test_functions_of_one_code_share_its_copy(listed: Path) -> None:
    one, other = outer(1), outer(2)
    hot_code.gather()
    assert code_of(one) is code_of(other) is code_of(outer(3))


def test_a_few_functions_are_left_where_they_are(listed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hot_code, "_LEAST", 20)
    before = code_of(outer)
    hot_code.gather()
    assert code_of(outer) is before


def test_tasks_functions_lie_on_half_as_many_pages() -> None:
    ran = subprocess.run([sys.executable, "-P", "-c", PAGES], capture_output=True, text=True, check=True)
    before, after = map(int, ran.stdout.split())
    assert 0 < after < before / 2


def test_gaps_are_filled_until_small_objects_of_each_size_come_in_a_row() -> None:
    among = [bytes(100) for _ in range(1000)]
    del among[::2]
    hot_code._fill_gaps()
    places = [id(each) for each in [bytes(100) for _ in range(8)]]
    steps = [later - earlier for earlier, later in pairwise(places)]
    assert len([step for step in steps if step != 144]) <= 1  # where a pool ends and the next begins
