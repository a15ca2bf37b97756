"""What plugins' code returns or raises comes over the line as what it was."""

from collections.abc import Callable
from typing import Any

import pytest

from ferryman.errors import ConfigError, KeyProblem, RequestError, RetriableError, TaskError
from ferryman.plugin_process import answer
from ferryman.telemetry import redaction


def raising(error: BaseException) -> Callable[[], Any]:
    def work() -> None:
        raise error

    return work


def over_the_line(work: Callable[[], Any]) -> Any:
    text = answer.of(work)
    assert text.isascii()
    assert "\n" not in text
    return answer.unpack(text)


@pytest.mark.parametrize("value", [None, True, {"a": [1, 2.5]}, 1 << 80, "half a pair \ud800, and ü"])
def test_what_is_returned_is_found(value: Any) -> None:
    assert over_the_line(lambda: value) == value


def test_a_refusal_keeps_its_status_and_a_config_its_problems() -> None:
    with pytest.raises(RequestError, match=r"^no such thing$") as refused:
        over_the_line(raising(RequestError(404, "no such thing")))
    assert refused.value.status == 404
    problems = (KeyProblem("a", "a is wrong"), KeyProblem("b", "b too"))
    with pytest.raises(ConfigError) as wrong:
        over_the_line(raising(ConfigError(*problems)))
    assert tuple(wrong.value.problems) == problems


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (RetriableError("it is away"), "it is away"),
        (LookupError("not there"), "not there"),
        (ZeroDivisionError(), "ZeroDivisionError"),
    ],
)
def test_other_errors_are_told_in_their_words(error: Exception, text: str) -> None:
    with pytest.raises(TaskError) as raised:
        over_the_line(raising(error))
    assert str(raised.value) == text


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_what_is_no_exception_ends_nothing_here(error: BaseException) -> None:
    with pytest.raises(answer.PluginError, match=rf"^{type(error).__name__}"):
        over_the_line(raising(error))


def test_no_secret_comes_with_an_error() -> None:
    redaction.protect("Plover-canary/1")
    for error in (RequestError(400, "Plover-canary/1"), LookupError("Plover-canary/1"), SystemExit("Plover-canary/1")):
        with pytest.raises(Exception, match=r"\[hidden\]"):
            over_the_line(raising(error))
