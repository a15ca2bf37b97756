"""The converters that the worker's settings name: whether they can be made, and which of their settings do nothing."""

from collections.abc import Mapping
from typing import Any

from ferryman.errors import ConfigError
from ferryman.settings import converters
from ferryman.settings.settings import Settings

ASK = "converters"


def question() -> dict[str, Any]:
    """Asks that of the settings that the process was told at its start."""
    return {"ask": ASK}


def answer(asked: Mapping[str, Any], settings: Settings) -> list[str]:
    """Answers that: the warnings. Raises ConfigError with every problem."""
    problems = converters.problems(settings.values)
    if problems:
        raise ConfigError(*(settings.references.problem(each) for each in problems))
    return list(converters.warnings(settings.values))
