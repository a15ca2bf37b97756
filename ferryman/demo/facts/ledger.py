"""Compares what must be in a system with what is there: record by record, by identity and content, never by counts.

Pure: what was sent and what was found go in, verdicts come out. One record lost and another doubled leave every count
right.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

Identity = Hashable
"""What identifies a record in its system, such as a topic and a payment's id."""
Content = Hashable
"""What must be equal in two copies of one record: its values, or a digest of them."""
Found = tuple[Identity, Content]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one system is found to hold."""

    system: str
    expected: int
    """Records that must be there."""
    found: int
    """Records that are there, all copies counted."""
    lost: Sequence[Identity] = ()
    """Records of which there is no copy."""
    doubled: Sequence[Identity] = ()
    """Records with more than one copy: once for each that is too many."""
    corrupt: Sequence[Identity] = ()
    """Records of which a copy holds something else."""
    phantom: Sequence[Identity] = ()
    """What nobody sent here, once for each copy: poison delivered, or a dead letter of a sound record."""
    at_least_once: bool = False
    """Whether a copy too many is within the promise, as with dead letters."""

    @property
    def clean(self) -> bool:
        """Whether the system keeps its promise."""
        return not (self.lost or self.corrupt or self.phantom or (self.doubled and not self.at_least_once))


def compare(
    system: str, expected: Mapping[Identity, Content], found: Iterable[Found], *, at_least_once: bool = False
) -> Verdict:
    """The verdict on one system."""
    copies: Counter[Identity] = Counter()
    corrupt: dict[Identity, None] = {}
    for identity, content in found:
        copies[identity] += 1
        if identity in expected and expected[identity] != content:
            corrupt[identity] = None
    return Verdict(
        system=system,
        expected=len(expected),
        found=copies.total(),
        lost=[identity for identity in expected if identity not in copies],
        doubled=[each for each, count in copies.items() if each in expected for _ in range(count - 1)],
        corrupt=list(corrupt),
        phantom=[each for each in copies.elements() if each not in expected],
        at_least_once=at_least_once,
    )


def by_identity(records: Iterable[Found]) -> dict[Identity, Content]:
    """The records that were sent, as ``compare`` wants them. Raises ValueError if two of them have one identity: then
    a lost one could not be told from the other."""
    sent = list(records)
    told = dict(sent)
    if len(told) != len(sent):
        raise ValueError(f"{len(sent) - len(told)} of {len(sent)} records share their identity with another one")
    return told


def latest(records: Iterable[Found]) -> dict[Identity, Content]:
    """What an upsert must leave behind of records that were sent in this order: the last content of each identity."""
    return dict(records)


def percentile(values: Iterable[float], percent: float) -> float | None:
    """The nearest-rank percentile, None of no values."""
    ranked = sorted(values)
    return ranked[max(0, ceil(len(ranked) * percent / 100) - 1)] if ranked else None
