"""The order of tests, from files and tests as a run has them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from tests import order


@dataclass(frozen=True)
class Item:
    path: Path
    fixturenames: tuple[str, ...] = ()
    name: str = field(default="")


def ordered(items: list[Item], hands: int) -> list[Item]:
    return cast(list[Item], order.ordered(cast(Any, items), hands))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("chain", "rest", "task", "__pycache__"):
        (tmp_path / name).mkdir()
    for name in ("test_known.py", "running.py"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize("of", [1, 2, 3, 4, 9])
def test_each_process_collects_all_and_begins_elsewhere(folder: Path, of: int) -> None:
    found = [order.parts(folder, first, of) for first in range(of)]
    assert {tuple(sorted(each)) for each in found} == {
        tuple(str(folder / name) for name in ("chain", "rest", "task", "test_known.py"))
    }
    assert len({each[0] for each in found}) == min(of, 4)


def test_the_longest_is_the_first_of_those_that_need_the_stack() -> None:
    names = ("tests/chain/test_a.py", "tests/reliability/chaos/test_chaos.py", "tests/rest/test_b.py")
    items = [Item(Path(name), ("stack",)) for name in names] + [Item(Path("tests/tls/test_c.py"))]
    assert [each.path.name for each in ordered(items, 1)] == ["test_c.py", "test_chaos.py", "test_a.py", "test_b.py"]


@pytest.mark.parametrize("hands", [1, 2, 3, 4])
def test_each_hand_has_whole_files_and_first_what_needs_no_stack_whatever_was_collected_first(hands: int) -> None:
    files = [Path(f"tests/{folder}/test_{each}.py") for folder in ("chain", "differential", "rest") for each in "abcd"]
    items = [Item(path, need, str(n)) for path in files for n in range(3) for need in ((), ("kafka", "unique"))]
    found = ordered(items, hands)
    assert found == ordered(items[18:] + items[:18], hands)
    assert sorted(map(str, found)) == sorted(map(str, items))
    size = len(items) // hands
    for hand in (found[start : start + size] for start in range(0, len(items), size)):
        needs = [bool(each.fixturenames) for each in hand]
        assert needs == sorted(needs)
        assert "differential" in str(hand[0].path)
        seen = [(each.path, bool(each.fixturenames)) for each in hand]
        assert len(set(seen)) == sum(one != other for one, other in zip([None, *seen], seen, strict=False))
