"""PaymentProcessed: what a crowdfunding platform wants to know of a payment, made from the gateway's events.

Facts: Stripe's objects PaymentIntent, Charge and BalanceTransaction, and its page on currencies.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ferryman.connectors.stripe.events_api import Event
from ferryman.errors import DataError
from ferryman.schema import OPTIONAL_STRING, STRING, TIMESTAMP_SCHEMA, Schema, decimal, struct

STATUSES = {
    "payment_intent.succeeded": "succeeded",
    "payment_intent.payment_failed": "failed",
    "charge.refunded": "refunded",
}
"""The events that become a PaymentProcessed, and its status."""

SCALE = 2
PRECISION = 18
_AMOUNT = replace(decimal(SCALE), parameters=(("scale", str(SCALE)), ("connect.decimal.precision", str(PRECISION))))

SCHEMA: Schema = struct(
    {
        "event_id": STRING,
        "payment_id": STRING,
        "status": STRING,
        "amount": _AMOUNT,
        "currency": STRING,
        "pledge_id": OPTIONAL_STRING,
        "project_id": OPTIONAL_STRING,
        "backer_id": OPTIONAL_STRING,
        "processed_at": TIMESTAMP_SCHEMA,
        "method": OPTIONAL_STRING,
        "fee": _AMOUNT.as_optional(),
    },
    name="crowdfunding.PaymentProcessed",
)
"""The newest version of the Avro contract of that name."""

_EXPONENTS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"), 0
    ),
    **dict.fromkeys(("BHD", "JOD", "KWD", "OMR", "TND"), 3),
}


def exponent(currency: str) -> int:
    """How many digits the gateway's smallest unit lies behind the point.

    ISK and UGX have no smaller unit, yet Stripe counts both in hundredths.
    """
    return _EXPONENTS.get(currency, 2)


def payment_id(event: Event) -> str | None:
    """The payment that an event is about: of a charge or refund, the one it belongs to; of anything else its own id."""
    owner = event.subject.get("payment_intent")
    found = owner.get("id") if isinstance(owner, dict) else owner
    return _text(found) or _text(event.subject.get("id"))


def payment_processed(event: Event) -> Mapping[str, Any]:
    """The value for SCHEMA. Raises DataError, naming the event, if something that must be there is not."""
    subject = event.subject
    currency = _currency(event, subject)
    refund = event.type == "charge.refunded"
    return {
        "event_id": event.id,
        "payment_id": _needed(event, "data.object.id", payment_id(event)),
        "status": STATUSES[event.type],
        "amount": _major(event, _refunded(event) if refund else _charged(event), currency),
        "currency": currency,
        **{name: _metadata(subject, name) for name in ("pledge_id", "project_id", "backer_id")},
        "processed_at": _needed(event, "created", _moment(event.created)),
        "method": _method(subject),
        "fee": None if refund else _fee(event, currency),
    }


def _needed(event: Event, name: str, value: Any) -> Any:
    if value is None:
        raise DataError(f"Event {event.id} ({event.type}) makes no PaymentProcessed: {name} is missing or malformed")
    return value


def _moment(seconds: int) -> datetime | None:
    """None for a time that no calendar has."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _currency(event: Event, subject: Mapping[str, Any]) -> str:
    code = _text(subject.get("currency"))
    return str(_needed(event, "data.object.currency", code)).upper()


def _charged(event: Event) -> int:
    # What came in may be less than was asked for; a payment that failed has brought nothing, but was for an amount.
    received = _number(event.subject.get("amount_received"))
    amount = received or _number(event.subject.get("amount"))
    return int(_needed(event, "data.object.amount", amount))


def _refunded(event: Event) -> int:
    # The charge carries the sum of all its refunds so far; this one is what has been added to it.
    total = _number(event.subject.get("amount_refunded"))
    data = event.body.get("data")
    previous = data.get("previous_attributes") if isinstance(data, dict) else None
    before = _number(previous.get("amount_refunded")) if isinstance(previous, dict) else None
    return int(_needed(event, "data.object.amount_refunded", total)) - (before or 0)


def _major(event: Event, minor: int, currency: str) -> Decimal:
    amount = _fitting(minor, currency)
    if amount is None:
        shown = Decimal(minor).scaleb(-exponent(currency))
        raise DataError(f"Event {event.id} ({event.type}) makes no PaymentProcessed: {shown} {currency} does not fit")
    return amount


def _fitting(minor: int, currency: str) -> Decimal | None:
    """An amount in the currency's own unit; None for one that the schema's decimals cannot hold."""
    amount = Decimal(minor).scaleb(-exponent(currency))
    fitting = round(amount, SCALE)
    return fitting if fitting == amount and 0 <= minor < 10 ** (PRECISION - 3) else None


def _metadata(subject: Mapping[str, Any], name: str) -> str | None:
    metadata = subject.get("metadata")
    return _text(metadata.get(name)) if isinstance(metadata, dict) else None


def _charge(subject: Mapping[str, Any]) -> Mapping[str, Any]:
    """The charge behind a payment, where the event holds it whole: older API versions list it, newer may expand it."""
    if subject.get("object") == "charge":
        return subject
    listed = subject.get("charges")
    charges = listed.get("data") if isinstance(listed, dict) else None
    latest = subject.get("latest_charge") or (charges[-1] if isinstance(charges, list) and charges else None)
    return latest if isinstance(latest, dict) else {}


def _method(subject: Mapping[str, Any]) -> str | None:
    failure = subject.get("last_payment_error")
    candidates: Sequence[Any] = (
        _charge(subject).get("payment_method_details"),
        failure.get("payment_method") if isinstance(failure, dict) else None,
        subject.get("payment_method"),
    )
    for candidate in candidates:
        if isinstance(candidate, dict) and _text(candidate.get("type")):
            return _text(candidate["type"])
    allowed = subject.get("payment_method_types")
    return _text(allowed[0]) if isinstance(allowed, list) and len(allowed) == 1 else None


def _fee(event: Event, currency: str) -> Decimal | None:
    # A fee in the account's own currency says nothing in the payment's. One of three digits does not cost the payment.
    transaction = _charge(event.subject).get("balance_transaction")
    if not isinstance(transaction, dict) or str(transaction.get("currency")).upper() != currency:
        return None
    fee = _number(transaction.get("fee"))
    return None if fee is None else _fitting(fee, currency)
