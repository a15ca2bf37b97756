"""What the demo says in the end: clean only if everything is, and everything that is not."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from ferryman.demo.facts.ledger import Verdict, compare
from ferryman.demo.facts.targets import Target
from ferryman.demo.report import Kill, Latency, Outcome, as_json, render

CLEAN = compare("Kafka", {"a": 1, "b": 2}, [("a", 1), ("b", 2)])
LOST = compare("warehouse", {("payments", "a"): 1, ("payments", "b"): 2}, [(("payments", "a"), 1)])
REPEATED = compare("dead letters", {"a": 1}, [("a", 1), ("a", 1)], at_least_once=True)


def outcome(*verdicts: Verdict, problem: str | None = None) -> Outcome:
    latency = Latency(all=[0.01] * 98 + [0.5, 2.0], calm=[0.01])
    return Outcome(verdicts, 61.2, 200_000, 8123.4, 100, latency, [Kill("the worker", 2.25)], problem)


def text(shown: Outcome) -> str:
    out = io.StringIO()
    render(shown, Console(file=out, width=130))
    return out.getvalue()


def test_clean_systems_are_a_clean_outcome() -> None:
    assert outcome(CLEAN, REPEATED).clean
    assert as_json(outcome(CLEAN, REPEATED))["clean"] is True
    assert "nothing lost, nothing doubled; 61 s" in text(outcome(CLEAN))


def test_copies_that_are_within_the_promise_are_told_in_the_end() -> None:
    assert "nothing lost, nothing doubled but for 1 where at least once is promised" in text(outcome(CLEAN, REPEATED))


@pytest.mark.parametrize(
    "unclean", [outcome(CLEAN, LOST), outcome(CLEAN, problem="nothing has moved"), outcome()], ids=str
)
def test_one_unclean_system_a_problem_or_no_ledger_at_all_is_unclean(unclean: Outcome) -> None:
    assert not unclean.clean
    assert as_json(unclean)["clean"] is False
    assert "THE LEDGER IS NOT CLEAN" in text(unclean)


def test_lost_records_are_named() -> None:
    assert "warehouse, lost: payments/b" in text(outcome(CLEAN, LOST))
    system = as_json(outcome(LOST))["systems"][0]
    assert (system["lost"], system["doubled"], system["examples"]) == (1, 0, {"lost": ["payments/b"]})


def test_targets_are_told_with_their_figures_and_decide_nothing_about_the_exit_code() -> None:
    missed = Target("latency", "<", 100, 161.3, "ms", "99 % of 72 payments")
    keys = Target("keys", "≥", 1_000_000, 63_490, "keys", "different keys", tried=False)
    told = replace(outcome(CLEAN), targets=[missed, keys])
    assert told.clean
    assert as_json(told)["targets"][0] == {
        "name": "latency",
        "sign": "<",
        "target": 100,
        "figure": 161.3,
        "unit": "ms",
        "verdict": "missed",
        "measured": "99 % of 72 payments",
    }
    shown = [" ".join(line.replace("│", " ").split()) for line in text(told).splitlines()]
    assert "latency < 100 ms 161 missed 99 % of 72 payments" in shown
    assert "keys ≥ 1,000,000 keys 63,490 not tried different keys" in shown


def test_latency_and_kills_are_told() -> None:
    told = as_json(outcome(CLEAN))
    assert told["latency_ms"] == {"p50": 10.0, "p99": 500.0, "calm_p50": 10.0, "calm_p99": 10.0}
    assert told["kills"] == [{"what": "the worker", "back_after_seconds": 2.25}]
    assert "killed the worker: all running again after 2.2 s" in text(outcome(CLEAN))


def test_latency_of_nothing_is_none() -> None:
    assert Latency().milliseconds() == {"p50": None, "p99": None, "calm_p50": None, "calm_p99": None}
