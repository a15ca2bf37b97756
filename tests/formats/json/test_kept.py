"""What is kept of schemas: those used last, as many as the config says, or more while their texts are short."""

import pytest

from ferryman.formats.json.kept import Kept


def filled(kept: Kept[int, str], count: int, size: int) -> Kept[int, str]:
    for number in range(count):
        kept.put(number, str(number), size)
    return kept


def test_more_than_the_config_says_are_kept_while_they_are_small() -> None:
    kept = filled(Kept(2), 5000, 100)
    assert [kept.get(number) for number in (0, 4999)] == ["0", "4999"]


def test_of_large_ones_no_more_are_kept_than_the_config_says() -> None:
    kept = filled(Kept(3), 10, 3 << 20)
    assert [number for number in range(10) if kept.get(number)] == [7, 8, 9]


def test_very_large_ones_are_fewer_than_the_config_says_but_the_last_is_always_kept() -> None:
    assert [number for number in range(10) if filled(Kept(1000), 10, 20 << 20).get(number)] == [7, 8, 9]
    assert [number for number in range(3) if filled(Kept(1000), 3, 100 << 20).get(number)] == [2]


def test_what_was_used_last_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Kept, "free", 0)
    kept = filled(Kept(3), 3, 1)
    assert kept.get(0) == "0"
    kept.put(3, "3", 1)
    assert [number for number in range(4) if kept.get(number)] == [0, 2, 3]


def test_one_that_is_put_again_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Kept, "free", 25)
    kept = Kept[int, str](1)
    for _ in range(10):
        kept.put(1, "1", 10)
        kept.put(2, "2", 10)
    assert (kept.get(1), kept.get(2), len(kept)) == ("1", "2", 2)
