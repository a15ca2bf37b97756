"""Lays what tasks run of Python's code together in memory, so that it lies on few pages.

CPython 3.11 and 3.12 write into a function's code when it runs: how often it was called, what it was specialized for,
who refers to it. A forked process makes each page its own that is written to, and the thousand functions that a task
runs lie among eighteen thousand others: a page each for half of them. So the server gives these functions copies of
their code that lie side by side. ``hot_code.json`` names them; ``python -m bench.hot_code`` has written it from what
tasks ran. A function that it names and that is no longer there is passed over, and one that it does not name costs its
page.

From 3.13 on a function whose code was replaced is never specialized for its callers again, which costs more than it
brings: nothing is done there.
"""

import gc
import json
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from threading import Thread
from types import CodeType, FunctionType

INDEX = Path(__file__).with_name("hot_code.json")
"""Lists of functions, those that most kinds of tasks run first: by module, their qualified names."""
REPLACEABLE = sys.version_info < (3, 13)
_LEAST = 20
"""Functions; fewer are not worth it."""
_LARGEST_SMALL, _STEP, _POOL = 512, 16, 16384
"""Bytes. Objects up to this size lie in pools of Python's own, each with objects of one size, a multiple of a step."""
_BYTES_HEAD = sys.getsizeof(b"")
_MOST_FILLING = 2000
"""Objects of a size that fill gaps at most."""
_kept: list[object] = []
"""The code that was replaced, and what fills gaps: if it went, new objects would lie in its place, far apart."""


def gather() -> None:
    """For the functions that were imported since the last ``gc.freeze``."""
    if not REPLACEABLE:
        return
    places = _places()
    found = [
        (places[name], each)
        for each in gc.get_objects()
        if type(each) is FunctionType
        and (name := (each.__globals__.get("__name__"), each.__code__.co_qualname)) in places
    ]
    if len(found) < _LEAST:
        return
    found.sort(key=lambda each: each[0])
    _fill_gaps()
    # A thread that is new to malloc gets a heap of its own, in which what is larger than the pools take lies together.
    thread = Thread(target=_replace, args=([each for _, each in found],))
    thread.start()
    thread.join()


@cache
def _places() -> dict[tuple[object, str], int]:
    """The place of each function in the order."""
    lists = json.loads(INDEX.read_text())
    names = [(module, name) for each in lists for module, found in each.items() for name in found]
    return {name: place for place, name in enumerate(names)}


def _replace(functions: Iterable[FunctionType]) -> None:
    copies: dict[int, CodeType] = {}
    for each in functions:
        each.__code__ = _copied(each.__code__, copies)


def _copied(code: CodeType, copies: dict[int, CodeType]) -> CodeType:
    """A copy, in which the functions that it makes have copies too; ``copies`` are those there are, by what was copied,
    which several functions may share."""
    if (known := copies.get(id(code))) is not None:
        return known
    consts = tuple(_copied(each, copies) if isinstance(each, CodeType) else each for each in code.co_consts)
    _kept.append(code)
    copies[id(code)] = made = code.replace(co_consts=consts)
    return made


def _fill_gaps() -> None:
    """Has the next small objects of each size lie side by side: what imports have left free between others is taken."""
    for size in range(_BYTES_HEAD // _STEP * _STEP + _STEP, _LARGEST_SMALL + 1, _STEP):
        _kept.extend(_filling(size))


def _filling(size: int) -> Iterator[bytes]:
    """Objects of a size, until they come in a row, as in a pool that was empty."""
    last = row = 0
    for _ in range(_MOST_FILLING):
        made = bytes(size - _BYTES_HEAD)
        row = row + 1 if id(made) == last + size else 0
        last = id(made)
        yield made
        if row >= _POOL // size - 2:
            return
