"""Every link between a worker and its neighbours is slow, cut, half-open and so on; then everything is there, once.

A fault befalls all links but Kafka's at once, each with its own flow, and then Kafka's, which all flows need.
"""

import pytest

from tests.reliability.links.all_flows import LINKS, Flows
from tests.reliability.links.proxy import FAULTS, Fault
from tests.reliability.scoreboard.plugin import Trials


def endure(flows: Flows, links: list[str], fault: Fault) -> None:
    """A fault befalls links, is felt on each, and ends; one that only hinders lets everything through meanwhile."""
    for name in links:
        flows.links[name].suffer(fault)
    try:
        flows.feed()
        if fault in ("cut", "half-open"):
            flows.feel(links)
        else:
            flows.arrive(f"while {links} are {fault}")
    finally:
        for name in links:
            flows.links[name].heal()
    flows.arrive(f"after {links} were {fault}")


@pytest.mark.timeout(3600)
@pytest.mark.scoreboard("R8")
def test_after_each_fault_of_each_link_everything_is_there_once(flows: Flows, trials: Trials) -> None:
    flows.feed()
    flows.arrive("in good times")
    for _ in range(trials.share(len(FAULTS) * len(LINKS))):
        for fault in FAULTS:
            for links in (LINKS[:-1], LINKS[-1:]):
                endure(flows, links, fault)
    flows.check()
    trials.held(trials.share(len(FAULTS) * len(LINKS)) * len(FAULTS) * len(LINKS))
