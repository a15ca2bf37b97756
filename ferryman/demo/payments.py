"""Makes payments at the gateway with the official Stripe SDK, and keeps a list of what it returned."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import count, cycle
from pathlib import Path
from typing import Any

from ferryman.demo.facts import flows
from ferryman.demo.facts.errors import DemoError
from ferryman.demo.facts.expected import Payment

GOOD_CARD = "4242424242424242"
DECLINED_CARD = "4000000000000341"
"""Can be kept for a customer, but every charge is declined (Stripe's page on test cards)."""
EVERY_DECLINED = 20
CURRENCY = "eur"


class Payer(threading.Thread):
    """Pays again and again; each 20th card is declined."""

    def __init__(self, address: str, pledges: Sequence[str], journal: Path, per_second: float = 12.0) -> None:
        super().__init__(name="payer", daemon=True)
        self.made: list[Payment] = []
        """Append-only: everything the SDK returned, in this order."""
        self.problem: str | None = None
        self._address = address
        self._pledges = cycle(pledges)
        self._journal = journal
        self._pause = 1 / per_second
        self._ending = threading.Event()

    def end(self) -> None:
        """Returns when the last payment is made and written down."""
        self._ending.set()
        if self.is_alive():
            self.join(30)

    def run(self) -> None:
        """Until asked to end. A payment whose fate is unknown ends it too: what was sent would not be known."""
        try:
            self._pay_all()
        except Exception as error:
            self.problem = f"the payment gateway failed: {type(error).__name__}: {error}"

    def _pay_all(self) -> None:
        client = _client(self._address)
        good, declined = (_card(client, number) for number in (GOOD_CARD, DECLINED_CARD))
        with self._journal.open("a") as journal:
            for number in count(1):
                if self._ending.wait(self._pause):
                    return
                payment = self._pay(client, number, declined if number % EVERY_DECLINED == 0 else good)
                journal.write(json.dumps(asdict(payment)) + "\n")
                journal.flush()
                self.made.append(payment)

    def _pay(self, client: Any, number: int, card: str) -> Payment:
        """One payment, confirmed in a second step: so its id is known even if the card is declined."""
        from stripe import CardError

        pledge = next(self._pledges)
        order = {"pledge_id": pledge, "project_id": f"prj_{number % 7}", "backer_id": f"bkr_{number % 50}"}
        amount = 500 + number * 7 % 20_000
        asked = {"amount": amount, "currency": CURRENCY, "payment_method": card, "metadata": order}
        intent = client.v1.payment_intents.create(asked)
        try:
            status = client.v1.payment_intents.confirm(intent.id).status
        except CardError:
            status = "failed"
        return Payment(intent.id, status, amount, CURRENCY, **order, returned=time.time())


def payment_statuses(address: str) -> Iterator[tuple[str, str]]:
    """The payments that the gateway has events for: id and status, one for each event."""
    statuses = {"payment_intent.succeeded": "succeeded", "payment_intent.payment_failed": "failed"}
    for event in _client(address).v1.events.list({"limit": 100}).auto_paging_iter():
        if event.type in statuses:
            yield event.data.object["id"], statuses[event.type]


def _client(address: str) -> Any:
    try:
        import stripe
    except ImportError:
        raise DemoError("the demo needs the embedded stack: pip install 'ferryman[stack]'") from None
    stripe.enable_telemetry = False  # else it leaves a file in the home folder
    return stripe.StripeClient(flows.GATEWAY_KEY, base_addresses={"api": address})


def _card(client: Any, number: str) -> str:
    card = {"number": number, "exp_month": 12, "exp_year": 2035, "cvc": "123"}
    return str(client.v1.payment_methods.create({"type": "card", "card": card}).id)
