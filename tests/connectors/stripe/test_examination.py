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


def test_a_restricted_key_is_told_from_a_wrong_one(stub: StripeStub, tmp_path: Path) -> None:
    stub.moods = [(403, {})]
    (finding,) = system(tmp_path, config(stub.url))
    assert "has not the right to read events" in finding.said


def test_where_no_gateway_listens_the_url_is_to_be_mended(tmp_path: Path) -> None:
    (finding,) = system(tmp_path, config("http://127.0.0.1:1"))
    assert (finding.said, "stripe.api.url" in finding.mend) == ("nothing listens at 127.0.0.1:1", True)


def test_a_gateway_without_tls_is_told(stub: StripeStub, tmp_path: Path) -> None:
    (finding,) = system(tmp_path, config(stub.url.replace("http:", "https:")))
    assert finding.mend.startswith("http:// in place of https:// in stripe.api.url")


def test_another_site_than_the_gateway_is_told_by_its_redirection(stub: StripeStub, tmp_path: Path) -> None:
    stub.moods = [(302, {"Location": "/login"})]
    (finding,) = system(tmp_path, config(stub.url))
    assert ("sends us to /login" in finding.said, "stripe.api.url" in finding.mend) == (True, True)
