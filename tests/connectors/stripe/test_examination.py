"""`ferryman doctor` looks at a gateway: one request for events, none of them handed over."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.stripe.stripe_stub import StripeStub, payment, serving
from tests.connectors.stripe.stripe_task import config
from tests.doctor.looks import about, system


@pytest.fixture
def stub() -> Iterator[StripeStub]:
    with serving(StripeStub()) as served:
        yield served


def test_a_gateway_is_well_but_for_its_clock(stub: StripeStub, tmp_path: Path) -> None:
    stub.add(payment("evt_0", 900))
    found = system(tmp_path, config(stub.url))
    assert about(f"gateway {stub.url}", found).said == "it takes the key, and lists events"
    assert about("clocks of the gateway and here", found).level == "warning"  # the stub lives in another year


def test_a_key_that_is_not_accepted_is_named_and_not_shown(stub: StripeStub, tmp_path: Path) -> None:
    stub.moods = [(401, {})]
    (finding,) = system(tmp_path, config(stub.url))
    assert (finding.level, "stripe.api.key" in finding.mend) == ("mend", True)
    assert "sk_test_planted" not in repr(finding)


def test_nobody_is_there(tmp_path: Path) -> None:
    (finding,) = system(tmp_path, config("http://127.0.0.1:1"))
    assert (finding.level, "stripe.api.url" in finding.mend) == ("mend", True)
