"""Which dead letters are asked for. Pure."""

from dataclasses import dataclass

from ferryman.dead_letters.letter import DeadLetter


@dataclass(frozen=True, slots=True)
class Choice:
    """Letters that are like this; None says nothing."""

    connector: str | None = None
    """Letters that do not say whose they are count as everybody's."""
    stage: str | None = None
    exception: str | None = None
    """A class name, or the part after its last dot."""
    field: str | None = None
    since: int | None = None
    """From this record's time on, in milliseconds; records without a time are left out."""
    until: int | None = None
    """Before this one."""
    refused_since: int | None = None
    """Refused from this time on, in milliseconds; letters that do not say when are left out."""
    refused_until: int | None = None
    """Refused before this one."""

    def takes(self, letter: DeadLetter) -> bool:
        """Whether a letter is one of them."""
        return self._is_like(letter) and _lies(letter.refused_at, self.refused_since, self.refused_until)

    def misses(self, letter: DeadLetter) -> bool:
        """Whether a letter may be one of them, but does not say when it was refused."""
        asks = self.refused_since is not None or self.refused_until is not None
        return asks and letter.refused_at is None and self._is_like(letter)

    def _is_like(self, letter: DeadLetter) -> bool:
        return (
            (self.connector is None or letter.connector in (None, self.connector))
            and self.stage in (None, letter.stage)
            and (self.exception is None or _is_called(letter.exception, self.exception))
            and self.field in (None, letter.field)
            and _lies(letter.timestamp, self.since, self.until)
        )


def _lies(time: int | None, since: int | None, until: int | None) -> bool:
    if time is None:
        return since is None and until is None
    return (since is None or time >= since) and (until is None or time < until)


def _is_called(name: str | None, wanted: str) -> bool:
    return name is not None and (name == wanted or name.rpartition(".")[2] == wanted)
