"""Which timestamps a run is about. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Period:
    """Times in milliseconds since the epoch; None for no bound."""

    begins: int | None = None
    ends: int | None = None
    """The one behind the last."""

    @property
    def is_bounded(self) -> bool:
        """Whether there is a time that it does not hold."""
        return self.begins is not None or self.ends is not None

    def holds(self, time: int | None) -> bool:
        """Whether a record of that time is meant. One without a time is, where there are no bounds."""
        if time is None or not self.is_bounded:
            return not self.is_bounded
        return (self.begins is None or time >= self.begins) and (self.ends is None or time < self.ends)
