"""Whether a run may be made: by where it writes, and by what a second time does there."""

import pytest

from ferryman.errors import ConfigError
from ferryman.runs.harm import Target, replayed, verdict

LIVE, ELSEWHERE, UNKNOWN = Target(frozenset({("db", "a")}), "table"), Target(frozenset({("db", "b")})), Target(None)


def test_elsewhere_everything_may_be_done() -> None:
    assert verdict(LIVE, ELSEWHERE, "twice", allowed=False) == "elsewhere"


@pytest.mark.parametrize("run", [LIVE, UNKNOWN, Target(frozenset({("db",)})), Target(frozenset({("db", "a", "c")}))])
def test_what_may_meet_the_live_target_is_refused_with_what_to_set(run: Target) -> None:
    with pytest.raises(ConfigError, match="would be there twice"):
        verdict(LIVE, run, "twice", allowed=False)
    assert verdict(LIVE, run, "twice", allowed=True) == "allowed"


def test_what_a_sink_makes_good_itself_needs_no_permission() -> None:
    assert verdict(LIVE, LIVE, "older", allowed=False) == "fold"
    assert verdict(LIVE, LIVE, "same", allowed=False) == "same"


def test_the_key_that_would_take_it_elsewhere_is_named() -> None:
    with pytest.raises(ConfigError, match="by setting table"):
        verdict(LIVE, LIVE, "twice", allowed=False)


def test_a_replay_writes_beside_the_live_connector_where_that_harms_nobody() -> None:
    here, there = Target(frozenset({("a",)})), Target(frozenset({("b",)}), "file")
    assert replayed(here, there, "twice", False, False) == "elsewhere"
    assert replayed(here, here, "twice", True, False) == replayed(here, here, "same", True, False) == "beside"
    assert replayed(here, here, "older", True, True) == "older"
    with pytest.raises(ConfigError, match="allow_older"):
        replayed(here, here, "older", True, False)
    with pytest.raises(ConfigError, match="must not write there at once"):
        replayed(here, here, "twice", False, True)
