"""The group of workers in the bench: what counts as a balance, and that its table has a cell for each head."""

from types import SimpleNamespace
from typing import Any

import pytest

from bench import worker
from bench.worker import Found, balanced


def of(homes: dict[str, str]) -> Any:
    return SimpleNamespace(homes=lambda: homes)


@pytest.mark.parametrize(
    ("shares", "holds"), [((3, 3, 4), True), ((2, 4, 4), True), ((1, 4, 5), False), ((5, 5), False), ((3, 3, 3), False)]
)
def test_ten_tasks_are_balanced_when_all_run_and_no_worker_has_many_more(shares: tuple[int, ...], holds: bool) -> None:
    homes = {f"{host}-{task}": str(host) for host, share in enumerate(shares) for task in range(share)}
    assert balanced(of(homes), 10, 3) is holds


def test_each_figure_has_its_head() -> None:
    assert len(Found("Ferryman", *[1.0] * 10).row()) == len(worker._HEAD)
