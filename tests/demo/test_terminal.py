"""How the demo shows its progress, on a terminal and elsewhere."""

import io

from rich.console import Console

from ferryman.demo.progress import Glance
from ferryman.demo.terminal import Lines, Picture, View
from ferryman.demo.worker import Connector

GLANCE = Glance(
    at=0.0,
    expected_rows=1000,
    paid=7,
    in_kafka=1234,
    rows={"payments": 5, "crowdfunding_pledges": 400},
    lag={"events-to-warehouse": 321},
    connectors=[
        Connector("crowdfunding-events", "RUNNING", {0: "RUNNING", 1: "FAILED"}),
        Connector("events-to-warehouse", "RUNNING", {0: "RUNNING"}),
    ],
    dead=2,
    restored=77,
)


def shown(kind: type[Lines] | type[Picture], terminal: bool) -> str:
    out = io.StringIO()
    view: View = kind(Console(file=out, width=130, force_terminal=terminal, color_system=None))
    with view:
        view.happened("SIGKILL to the worker")
        view.show(GLANCE)
    return out.getvalue()


def test_the_picture_shows_flows_states_lag_and_what_happens() -> None:
    picture = shown(Picture, terminal=True)
    for part in ("SIGKILL to the worker", "RUNNING FAILED", "321", "1,234", "400", "600", "dead letters", "77"):
        assert part in picture


def test_without_a_terminal_what_happens_is_one_line_without_control_characters() -> None:
    lines = shown(Lines, terminal=False)
    assert lines.rstrip().endswith("s  SIGKILL to the worker")
    assert "\x1b" not in lines


def test_a_line_sums_up_the_state() -> None:
    out = io.StringIO()
    view = Lines(Console(file=out, width=130))
    view._shown -= 60
    view.show(GLANCE)
    view.show(GLANCE)
    assert len(out.getvalue().splitlines()) == 1
    for part in (
        "7 made, 5 rows",
        "1,234 in Kafka, 400 of 1,000 rows",
        "lag 321",
        "77 restored",
        "1 of 2 connectors running",
    ):
        assert part in out.getvalue()
