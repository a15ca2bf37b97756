"""A payment gateway: localstripe, which answers the official Stripe SDK. GPL, hence never imported by Ferryman."""

import sys
from importlib.util import find_spec
from pathlib import Path

from ferryman.stack.runtime.errors import StackError
from ferryman.stack.runtime.ports import HOST, answers_http
from ferryman.stack.runtime.process import Launch
from ferryman.stack.runtime.service import Place, Service

_SERVER = Path(__file__).with_name("payments_process.py")


def _launch(place: Place) -> Launch:
    if find_spec("localstripe") is None:
        raise StackError("the embedded stack is an extra: pip install 'ferryman[stack]'")
    state = place.directory / "state.pickle"
    return Launch((sys.executable, "-P", str(_SERVER), HOST, str(place.ports["http"]), str(state)))


PAYMENTS = Service(
    name="payments",
    ports={"http": 8420},
    address=lambda port: f"http://{HOST}:{port}",
    launch=_launch,
    answers=lambda _directory, ports: answers_http(ports["http"], "/js.stripe.com/v3/"),
)
