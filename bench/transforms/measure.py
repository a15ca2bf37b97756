"""What a side found for a case."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean


@dataclass(frozen=True)
class Measured:
    """``left`` says how many records one pass left, and their checksum; the rest has a figure for each repetition."""

    side: str
    records: int
    left: str
    cpu: Sequence[float]
    seconds: Sequence[float]

    @property
    def per_cpu(self) -> float:
        """Records a CPU second."""
        return self.records / mean(self.cpu)

    @property
    def per_second(self) -> float:
        """Records a second."""
        return self.records / mean(self.seconds)

    @property
    def noise(self) -> float:
        """Half the distance between the repetitions' CPU seconds, relative to their mean."""
        return (max(self.cpu) - min(self.cpu)) / 2 / mean(self.cpu)
