"""`ferryman explain` of the Stripe source: the requests that it tells are those that the gateway then gets."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from ferryman.api import SourceContext
from ferryman.connectors.stripe.source import StripeSourceConfig, StripeSourceConnector
from ferryman.effects import Effect
from tests.connectors.stripe.stripe_stub import StripeStub, serving
from tests.connectors.stripe.stripe_task import Task, config


@pytest.fixture
def stub() -> Iterator[StripeStub]:
    made = StripeStub()
    with serving(made):
        yield made


def told(raw: dict[str, str]) -> list[Effect]:
    context = SourceContext(
        connector="payments", task=0, cluster="", raw=raw, offset=lambda partition: None, stopping=lambda wait: False
    )
    found = StripeSourceConnector.explain(StripeSourceConfig.parse(raw), context)
    return list(found)


@pytest.mark.parametrize(
    "more",
    [{}, {"types": "charge.refunded"}, {"output": "raw", "types": "payment_intent.*"}, {"start_from": "2024-01-31"}],
)
def test_the_requests_that_it_tells_are_those_that_the_gateway_gets(stub: StripeStub, more: dict[str, str]) -> None:
    raw = config(stub.url, **more)
    requests = [each for each in told(raw) if each.kind == "request"]
    assert stub.requests == []
    Task(raw).poll()
    assert [parse_qs(urlsplit(each.target.partition(" ")[2]).query) for each in requests] == stub.requests


def test_the_key_is_hidden_and_the_version_is_not(stub: StripeStub) -> None:
    found = told(config(stub.url, stripe_api_version="2024-06-20"))
    assert found[0].details["headers"] == {"authorization": "Bearer [hidden]", "stripe-version": "2024-06-20"}
    assert "sk_test_planted" not in str(found)


def test_it_tells_where_its_offset_is_kept_and_what_comes_of_an_event(stub: StripeStub) -> None:
    kinds = {each.kind: each for each in told(config(stub.url))}
    assert stub.url in kinds["offsets"].target
    assert kinds["record"].target == "payments"
