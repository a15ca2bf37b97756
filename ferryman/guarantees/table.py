"""All guarantees, and those of one config."""

from collections.abc import Sequence

from ferryman.guarantees.guarantee import Facts, Guarantee
from ferryman.guarantees.own_sinks import OWN_SINKS
from ferryman.guarantees.runs import RUNS
from ferryman.guarantees.sinks import SINKS
from ferryman.guarantees.sources import SOURCES

GUARANTEES: Sequence[Guarantee] = (*OWN_SINKS, *SINKS, *SOURCES, *RUNS)


def of(facts: Facts) -> Sequence[Guarantee]:
    """The sentences that are true of a connector, promises first."""
    found = [each for each in GUARANTEES if each.holds(facts)]
    return [each for kind in ("promise", "limit") for each in found if each.kind == kind]
