"""The Stripe source against localstripe, a process of its own that the official SDK makes payments at."""

import threading
import time
from collections.abc import Iterator

import pytest

from ferryman.stack import Stack
from tests.connectors.stripe.stripe_task import Task, config

stripe = pytest.importorskip("stripe")


@pytest.fixture(scope="module")
def gateway() -> Iterator[str]:
    with Stack(("payments",)) as stack:
        yield stack.addresses["payments"]


class Shop:
    """Makes payments with the SDK and remembers their ids in order."""

    def __init__(self, gateway: str) -> None:
        self.client = stripe.StripeClient("sk_test_12345", base_addresses={"api": gateway})
        card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123"}
        self.card = self.client.v1.payment_methods.create(params={"type": "card", "card": card}).id
        self.paid: list[str] = []

    def sell(self, amount: int = 2500) -> str:
        """One payment; returns its id."""
        made = self.client.v1.payment_intents.create(
            params={
                "amount": amount,
                "currency": "eur",
                "payment_method": self.card,
                "confirm": True,
                "metadata": {"project_id": "prj_1", "backer_id": "bck_1"},
            }
        )
        self.paid.append(made.id)
        return str(made.id)


def test_every_payment_arrives_once_while_the_task_is_killed_again_and_again(gateway: str) -> None:
    shop = Shop(gateway)
    for _ in range(60):
        shop.sell()
    task = Task(config(gateway, overlap_seconds="2", events_per_poll="25", poll_interval_ms="20"))
    seller = threading.Thread(target=lambda: [shop.sell() for _ in range(90)])
    seller.start()
    lives = 0
    while seller.is_alive():
        records = task.source.poll()
        if lives % 3:
            task.commit(records)
        if lives % 2 or not lives % 3:
            task.kill()
        lives += 1
    seller.join()
    task.drain()
    assert lives > 5
    assert sorted(str(record.key) for record in task.records) == sorted(shop.paid)
    assert {str(record.value["amount"]) for record in task.records} == {"25.00"}
    assert {record.value["project_id"] for record in task.records} == {"prj_1"}


def test_each_new_payment_is_seen(gateway: str) -> None:
    shop = Shop(gateway)
    task = Task(config(gateway, poll_interval_ms="20", start_from="latest"))
    task.drain()
    for _ in range(30):
        payment = shop.sell()
        began = time.monotonic()
        while payment not in [record.key for record in task.poll()]:
            assert time.monotonic() - began < 300
