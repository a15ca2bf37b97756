"""The Stripe source against a server that pages, orders, throttles and fails as Stripe's does."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

import pytest

from ferryman.connectors.stripe import event_follower
from ferryman.connectors.stripe.source import StripeSourceConfig, StripeSourceConnector
from ferryman.errors import ConfigError, RefusedError, RetriableError, TaskError
from ferryman.plugins import catalog
from tests.connectors.stripe.stripe_stub import Order, StripeStub, payment, serving
from tests.connectors.stripe.stripe_task import Task, config
from tests.places import ROOT

ORDERS: list[Order] = ["newest first", "as they appear", "oldest first"]


@pytest.fixture
def stub() -> Iterator[StripeStub]:
    with serving(StripeStub()) as served:
        yield served


def test_it_goes_by_its_own_name_and_its_alias() -> None:
    assert catalog.connector("StripeSourceConnector") is StripeSourceConnector
    assert catalog.connector("StripeSource") is StripeSourceConnector


@pytest.mark.parametrize("order", ORDERS)
def test_several_pages_and_a_burst_in_one_second_come_oldest_first(stub: StripeStub, order: Order) -> None:
    stub.order = order
    times = [1_000 + number // 20 for number in range(240)] + [2_000] * 250
    ids = [f"evt_{number * 7919 % 490:03}" for number in range(490)]
    stub.add(*(payment(id, created) for id, created in zip(ids, times, strict=True)))
    task = Task(config(stub.url))
    task.drain()
    assert task.ids == ids


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("older", [True, False])
def test_two_events_of_one_payment_in_one_second_come_in_the_order_of_the_list(
    stub: StripeStub, order: Order, older: bool
) -> None:
    if order == "newest first" or older:
        stub.order = order
    if older:
        stub.add(payment("evt_0", 900))
    failed, succeeded = payment("evt_z", 1_000, "payment_intent.payment_failed"), payment("evt_a", 1_000)
    stub.add(failed, succeeded)
    task = Task(config(stub.url, start_from="1970-01-01T00:16:00Z", overlap_seconds="0"))
    task.drain()
    assert task.ids == ["evt_z", "evt_a"]


@pytest.mark.parametrize("order", ORDERS)
def test_a_long_backlog_is_committed_in_pieces_and_read_little_more_than_once(stub: StripeStub, order: Order) -> None:
    stub.order = order
    stub.add(*(payment(f"evt_{number:04}", 1_700_000_000 + number * 7) for number in range(3_000)))
    task = Task(config(stub.url, events_per_poll="300"))
    sizes = []
    while len(task.records) < 3_000:
        sizes.append(len(task.poll()))
    assert task.ids == [f"evt_{number:04}" for number in range(3_000)]
    assert max(sizes) <= 300
    assert len(stub.requests) < 3 * 30 + 50


@pytest.mark.parametrize("order", ORDERS)
def test_a_late_event_within_the_overlap_is_found_once(
    stub: StripeStub, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub.order = order
    stub.page = 3
    stub.add(*(payment(f"evt_{number}", 1_000 + number) for number in range(20)))
    task = Task(config(stub.url, overlap_seconds="8"))
    task.drain()
    stub.add(payment("evt_late", 1_012))
    later = time.monotonic() + 8
    monkeypatch.setattr(event_follower, "monotonic", lambda: later)
    task.drain()
    assert task.ids == [*(f"evt_{number}" for number in range(20)), "evt_late"]


def test_what_appears_behind_a_page_just_read_is_found(stub: StripeStub, monkeypatch: pytest.MonkeyPatch) -> None:
    stub.order, stub.page = "oldest first", 4
    stub.add(*(payment(f"evt_{number}", 1_000 + number) for number in range(6)))
    late_and_new = payment("evt_late", 1_001), payment("evt_new", 1_050)
    stub.meanwhile = [lambda: None, lambda: stub.add(*late_and_new)]
    task = Task(config(stub.url, overlap_seconds="8"))
    task.drain()
    later = time.monotonic() + 8
    monkeypatch.setattr(event_follower, "monotonic", lambda: later)
    task.drain()
    assert task.ids == ["evt_0", "evt_1", "evt_2", "evt_3", "evt_4", "evt_5", "evt_new", "evt_late"]


def test_a_restart_goes_on_where_the_last_commit_was(stub: StripeStub) -> None:
    stub.add(*(payment(f"evt_{number}", 1_000 + number) for number in range(9)))
    task = Task(config(stub.url, events_per_poll="4"))
    task.poll()
    lost = task.source.poll()
    task.kill()
    task.drain()
    assert [record.headers[0].value for record in lost] == ["evt_4", "evt_5", "evt_6", "evt_7"]
    assert task.ids == [f"evt_{number}" for number in range(9)]


def test_new_events_need_one_small_request_each_interval(stub: StripeStub) -> None:
    stub.add(*(payment(f"evt_{number}", 1_000 + number) for number in range(50)))
    task = Task(config(stub.url, poll_interval_ms="700"))
    task.drain()
    before = len(stub.requests)
    stub.add(payment("evt_new", 1_050))
    assert [record.headers[0].value for record in task.poll()] == ["evt_new"]
    assert len(stub.requests) == before + 1
    assert all(0 < wait <= 0.7 for wait in task.waits)


def test_a_stopping_task_asks_no_further(stub: StripeStub) -> None:
    stub.add(payment("evt_1", 1_000))
    task = Task(config(stub.url))
    task.stopping = True
    assert task.poll() == []
    assert stub.requests == []


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ("", ["a", "b", "c", "d"]),
        ("customer.created", ["c"]),
        ("payment_intent.*", ["a", "b"]),
        ("payment_intent.succeeded, customer.*", ["a", "c", "d"]),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_types_are_followed_by_name_and_by_wildcard(
    stub: StripeStub, types: str, expected: list[str], strict: bool
) -> None:
    stub.strict = strict
    names = ("payment_intent.succeeded", "payment_intent.canceled", "customer.created", "customer.updated")
    stub.add(*(payment(id, 1_000 + at, name) for at, (id, name) in enumerate(zip("abcd", names, strict=True))))
    task = Task(config(stub.url, types=types, output="raw"))
    task.drain()
    assert task.ids == expected


def test_exact_types_are_filtered_by_the_server(stub: StripeStub) -> None:
    Task(config(stub.url, types="customer.created,plan.created", output="raw")).poll()
    assert stub.requests[0]["types[]"] == ["customer.created", "plan.created"]


def test_start_from_latest_takes_what_is_created_after_the_servers_present(stub: StripeStub) -> None:
    stub.now = 5_000
    stub.add(payment("evt_old", 4_999), payment("evt_new", 5_000))
    task = Task(config(stub.url, start_from="latest"))
    task.drain()
    assert task.ids == ["evt_new"]


def test_start_from_a_time_takes_what_is_created_then_or_later(stub: StripeStub) -> None:
    noon = int(datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp())
    stub.add(payment("evt_old", noon - 1), payment("evt_new", noon))
    task = Task(config(stub.url, start_from="2026-01-31T13:00:00+01:00"))
    task.drain()
    assert task.ids == ["evt_new"]


@pytest.mark.parametrize(
    ("mood", "after"),
    [
        ((429, {"Retry-After": "7"}), 7.0),
        ((503, {"Retry-After": "0"}), 0.0),
        ((500, {}), None),
        ((503, {"Retry-After": "soon"}), None),
        ((429, {"Retry-After": "Mon, 01 Jan 2024 00:00:00 +99999999999999"}), None),
        ((429, {"Retry-After": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"}), None),
        ((429, {"Retry-After": "1e400"}), 3600.0),
        ("hang up", None),
        ("cut", None),
    ],
)
def test_a_gateway_that_is_away_or_throttles_is_asked_again(stub: StripeStub, mood: Any, after: float | None) -> None:
    stub.add(payment("evt_1", 1_000))
    stub.moods = [mood]
    task = Task(config(stub.url))
    with pytest.raises(RetriableError) as error:
        task.poll()
    assert error.value.after == after
    task.drain()
    assert task.ids == ["evt_1"]


def test_retry_after_may_be_a_date(stub: StripeStub) -> None:
    stub.moods = [(429, {"Retry-After": formatdate(time.time() + 100, usegmt=True)})]
    with pytest.raises(RetriableError) as error:
        Task(config(stub.url)).poll()
    assert error.value.after == pytest.approx(100, abs=5)


def test_an_answer_that_only_drips_is_given_up_in_time(stub: StripeStub) -> None:
    stub.moods = ["drip"]
    with pytest.raises(RetriableError, match=r"request\.timeout\.ms"):
        Task(config(stub.url, request_timeout_ms="200")).poll()


def test_nobody_listening_is_an_outage() -> None:
    with serving(StripeStub()) as gone:
        pass
    with pytest.raises(RetriableError, match="ConnectError"):
        Task(config(gone.url)).poll()


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_fails_the_task_by_the_keys_name_only(stub: StripeStub, status: int) -> None:
    stub.moods = [(status, {})]
    with pytest.raises(RefusedError, match=r"stripe\.api\.key") as error:
        Task(config(stub.url)).poll()
    assert "planted" not in repr(error.getrepr(showlocals=False, style="value"))


@pytest.mark.parametrize("mood", ["nonsense", (404, {}), (301, {"Location": "http://127.0.0.1:1/"})])
def test_another_kind_of_server_fails_the_task(stub: StripeStub, mood: Any) -> None:
    stub.moods = [mood]
    with pytest.raises(TaskError, match="/v1/events"):
        Task(config(stub.url)).poll()


def test_an_event_in_milliseconds_fails_the_task_and_does_not_hide_those_that_follow(stub: StripeStub) -> None:
    stub.add(payment("evt_1", 1_000), payment("evt_bad", 1_700_000_000_000))
    task = Task(config(stub.url, errors_tolerance="all"))
    with pytest.raises(TaskError, match="evt_bad"):
        task.drain()
    stub.events[1]["created"] = 1_001
    task.kill()
    task.drain()
    assert task.ids == ["evt_1", "evt_bad"]


@pytest.mark.parametrize("text", ["[" * 100_000, '{"data":' * 100_000, '{"a": [' * 100_000 + "1"])
def test_an_answer_too_deep_to_be_read_is_no_list_of_events(
    stub: StripeStub, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(stub, "meet", lambda query: (200, {}, text.encode()))
    with pytest.raises(TaskError, match="does not answer with a list of events"):
        Task(config(stub.url)).poll()


def test_a_refusals_reason_is_told_on_one_line(stub: StripeStub, monkeypatch: pytest.MonkeyPatch) -> None:
    reason = {"error": {"message": "no\r\nERROR \x1b[2Jforged \ud800"}}
    monkeypatch.setattr(stub, "meet", lambda query: (402, {}, json.dumps(reason).encode()))
    with pytest.raises(TaskError, match=r"answered 402: no ERROR \?\[2Jforged \?$"):
        Task(config(stub.url)).poll()


def test_a_malformed_event_fails_the_task_by_its_id(stub: StripeStub) -> None:
    # The list's filter needs a time; a time that is no integer is what is wrong here.
    stub.add(payment("evt_1", 1_000), payment("evt_bad", 1_001) | {"created": 1_001.5})
    with pytest.raises(TaskError, match="evt_bad"):
        Task(config(stub.url)).drain()


def test_a_cursor_that_has_aged_out_begins_the_walk_anew(stub: StripeStub) -> None:
    stub.page = 2
    stub.add(*(payment(f"evt_{number}", 1_000 + number) for number in range(4)))
    task = Task(config(stub.url))
    stub.moods = ["none", (400, {}), (400, {})]
    with pytest.raises(RetriableError, match="does not go on from event"):
        task.poll()
    task.drain()
    assert task.ids == [f"evt_{number}" for number in range(4)]


def test_the_key_and_the_version_go_into_the_headers(stub: StripeStub) -> None:
    Task(config(stub.url, stripe_api_version="2025-03-31.basil")).poll()
    assert stub.headers[0]["Authorization"] == "Bearer sk_test_planted"
    assert stub.headers[0]["Stripe-Version"] == "2025-03-31.basil"


def test_a_record_says_what_it_is_about(stub: StripeStub) -> None:
    event = payment("evt_1", 1_700_000_000, "payment_intent.canceled", payment_method="pm_1")
    stub.add(event)
    task = Task(config(stub.url, output="raw", topic_name_format="stripe.${type}"))
    (record,) = task.drain()
    assert record.topic == "stripe.payment_intent.canceled"
    assert (record.key, record.timestamp) == ("pi_evt_1", 1_700_000_000_000)
    assert [(header.key, header.value) for header in record.headers] == [
        ("stripe.event.id", "evt_1"),
        ("stripe.event.type", "payment_intent.canceled"),
    ]
    assert json.loads(record.value) == event


def test_offsets_are_flat_and_readable(stub: StripeStub) -> None:
    stub.add(payment("evt_old", 900), payment("evt_1", 1_000), payment("evt_2", 1_000))
    task = Task(config(stub.url, overlap_seconds="60"))
    task.drain()
    assert task.committed == {
        "version": 1,
        "created": 1_000,
        "settled": 940,
        "seen": '{"1000":["evt_1","evt_2"]}',
    }


def test_an_offset_stays_bounded(stub: StripeStub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_follower, "MOST_SEEN_IDS", 10)
    stub.add(*(payment(f"evt_{number}", 1_000) for number in range(11)))
    with pytest.raises(TaskError, match=r"overlap\.seconds=60"):
        Task(config(stub.url)).drain()


@pytest.mark.parametrize(
    "offset",
    [
        {},
        {"version": 2, "settled": 1},
        {"version": 1, "settled": "yesterday"},
        {"version": 1, "settled": -1},
        {"version": 1, "settled": 1_767_225_600_000},
        {"version": 1, "settled": 5, "seen": '{"1767225600000":["evt_1"]}'},
        {"version": 1, "settled": 5, "seen": "[" * 100_000},
        {"version": 1, "settled": 5, "seen": "evt_1"},
        {"version": 1, "settled": 5, "seen": '{"5": "evt_1"}'},
        {"version": 1, "settled": 5, "seen": '{"5": [1]}'},
        {"version": 1, "settled": 5, "seen": '{"4": ["evt_1"]}'},
        {"version": 1, "settled": 5, "cursor": "evt_1"},
    ],
)
def test_offsets_of_another_shape_are_refused(offset: dict[str, Any]) -> None:
    parsed = StripeSourceConfig.parse(config("https://api.stripe.com"))
    with pytest.raises(ConfigError, match="cannot be used"):
        StripeSourceConnector.alter_offsets(parsed, [(parsed.partition, offset)])


def test_offsets_may_be_set_by_hand_or_removed() -> None:
    parsed = StripeSourceConfig.parse(config("https://api.stripe.com/"))
    partition = {"url": "https://api.stripe.com"}
    assert StripeSourceConnector.alter_offsets(parsed, [(partition, {"version": 1, "settled": 5})])
    assert StripeSourceConnector.alter_offsets(parsed, [(partition, None)])
    with pytest.raises(ConfigError, match="only partition"):
        StripeSourceConnector.alter_offsets(parsed, [({"url": "https://elsewhere"}, None)])


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"stripe.api.url": "ftp://api.stripe.com"}, "stripe.api.url"),
        ({"stripe.api.url": "api.stripe.com"}, "stripe.api.url"),
        ({"stripe.api.url": "https://me:planted@api.stripe.com"}, "stripe.api.url"),
        ({"stripe.api.url": "https://api.stripe.com:port"}, "stripe.api.url"),
        ({"stripe.api.url": "https://api..stripe.com"}, "stripe.api.url"),
        ({"stripe.api.url": f"https://{'a' * 64}.example"}, "stripe.api.url"),
        ({"stripe.api.url": "https://api.str\x01ipe.com"}, "stripe.api.url"),
        ({"stripe.api.key": "sk planted\u20ac"}, "stripe.api.key"),
        ({"stripe.api.version": "newest"}, "stripe.api.version"),
        ({"start.from": "yesterday"}, "start.from"),
        ({"types": "payment intent"}, "types"),
        ({"types": "customer.*"}, "types"),
        ({"topic": ""}, "topic"),
        ({"topic": "a b"}, "topic"),
        ({"topic.name.format": "stripe.${type}"}, "topic"),
        ({"topic": "", "topic.name.format": "${kind}"}, "topic.name.format"),
        ({"output": "avro"}, "output"),
        ({"events.per.poll": "0"}, "events.per.poll"),
        ({"overlap.seconds": "-1"}, "overlap.seconds"),
    ],
)
def test_a_bad_config_is_refused_by_the_keys_name(keys: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError) as error:
        StripeSourceConfig.parse(config("https://api.stripe.com") | keys)
    assert named in [problem.key for problem in error.value.problems]
    assert "planted" not in str(error.value)


def test_the_api_key_is_a_secret() -> None:
    assert "stripe.api.key" in StripeSourceConfig.secrets()
    assert "planted" not in repr(StripeSourceConfig.parse(config("https://api.stripe.com")))


def test_the_example_config_is_one() -> None:
    example = json.loads((ROOT / "configs/connectors/payments-from-gateway.json").read_text())
    raw = example.get("config", example) | {"name": example["name"], "stripe.api.url": "https://api.stripe.com"}
    parsed = StripeSourceConfig.parse(raw | {"stripe.api.key": "sk_test_1"})
    assert catalog.connector(parsed.connector_class) is StripeSourceConnector
