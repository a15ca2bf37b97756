"""How fast rows came: only of the time in which everything ran and some were still to come."""

import pytest

from ferryman.demo.facts import flows
from ferryman.demo.progress import Flowing, Glance
from ferryman.demo.worker import Connector

DAMAGED = flows.DAMAGED * len(flows.UPSERTED)
PLEDGES = flows.table(f"{flows.WORLD}.pledges")


def glance(at: float, rows: int, state: str = "RUNNING", missing: str = "") -> Glance:
    """A look at all connectors, of which one may be in another state or missing."""
    names = [name for name in (*flows.SOURCES, *flows.SINKS) if name != missing]
    connectors = [Connector(name, "RUNNING", {0: "RUNNING"}) for name in names]
    connectors[-1] = Connector(names[-1], "RUNNING", {0: state})
    return Glance(at, expected_rows=1_000 + DAMAGED, rows={PLEDGES: rows}, connectors=connectors)


def test_rows_and_time_between_two_looks_are_added_up() -> None:
    looks = [glance(10.0, 100), glance(10.5, 400), glance(11.0, 900)]
    flowing = Flowing().further(looks[0], looks[1]).further(looks[1], looks[2])
    assert flowing == Flowing(800, 1.0)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (glance(1.0, 0), glance(2.0, 100)),
        (glance(1.0, 1_000 + DAMAGED), glance(2.0, 1_000 + DAMAGED)),
        (glance(1.0, 1_000), glance(2.0, 1_000 + DAMAGED)),
        (glance(1.0, 100, "RESTARTING"), glance(2.0, 200)),
        (glance(1.0, 100), glance(2.0, 200, "FAILED")),
        (glance(1.0, 100, missing=flows.RECEIPTS), glance(2.0, 200)),
    ],
    ids=[
        "the start",
        "the end",
        "the wait for a backfill",
        "a task that was away",
        "a task that is away",
        "a connector that was away",
    ],
)
def test_what_is_no_undisturbed_flow_does_not_count(before: Glance, now: Glance) -> None:
    assert Flowing(5, 1.0).further(before, now) == Flowing(5, 1.0)
