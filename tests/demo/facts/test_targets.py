"""Targets of the demo: met, missed or not tried, and no line for what was not measured."""

import pytest

from ferryman.demo.facts.ledger import Verdict, compare
from ferryman.demo.facts.targets import Delay, Measured, Restored, Target, Throughput, targets

ALL = Measured(
    events=200_000,
    payments=600,
    paying_seconds=60.0,
    throughput=Throughput(150_000, 10.0, "rows"),
    delay=Delay(46.6, "payments"),
    verdicts=[Verdict("warehouse", 200_000, 199_990, lost=["x"] * 10), Verdict("dead letters: warehouse", 1, 1)],
    recoveries=[1.0, 14.6],
    restored=Restored(200_600, 9.5),
    keys=63_490,
)


def by_name(measured: Measured) -> dict[str, Target]:
    return {target.name: target for target in targets(measured)}


def test_every_figure_is_a_line_with_its_verdict() -> None:
    found = {name: (target.figure, target.word) for name, target in by_name(ALL).items()}
    assert found == {
        "payments": (36_000, "met"),
        "throughput": (15_000, "met"),
        "latency": (46.6, "met"),
        "failed": (pytest.approx(0.0055), "met"),
        "recovery": (14.6, "met"),
        "restore": (9.5, "met"),
        "keys": (63_490, "not tried"),
    }


def test_what_was_not_measured_is_no_line() -> None:
    assert targets(Measured()) == []
    assert list(by_name(Measured(recoveries=[1.0]))) == ["recovery"]


@pytest.mark.parametrize(
    ("measured", "name"),
    [
        (Measured(payments=20, paying_seconds=60), "payments"),
        (
            Measured(events=200_000, throughput=Throughput(100_000, 10.0, "exactly the target is not above it")),
            "throughput",
        ),
        (Measured(delay=Delay(100.0, "not below the target")), "latency"),
        (Measured(events=200_000, verdicts=[compare("warehouse", {"a": 1, "b": 1}, [("a", 1)])]), "failed"),
        (Measured(events=200_000, verdicts=[Verdict("Kafka", 100, 100), Verdict("dead letters: s", 1, 1)]), "failed"),
        (Measured(recoveries=[1.0, 300.0]), "recovery"),
        (Measured(restored=Restored(1, 3600.0)), "restore"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_is_not_reached_is_missed(measured: Measured, name: str) -> None:
    assert by_name(measured)[name].word == "missed"


@pytest.mark.parametrize(
    ("measured", "name"),
    [
        (Measured(events=200_000, throughput=Throughput(40_000, 10.0, "held back", tried=False)), "throughput"),
        (Measured(events=6_000, throughput=Throughput(6_000, 10.0, "too few")), "throughput"),
        (Measured(events=6_000, verdicts=[Verdict("Kafka", 100, 100), Verdict("dead letters: s", 1, 1)]), "failed"),
        (Measured(keys=999_999), "keys"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_the_run_could_not_have_reached_was_not_tried(measured: Measured, name: str) -> None:
    assert by_name(measured)[name].word == "not tried"


def test_so_many_keys_are_enough() -> None:
    assert by_name(Measured(keys=1_000_000))["keys"].word == "met"
