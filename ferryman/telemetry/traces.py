"""Tracebacks as the traceback module writes them, for errors that come by the thousand: what is written of a place in
the code is kept, since the module reads and parses its line anew each time."""

import traceback
from collections.abc import Iterator, Sequence
from itertools import groupby
from types import CodeType, TracebackType

_MOST_PLACES = 4096
_MOST_ALIKE = 3
"""A place that comes more often in a row is not written each time."""
_SAY_MORE = (SyntaxError, NameError, AttributeError, ImportError)
"""For these the traceback module quotes the source, or guesses what was meant."""
_BARE = ("__main__", "builtins")
"""Modules whose classes are named without them."""
_HEAD = "Traceback (most recent call last):\n"
_CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
_CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"

_texts: dict[tuple[int, int], tuple[CodeType, str]] = {}
"""By the identity of the code, which is held so that no other can have it, and the instruction."""


class _Unusual(Exception):
    """An error that is left to the traceback module."""


def of(error: BaseException) -> str:
    """The error with its causes, as ``traceback.format_exception`` has it."""
    try:
        return "".join(_lines(error))
    except _Unusual:
        return "".join(traceback.format_exception(error))


def _lines(error: BaseException) -> Iterator[str]:
    for each, told in reversed(_chain(error)):
        if each.__traceback__ is not None:
            yield _HEAD
            yield from _places(each.__traceback__)
        yield from _said(each)
        yield told


def _said(error: BaseException) -> Sequence[str]:
    if isinstance(error, _SAY_MORE) or hasattr(error, "__notes__"):
        return traceback.format_exception_only(error)
    try:
        text = str(error)
    except Exception:
        raise _Unusual from None
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ in _BARE else f"{kind.__module__}.{kind.__qualname__}"
    return [f"{name}: {text}\n" if text else f"{name}\n"]


def _chain(error: BaseException) -> list[tuple[BaseException, str]]:
    """The error and what led to it, the last first, each with the sentence that leads over to what came of it."""
    found, seen, told = list[tuple[BaseException, str]](), set[int](), ""
    following: BaseException | None = error
    while following is not None:
        if id(following) in seen or isinstance(following, BaseExceptionGroup):
            raise _Unusual
        seen.add(id(following))
        found.append((following, told))
        if following.__cause__ is not None:
            following, told = following.__cause__, _CAUSE
        else:
            following, told = (None if following.__suppress_context__ else following.__context__), _CONTEXT
    return found


def _places(trace: TracebackType) -> Iterator[str]:
    frames, following = [trace], trace.tb_next
    while following is not None:
        frames.append(following)
        following = following.tb_next
    for _, alike in groupby(frames, lambda each: (each.tb_frame.f_code, each.tb_lineno)):
        if len(list(alike)) > _MOST_ALIKE:
            raise _Unusual
    return map(_place, frames)


def _place(trace: TracebackType) -> str:
    code = trace.tb_frame.f_code
    key = id(code), trace.tb_lasti
    if key not in _texts:
        if len(_texts) >= _MOST_PLACES:
            _texts.clear()
        _texts[key] = code, "".join(traceback.format_tb(trace, limit=1))
    return _texts[key][1]
