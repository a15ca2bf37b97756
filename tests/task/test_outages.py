"""What the worker and the log are told of outages."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ferryman.errors import RefusedError, RetriableError, TaskError
from ferryman.record import Coordinates
from ferryman.retry.outage import LONGEST_REFUSAL, REFUSAL_GRACE_SECONDS, Outage, Patience
from ferryman.task.outages import CALM_SECONDS, Outages

START = datetime(2026, 1, 1, tzinfo=UTC)


class Told(list[tuple[str, dict[str, Any]]]):
    """What reached the worker, by a clock that only the test moves."""

    seconds: float = 0.0

    def outages(self, succeeded: bool = False) -> Outages:
        return Outages(
            Outage(Patience(), succeeded),
            lambda event, facts: self.append((event, facts)),
            lambda: self.seconds,
            lambda: START + timedelta(seconds=self.seconds),
        )

    @property
    def events(self) -> list[str]:
        return [event for event, _ in self]


def test_an_outage_says_since_when_why_and_when_it_is_tried_next() -> None:
    told = Told()
    outages = told.outages()
    outages.met(RetriableError("the database is away", after=2.0))
    told.seconds = 7.0
    outages.met(RetriableError("the database is still away", after=4.0))
    assert told[-1] == (
        "away",
        {
            "since": "2026-01-01T00:00:00.000Z",
            "reason": "the database is still away",
            "next_try": "2026-01-01T00:00:11.000Z",
            "refuses": False,
        },
    )
    outages.recovered()
    assert told.events == ["away", "away", "succeeded", "back"]


def test_the_log_says_it_once_a_minute_and_how_often_it_did_not(caplog: pytest.LogCaptureFixture) -> None:
    told = Told()
    outages = told.outages()
    with caplog.at_level(logging.WARNING):
        for told.seconds in range(181):
            outages.met(RetriableError("away"))
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 4
    assert [hasattr(record, "place") for record in caplog.records] == [False] * 4
    assert "tries since the last message" in lines[1]


def test_the_log_says_what_waits_meanwhile(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Told().outages().met(RetriableError("away"), Coordinates("t", 3, 7))
    (record,) = caplog.records
    assert "away (try 1" in record.getMessage()
    assert record.getMessage().endswith(", t-3@7 and what follows it wait)")
    assert record.__dict__["place"] == {"topic": "t", "partition": 3, "offset": 7}


def test_what_refuses_before_anything_went_well_fails_with_the_key() -> None:
    told = Told()
    outages = told.outages()
    outages.met(RefusedError("no such bucket", key="s3.bucket.name"))
    told.seconds = REFUSAL_GRACE_SECONDS
    with pytest.raises(TaskError, match=r"before anything went well: no such bucket \(see s3.bucket.name\)"):
        outages.met(RefusedError("no such bucket", key="s3.bucket.name"))


def test_what_refuses_for_an_hour_shows_and_comes_back_by_itself() -> None:
    told = Told()
    outages = told.outages(succeeded=True)
    for told.seconds in (0.0, LONGEST_REFUSAL / 2, LONGEST_REFUSAL):
        outages.met(RefusedError("wrong password", key="connection.password"))
    outages.recovered()
    assert told.events == ["away", "away", "refused", "back"]


def test_an_idle_task_to_which_nothing_happens_for_a_while_is_well() -> None:
    told = Told()
    outages = told.outages()
    outages.met(RetriableError("away"))
    for told.seconds in (1.0, CALM_SECONDS, CALM_SECONDS + 2):
        outages.calm()
    assert told.events == ["away", "back"]
    assert not outages.outage.succeeded
