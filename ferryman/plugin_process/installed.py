"""What other packages have installed: their entry points, imported."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ferryman.plugins import others
from ferryman.plugins.others import Point
from ferryman.settings.settings import Settings

ASK = "installed"


def question(points: Sequence[Point]) -> dict[str, Any]:
    """Asks what there is at these."""
    return {"ask": ASK, "points": [asdict(each) for each in points]}


def answer(asked: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Answers that, see ``plugins.others``."""
    return others.examined(Point(**each) for each in asked["points"]).dump()
