"""A jq program, run where it can do no harm: in a child without environment, files, much memory and time."""

import atexit
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ferryman.errors import DataError
from ferryman.killable.process import Crashed, Killable, OutOfTime
from ferryman.telemetry.lines import cut

CPU_SECONDS = 2.0
"""Seconds of CPU for one value."""
MEMORY_BYTES = 1 << 30
"""Bytes that the child may have, itself included."""
MAX_CHARACTERS = 4_000
"""The longest program, in characters: it is written into headers."""
LONGEST_REASON = 500
"""Characters of what a program says for itself, by ``error``: that stands there too."""


class BadProgram(Exception):
    """An invalid program; the message says why."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program of jq's language."""

    text: str

    def check(self) -> None:
        """Raises BadProgram if it is invalid, RetriableError if the child does not start."""
        if not self.text.strip():
            raise BadProgram("the expression is empty")
        if len(self.text) > MAX_CHARACTERS:
            raise BadProgram(f"the expression has more than {MAX_CHARACTERS:,} characters")
        if "\0" in self.text:
            raise BadProgram("the expression contains a NUL character")
        try:
            answer = _asked(self.text, None)
        except (OutOfTime, Crashed):
            raise BadProgram("the expression cannot be compiled within its time and memory") from None
        if "fault" in answer:
            raise BadProgram(_fault(answer["fault"]))

    def edited(self, value: str) -> str:
        """The edited value, both in JSON. DataError if that is not one value, or takes too long or too much memory;
        RetriableError if the child does not start."""
        try:
            answer = _asked(self.text, value)
        except OutOfTime:
            raise DataError(f"The edit takes more than {CPU_SECONDS:g} seconds for this value") from None
        except Crashed:
            raise DataError("The edit takes more memory than it may have for this value") from None
        if "text" in answer:
            return str(answer["text"])
        reason = answer.get("refused") or _fault(answer["fault"])
        raise DataError(f"The edit failed for this value: {cut(reason, LONGEST_REASON)}")


def _asked(program: str, text: str | None) -> Any:
    return _CHILD.answer({"program": program, "text": text, "seconds": CPU_SECONDS})


def _fault(told: str) -> str:
    """The first error that jq reports. Columns are those of the expression, which is in parentheses."""
    first = told.partition("\n")[0].removeprefix("jq: error: ")
    what, _, _ = first.partition(" at <top-level>")
    return what


def _module() -> str:
    found = find_spec("jq")
    assert found is not None
    assert found.origin is not None
    return found.origin


_CHILD = Killable(Path(__file__).with_name("child.py"), "edits values", [_module(), str(MEMORY_BYTES)])
atexit.register(_CHILD.end)
