"""The trace of what failed, as the worker is told it."""

from ferryman.forked import trace


def test_a_trace_has_all_causes() -> None:
    try:
        try:
            raise KeyError("first")
        except KeyError as error:
            raise RuntimeError("second") from error
    except RuntimeError as error:
        text = trace.of(error)
    assert "KeyError: 'first'" in text
    assert text.endswith("RuntimeError: second\n")


def test_a_long_one_keeps_its_beginning_and_its_end() -> None:
    text = trace.of(RuntimeError("a" * trace.LONGEST + "the end"))
    assert len(text) < trace.LONGEST + 10
    assert text.startswith("RuntimeError: a")
    assert text.endswith("the end\n")
    assert "\n[…]\n" in text
