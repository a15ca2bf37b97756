"""Asks the child process that matches patterns, and that may be killed."""

import atexit
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from ferryman.killable.process import Killable
from ferryman.killable.process import OutOfTime as OutOfTime

Method = Literal["fullmatch", "search"]
Spans = tuple[tuple[int, int], ...]


class Uncompilable(Exception):
    """Python's engine does not take the pattern; the message says why."""


class Child(Killable):
    """The child process of this process. May be used by any thread; requests take turns."""

    def __init__(self) -> None:
        super().__init__(Path(__file__).with_name("child.py"), "matches regular expressions")

    def found(self, pattern: str, method: Method, texts: Sequence[str], seconds: float) -> Sequence[Spans | None]:
        """For each text the spans of its match, or None. Raises OutOfTime, Uncompilable, or RetriableError if the
        child cannot be started or is killed by somebody else."""
        answer = self.answer({"pattern": pattern, "method": method, "texts": texts, "seconds": seconds})
        if "error" in answer:
            raise Uncompilable(answer["error"])
        return [spans and tuple((start, end) for start, end in spans) for spans in answer["found"]]


CHILD = Child()
"""The one of this process."""
atexit.register(CHILD.end)
