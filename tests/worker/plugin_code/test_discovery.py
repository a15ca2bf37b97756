"""What others have installed is found package by package, and one that does harm costs no more than itself."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from ferryman.errors import RequestError
from ferryman.plugins.entry import Entry
from ferryman.plugins.others import Others, Point
from ferryman.worker.plugin_code import discovery
from ferryman.worker.plugin_code.processes import Asked
from ferryman.worker.pool import DEADLINE_SECONDS


def point(name: str, package: str) -> Point:
    return Point("ferryman.connectors", name, f"{package}:{name}", package, "1.0")


BIRDS = [point("Gull", "birds"), point("Vulture", "birds"), point("Tern", "birds")]
FISH = [point("Cod", "fish")]


class Answers:
    """Somebody who answers, for whom the vulture is too much."""

    def __init__(self) -> None:
        self.asked: list[Sequence[str]] = []

    async def __call__(self, asked: Asked, within: float = DEADLINE_SECONDS) -> Mapping[str, Any]:
        names = [each["name"] for each in asked.question["points"]]
        self.asked.append(names)
        assert asked.once
        if "Vulture" in names:
            raise RequestError(500, "the process was eaten")
        return Others(tuple(Entry("sink", "birds", name, (name,)) for name in names), (), {"birds": "1.0"}).dump()


def found(points: Sequence[Point]) -> tuple[Others, list[Sequence[str]]]:
    answers = Answers()
    others = asyncio.run(discovery.discover(points, answers))
    assert answers.asked[:1] in ([], [[]]), "the first question is whether anybody is there"
    return others, answers.asked[1:]


def test_a_package_is_looked_at_as_a_whole() -> None:
    others, asked = found([BIRDS[0], BIRDS[2], *FISH])
    assert sorted(map(list, asked)) == [["Cod"], ["Gull", "Tern"]]
    assert sorted(each.attribute for each in others.of("sink")) == ["Cod", "Gull", "Tern"]
    assert others.versions == {"birds": "1.0"}
    assert others.broken == ()


def test_one_that_ends_its_process_is_left_out_with_a_line_and_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    others, asked = found([*BIRDS, *FISH])
    assert sorted(map(list, asked)) == [["Cod"], ["Gull"], ["Gull", "Vulture", "Tern"], ["Tern"], ["Vulture"]]
    assert sorted(each.attribute for each in others.of("sink")) == ["Cod", "Gull", "Tern"]
    assert [(each.point, each.reason) for each in others.broken] == [("Vulture", "the process was eaten")]
    assert caplog.messages == ["the plugin Vulture of birds cannot be loaded and is left out: the process was eaten"]


def test_where_nobody_has_installed_any_nobody_is_asked() -> None:
    assert found([]) == (Others(), [])


def test_what_was_found_comes_over_the_line_whole() -> None:
    others, _ = found([*BIRDS, *FISH])
    assert Others.load(others.dump()) == others
