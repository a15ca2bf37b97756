"""What a run could do to what is there already, and whether it may. Pure."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Literal

from ferryman.errors import ConfigError
from ferryman.record import TopicPartition

Again = Literal["same", "older", "twice"]
"""What it means for a target to be given a record that it has already:

same    nothing: it is as it was
older   it may go back in time, unless the sink leaves out what was overtaken (``ferryman.run.fold``), as it promises
twice   there is more of it than there should be: a row, a line, an object, an e-mail, a payment
"""
Place = tuple[Hashable, ...]
"""A table, a file, a folder, from the large to the small: one that is the beginning of another contains it."""
ByVersion = Literal["newer", "newer_in_place"]
"""What a run does that compares records by a version field with what is in its target:

newer           it adds what is missing, and changes what is older
newer_in_place  it changes what is older; what is missing may have been deleted, and is not added
"""
Verdict = Literal["elsewhere", "same", "fold", "allowed", "newer", "newer_in_place"]
ReplayVerdict = Literal["elsewhere", "beside", "older"]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a config writes, as its sink says it."""

    places: frozenset[Place] | None
    """None where the sink cannot tell."""
    hint: str = ""
    """The keys that would take it elsewhere."""

    def meets(self, other: "Target") -> bool:
        """Whether both may write to one place."""
        if self.places is None or other.places is None:
            return True
        return any(mine[: len(theirs)] == theirs[: len(mine)] for mine in self.places for theirs in other.places)


@dataclass(frozen=True, slots=True)
class RunIntoLive:
    """A run into the target of its live connector that keeps rows from going back in time, before it is made."""

    live: str
    """The live connector."""
    partitions: Mapping[TopicPartition, str]
    """What it reads, with the ids of the topics."""
    version_field: str | None
    """The field by which it compares; None where it goes by offsets."""


def verdict(live: Target, run: Target, again: Again, allowed: bool) -> Verdict:
    """What a run is to do. Raises ConfigError, saying what to set, if it must not be made.

    ``again`` is what the run's sink says of records that come a second time, ``allowed`` whether doubles are wanted.
    """
    if not live.meets(run):
        return "elsewhere"
    if again == "same":
        return "same"
    if again == "older":
        return "fold"
    if allowed:
        return "allowed"
    where = f"have it write elsewhere by setting {run.hint}" if run.hint else "no setting makes that safe"
    raise ConfigError.for_key(
        "allow_duplicates",
        "The run would write where the live connector does, and what is already there would be there twice: "
        f"{where}, or allow it by --allow-duplicates",
    )


def replayed(before: Target, run: Target, again: Again, shares: bool, allowed: bool) -> ReplayVerdict:
    """What a replay of dead letters is to do, which the live connector has not delivered. Raises ConfigError, saying
    what to set, if it must not be made.

    ``shares`` is whether the sink allows another writer in its target, ``allowed`` whether rows may go back in time.
    """
    if not before.meets(run):
        return "elsewhere"
    if not shares:
        raise ConfigError.for_key(
            run.hint or "connector.class",
            "Two connectors must not write there at once: have the replay write elsewhere by setting "
            f"{run.hint or 'its target'} in config, or send the letters to their topic by to_topic",
        )
    if again != "older":
        return "beside"
    if allowed:
        return "older"
    raise ConfigError.for_key(
        "allow_older",
        "Rows could go back to an older state: later records of the same keys may have been written since. Allow "
        "it with allow_older (--allow-older), or have the replay write elsewhere by setting "
        f"{run.hint or 'another target'}",
    )
