"""A clock that goes only when a test says so, for modules that look at ``time.monotonic``."""

from dataclasses import dataclass


@dataclass
class Clock:
    """Stands in for the module ``time``."""

    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        """So much later."""
        self.now += seconds
