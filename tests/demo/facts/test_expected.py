"""What must arrive is known in full before anything is sent."""

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from ferryman.demo.facts import flows
from ferryman.demo.facts.errors import DemoError
from ferryman.demo.facts.expected import Events, Payment, content, events, payment_content

CONFIG = {
    "name": flows.EVENT_SOURCE,
    "connector.class": "DatagenConnector",
    "quickstart": "crowdfunding",
    "tasks.max": "2",
    "iterations": "3000",
    "random.seed": "7",
}


@pytest.fixture(scope="module")
def made() -> Events:
    return events(CONFIG)


def test_each_task_makes_as_many_events_as_the_config_says(made: Events) -> None:
    assert len(made.in_topics()) == len(made.records) == 6000


def test_the_same_config_makes_the_same_events(made: Events) -> None:
    assert events(CONFIG).in_topics() == made.in_topics()


def test_another_seed_makes_other_events(made: Events) -> None:
    assert not events({**CONFIG, "random.seed": "8"}).in_topics().keys() & made.in_topics().keys()


def test_inserted_rows_are_the_events_and_upserted_rows_the_keys(made: Events) -> None:
    topics = Counter(topic for topic, _ in made.identities)
    rows = made.rows()
    for stream in flows.INSERTED:
        assert rows[f"crowdfunding.{stream}"] == topics[f"crowdfunding.{stream}"] > 0
    assert rows["crowdfunding.projects"] == topics["crowdfunding.projects"]
    assert 0 < rows["crowdfunding.funding"] <= rows["crowdfunding.projects"] < topics["crowdfunding.funding"]


def test_an_upserted_row_is_its_keys_last_event(made: Events) -> None:
    last = {key: digest for topic, key, digest in made.records if topic == "crowdfunding.funding"}
    upserted = made.upserted()
    assert last
    assert all(upserted["crowdfunding.funding", key] == digest for key, digest in last.items())


@pytest.mark.parametrize("missing", ["random.seed", "iterations"])
def test_a_config_whose_events_nobody_can_know_is_refused(missing: str) -> None:
    with pytest.raises(DemoError, match=r"needs random\.seed and iterations"):
        events({name: value for name, value in CONFIG.items() if name != missing})


def test_a_digest_tells_values_apart_but_not_their_spellings() -> None:
    moment = datetime(2026, 1, 1, 12, tzinfo=UTC)
    same = content(["a", Decimal("5.00"), moment, None])
    assert content(["a", Decimal(5), moment.replace(tzinfo=None), None]) == same
    assert content(["a", Decimal(5), moment.astimezone(timezone(timedelta(hours=1))), None]) == same
    assert content(["a", Decimal("5.01"), moment, None]) != same
    assert content(["a", Decimal(5), moment + timedelta(milliseconds=1), None]) != same
    assert content(["a", Decimal(5), moment, ""]) != same


def test_a_payment_is_compared_in_its_main_unit() -> None:
    payment = Payment("pi_1", "succeeded", 1234, "eur", "plg_1", "prj_1", "bkr_1", returned=0.0)
    row = ("pi_1", "succeeded", Decimal("12.34"), "EUR", "plg_1", "prj_1", "bkr_1")
    assert payment_content(payment) == content(row)
    assert payment_content(payment, backer="hidden") == content((*row[:-1], "hidden"))
