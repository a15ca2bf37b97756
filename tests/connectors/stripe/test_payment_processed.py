"""PaymentProcessed as made from a gateway's events, and its agreement with the Avro contract."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ferryman.connectors.stripe.events_api import Event
from ferryman.connectors.stripe.payment_processed import SCHEMA, payment_processed
from ferryman.errors import DataError, TaskError
from ferryman.schema import DECIMAL, TIMESTAMP, Schema
from tests.connectors.stripe.stripe_stub import StripeStub, payment, serving
from tests.connectors.stripe.stripe_task import Task, config
from tests.places import SCHEMAS


def made(type: str = "payment_intent.succeeded", previous: Any = None, **subject: Any) -> dict[str, Any]:
    body = payment("evt_1", 1_700_000_000, type)
    body["data"]["object"].update(subject)
    body["data"]["previous_attributes"] = previous
    return dict(payment_processed(Event("evt_1", 1_700_000_000, type, body)))


def test_a_payment_that_succeeded() -> None:
    value = made(
        amount_received=1200,
        metadata={"project_id": "prj_1", "backer_id": "bck_1", "pledge_id": "plg_1"},
        latest_charge={
            "payment_method_details": {"type": "card"},
            "balance_transaction": {"fee": 59, "currency": "eur"},
        },
    )
    assert value == {
        "event_id": "evt_1",
        "payment_id": "pi_evt_1",
        "status": "succeeded",
        "amount": Decimal("12.00"),
        "currency": "EUR",
        "pledge_id": "plg_1",
        "project_id": "prj_1",
        "backer_id": "bck_1",
        "processed_at": datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
        "method": "card",
        "fee": Decimal("0.59"),
    }
    assert list(value) == [field.name for field in SCHEMA.fields]


def test_a_fee_of_three_digits_is_left_out_and_does_not_cost_the_payment() -> None:
    value = made(amount=12340, currency="kwd", latest_charge={"balance_transaction": {"fee": 1234, "currency": "kwd"}})
    assert (value["amount"], value["fee"]) == (Decimal("12.34"), None)


def test_a_time_that_no_calendar_has_is_an_error_of_its_event() -> None:
    created = 1_700_000_000_000_000
    with pytest.raises(DataError, match=r"evt_1 .* created is missing or malformed"):
        payment_processed(Event("evt_1", created, "payment_intent.succeeded", payment("evt_1", created)))


def test_a_payment_that_failed_was_for_its_whole_amount() -> None:
    failure = {"payment_method": {"type": "sepa_debit"}}
    value = made("payment_intent.payment_failed", amount_received=0, last_payment_error=failure)
    assert (value["status"], value["amount"], value["method"]) == ("failed", Decimal("12.34"), "sepa_debit")


@pytest.mark.parametrize(("previous", "amount"), [({"amount_refunded": 300}, "2.00"), (None, "5.00")])
def test_a_refund_gives_back_what_was_added_to_the_sum(previous: Any, amount: str) -> None:
    charge = {"id": "ch_1", "object": "charge", "payment_intent": "pi_1", "amount_refunded": 500}
    value = made("charge.refunded", previous, **charge)
    assert (value["status"], value["payment_id"], value["amount"]) == ("refunded", "pi_1", Decimal(amount))


@pytest.mark.parametrize(
    ("currency", "amount"), [("usd", "12.30"), ("jpy", "1230.00"), ("kwd", "1.23"), ("isk", "12.30"), ("ugx", "12.30")]
)
def test_amounts_are_in_the_currencys_own_unit(currency: str, amount: str) -> None:
    value = made(currency=currency, amount=1230)
    assert str(value["amount"]) == amount


def test_a_fee_in_another_currency_is_unknown() -> None:
    charge = {"balance_transaction": {"fee": 59, "currency": "usd"}}
    assert made(latest_charge=charge)["fee"] is None


@pytest.mark.parametrize(
    "subject", [{"amount": None}, {"amount": "12"}, {"currency": None}, {"id": None}, {"currency": "kwd", "amount": 1}]
)
def test_what_makes_no_payment_names_the_event(subject: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="evt_1"):
        made(**subject)


@pytest.mark.parametrize("tolerance", ["none", "all"])
def test_such_an_event_stops_the_task_unless_errors_are_tolerated(
    tolerance: str, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(StripeStub()) as stub:
        stub.add(payment("evt_1", 1_000), payment("evt_bad", 1_001, amount=None), payment("evt_2", 1_002))
        task = Task(config(stub.url, errors_tolerance=tolerance))
        if tolerance == "none":
            with pytest.raises(TaskError, match="evt_bad"):
                task.drain()
        else:
            task.drain()
            assert task.ids == ["evt_1", "evt_2"]
            assert "evt_bad" in caplog.text


def _as_avro(schema: Schema) -> Any:
    names = {DECIMAL: "decimal", TIMESTAMP: "timestamp-millis"}
    kind = {"BYTES": "bytes", "INT64": "long", "STRING": "string"}[schema.type]
    plain: Any = kind
    if schema.name == DECIMAL:
        precision = int(schema.parameter("connect.decimal.precision") or 0)
        plain = {"type": kind, "logicalType": names[DECIMAL], "precision": precision, "scale": schema.scale}
    elif schema.name:
        plain = {"type": kind, "logicalType": names[schema.name]}
    return ["null", plain] if schema.optional else plain


def test_the_schema_is_that_of_the_newest_avro_contract() -> None:
    newest = max(SCHEMAS.glob("PaymentProcessed.v*.avsc"), key=lambda path: int(path.suffixes[0][2:]))
    contract = json.loads(newest.read_text())
    assert SCHEMA.name == f"{contract['namespace']}.{contract['name']}"
    assert {field.name: _as_avro(field.schema) for field in SCHEMA.fields} == {
        field["name"]: field["type"] for field in contract["fields"]
    }
