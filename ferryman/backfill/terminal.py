"""What ``ferryman backfill`` prints: a line that is written over on a terminal, lines elsewhere, JSON for programs."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TextIO

from ferryman.backfill.making import MEANT, Run
from ferryman.backfill.sample import Size
from ferryman.config import trim
from ferryman.runs.progress import REFUSED, Progress
from ferryman.runs.progress_text import many, refusals, sentence, sizes

LINE_SECONDS = 10.0
"""Seconds between two lines where there is no terminal."""


@dataclass
class Report:
    """Tells of one run."""

    out: TextIO
    as_json: bool
    now: Callable[[], float] = time.monotonic
    _last: tuple[Progress | None, str] = (None, "")
    _next: float = 0.0

    @property
    def _terminal(self) -> bool:
        return not self.as_json and self.out.isatty()

    def planned(self, run: Run) -> None:
        """What is about to be done, by partition."""
        bounds = json.loads(run.ranges.dump()) if run.ranges is not None else None
        if self.as_json:
            span = {"span": json.loads(run.part.span.dump()), "warnings": list(run.part.warnings)} if run.part else {}
            ranges = {} if bounds is None else {"ranges": bounds}
            self._json(name=run.name, does=run.verdict, records=run.records, begun=run.begun, **ranges, **span)
            return
        size = "an unknown number of records" if run.records is None else many(run.records)
        self._line(f"{run.name}: {size}; {MEANT[run.verdict]}")
        if run.begun:
            self._line("  it was begun before and goes on where it stopped: what is done is not done again")
        for source, range_ in sorted(run.ranges.of.items()) if run.ranges is not None else ():
            self._line(f"  {source}: {many(range_.size)}, {range_.first} up to {range_.behind}")
        if run.part is not None:
            self._line(f"  {run.part.span}")
            for warning in run.part.warnings:
                self._line(f"  {warning}")

    def told(self, progress: Progress | None, trouble: str) -> None:
        """How far it is; said again only when it has changed, and not too often."""
        news = (progress, trouble) != self._last
        complete = progress is not None and progress.complete and not (self._last[0] and self._last[0].complete)
        if not news or (self.now() < self._next and not complete and trouble == self._last[1]):
            return
        self._last, self._next = (
            (progress, trouble),
            self.now() + (0.5 if self.as_json or self._terminal else LINE_SECONDS),
        )
        if self.as_json:
            facts = {} if progress is None else {**asdict(progress)}
            self._json(**facts, **({"trouble": trouble} if trouble else {}))
        elif self._terminal:
            self.out.write(f"\r\x1b[K{sentence(progress, trouble)[:200]}")
            self.out.flush()
        else:
            self._line(sentence(progress, trouble))

    def sized(self, size: Size) -> None:
        """How much a dry run has found."""
        if self.as_json:
            self._json(**asdict(size))
            return
        for line in sizes(size.bytes, size.records_in_period, size.seconds):
            self._line(line)
        self._line("nothing was started")

    def ended(self, code: int, run: Run) -> None:
        """The last word."""
        if self._terminal:
            self.out.write("\n")
        if self.as_json:
            self._json(exit_code=code)
        elif code == REFUSED and self._last[0] is not None:
            letters = trim(run.config.get("errors.deadletterqueue.topic.name", ""))
            self._line(refusals(self._last[0].refused or 0, run.name, letters))

    def line(self, text: str) -> None:
        """A line for people."""
        if not self.as_json:
            self._line(text)

    def _line(self, text: str) -> None:
        self.out.write(f"{text}\n")
        self.out.flush()

    def _json(self, **facts: object) -> None:
        self._line(json.dumps(facts))
