"""The bench of a worker with a thousand connectors: which of them run, and a cell of its tables for each head."""

from collections import Counter
from typing import Any

from bench import many_connectors
from bench.many_connectors import Found, Story, Took


def test_each_figure_has_its_head() -> None:
    found = Found("Ferryman", 100, 15, posts=[0.1], statuses=[0.1], created=Took(1.0, 2.0, 3.0))
    answers, took = found.rows()
    assert (len(answers), len(took)) == (len(many_connectors.ANSWERS), len(many_connectors.TOOK))
    assert took[4:7] == ["1.0", "20.0", "30.0"]


def test_those_that_run_lie_between_the_others() -> None:
    nowhere: Any = None
    story = Story(nowhere, Found("Ferryman", 100, 15))
    wanted = [story.wanted(number) for number in range(100)]
    assert Counter(wanted)["RUNNING"] == 15
    assert {"STOPPED", "PAUSED", "RUNNING"} == set(wanted[:10])
    assert Counter(wanted[:50])["RUNNING"] in (7, 8)
