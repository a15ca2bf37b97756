"""The entry point of a task's process: however its work ends, the worker is told."""

from types import SimpleNamespace
from typing import Any

import pytest

from ferryman.task import process


class Panic(BaseException):
    """As polars' own, which is no Exception."""


@pytest.mark.parametrize(
    "error", [Panic("out of range"), ValueError("out of range")], ids=lambda each: type(each).__name__
)
def test_an_error_of_any_kind_is_a_failure_with_its_trace(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise error

    told: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr("ferryman.task.process.sessions.run", fails)
    spec: Any = SimpleNamespace(probe=())
    control: Any = SimpleNamespace(tell=lambda what, more: told.append((what, more)))
    process._run(spec, control)
    ((what, more),) = told
    assert what == "failed"
    assert f"{type(error).__name__}: out of range" in more["trace"]
