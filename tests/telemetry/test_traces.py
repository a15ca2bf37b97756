"""Traces read as Python's own, also those of which the places are known by then."""

import traceback
from collections.abc import Callable
from typing import Any

import pytest

from ferryman.telemetry import traces


def plain() -> None:
    int("x")


def caused() -> None:
    try:
        plain()
    except ValueError as error:
        raise KeyError("a") from error


def met_on_the_way() -> None:
    try:
        caused()
    except KeyError:
        raise RuntimeError  # noqa: B904


def suppressed() -> None:
    try:
        plain()
    except ValueError:
        raise RuntimeError("no cause") from None


def noted() -> None:
    error = ValueError("with a note")
    error.add_note("the note")
    raise error


def misspelt() -> None:
    [].apend(1)  # type: ignore[attr-defined]


def no_syntax() -> None:
    compile("a b", "some.py", "exec")


def deep(calls: int = 20) -> None:
    deep(calls - 1) if calls else plain()


def several() -> None:
    try:
        plain()
    except ValueError as error:
        raise ExceptionGroup("several", [error, KeyError("b")]) from error


def many_lines() -> None:
    raise ValueError("one\ntwo\n")


def in_a_circle() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    raise one


def unprintable() -> None:
    class Silent(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    raise Silent


def never_raised() -> ValueError:
    return ValueError("made, not raised")


@pytest.mark.parametrize(
    "fail",
    [
        plain,
        caused,
        met_on_the_way,
        suppressed,
        noted,
        misspelt,
        no_syntax,
        deep,
        several,
        many_lines,
        in_a_circle,
        unprintable,
    ],
)
def test_a_trace_reads_as_pythons_own(fail: Callable[[], Any]) -> None:
    for _ in range(2):
        with pytest.raises(Exception) as found:  # noqa: PT011
            fail()
        assert traces.of(found.value) == "".join(traceback.format_exception(found.value))


def test_an_error_that_was_never_raised_has_no_places() -> None:
    error = never_raised()
    assert traces.of(error) == "".join(traceback.format_exception(error)) == "ValueError: made, not raised\n"


def test_code_that_looks_the_same_in_two_files_is_told_apart() -> None:
    def told(name: str) -> str:
        try:
            exec(compile("int('x')", name, "exec"))
        except ValueError as error:
            return traces.of(error)
        return ""

    assert 'File "one.py", line 1' in told("one.py")
    assert 'File "two.py", line 1' in told("two.py")


def test_what_is_kept_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "_MOST_PLACES", 3)
    for number in range(10):
        with pytest.raises(ValueError, match="invalid literal") as found:
            exec(compile("\n" * number + "int('x')", "lines.py", "exec"))
        assert traces.of(found.value) == "".join(traceback.format_exception(found.value))
        assert len(traces._texts) <= 3
