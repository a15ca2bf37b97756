"""A crowdfunding platform's events, invented: every event refers to things that earlier ones brought about.

The world is told in seasons of 2,000 events. A season has its own projects and backers and is a function of the seed,
the task and its number alone: any event can be made again without the seasons before, and all sums add up within one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from random import Random
from typing import Any, NamedTuple

from ferryman.connectors.stripe.payment_processed import SCHEMA as PAYMENT_PROCESSED
from ferryman.schema import FLOAT64, INT32, OPTIONAL_STRING, STRING, TIMESTAMP_SCHEMA, Schema, struct

MONEY = PAYMENT_PROCESSED.by_name["amount"].schema


def _event(name: str, /, **fields: Schema) -> Schema:
    return struct(fields, name=f"crowdfunding.{name}")


STREAMS: dict[str, Schema] = {
    "projects": _event(
        "ProjectCreated",
        project_id=STRING,
        title=STRING,
        creator=STRING,
        category=STRING,
        goal=MONEY,
        currency=STRING,
        created_at=TIMESTAMP_SCHEMA,
        deadline=TIMESTAMP_SCHEMA,
    ),
    "backers": _event(
        "BackerRegistered",
        backer_id=STRING,
        name=STRING,
        email=STRING,
        country=STRING,
        registered_at=TIMESTAMP_SCHEMA,
    ),
    "pledges": _event(
        "PledgeMade",
        pledge_id=STRING,
        project_id=STRING,
        backer_id=STRING,
        amount=MONEY,
        currency=STRING,
        pledged_at=TIMESTAMP_SCHEMA,
    ),
    "payments": PAYMENT_PROCESSED,
    "funding": _event(
        "FundingUpdated",
        update_id=STRING,
        project_id=STRING,
        payment_id=STRING,
        change=MONEY,
        total=MONEY,
        currency=STRING,
        backers=INT32,
        updated_at=TIMESTAMP_SCHEMA,
    ),
    "emails": _event(
        "EmailSent",
        email_id=STRING,
        backer_id=STRING,
        recipient=STRING,
        template=STRING,
        subject=STRING,
        pledge_id=OPTIONAL_STRING,
        sent_at=TIMESTAMP_SCHEMA,
    ),
    "metrics": _event(
        "MetricsCollected",
        metric_id=STRING,
        service=STRING,
        name=STRING,
        value=FLOAT64,
        unit=STRING,
        collected_at=TIMESTAMP_SCHEMA,
    ),
    "errors": _event(
        "ErrorLogged",
        error_id=STRING,
        service=STRING,
        severity=STRING,
        message=STRING,
        payment_id=OPTIONAL_STRING,
        logged_at=TIMESTAMP_SCHEMA,
    ),
}
"""What each stream's events look like: the newest version of the contract of that name."""
PROJECTS, BACKERS, PLEDGES, PAYMENTS, FUNDING, EMAILS, METRICS, ERRORS = range(len(STREAMS))

SEASON = 2000
LONGEST_STORY = 7
START = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(milliseconds=40)
RUN = timedelta(days=30)

FIRST_NAMES = (
    "Ada",
    "Boris",
    "Chioma",
    "Dilnoza",
    "Émile",
    "Fatima",
    "Goran",
    "Hana",
    "Inés",
    "Jonas",
    "Kaveh",
    "Łucja",
)
LAST_NAMES = ("Adler", "Brandt", "Costa", "Duong", "Eriksen", "Ferreira", "Gupta", "Hölzl", "Ito", "Jansen", "Kowalska")
COUNTRIES = ("AT", "BR", "DE", "ES", "FR", "GB", "IN", "JP", "NL", "NO", "PL", "PT", "US")
ADJECTIVES = ("Bright", "Folding", "Quiet", "Wooden", "Solar", "Tiny", "Endless", "Northern", "Paper", "Second")
NOUNS = ("Lantern", "Bicycle", "Atlas", "Orchestra", "Garden", "Telescope", "Kitchen", "Harbour", "Loom", "Radio")
CATEGORIES = ("games", "music", "film", "design", "food", "technology", "publishing")
PAYMENT_METHODS = ("card", "card", "card", "sepa_debit", "paypal", "apple_pay")
PLEDGE_CENTS = (500, 999, 1000, 1500, 1950, 2500, 2500, 3500, 4242, 5000, 7500, 12000, 25000)
AMOUNTS = tuple(Decimal(cents).scaleb(-2) for cents in PLEDGE_CENTS)
FEES = {amount: (amount * Decimal("0.014") + Decimal("0.25")).quantize(Decimal("0.01")) for amount in AMOUNTS}
CURRENCY = "EUR"
ZERO = Decimal("0.00")


class Event(NamedTuple):
    """One event: the index of its stream in STREAMS, its key and its value."""

    stream: int
    key: str
    value: dict[str, Any]


@dataclass(slots=True)
class Project:
    """What a project has received so far."""

    id: str
    title: str
    total: Decimal = ZERO
    backers: int = 0


class Backer(NamedTuple):
    """Who pledges."""

    id: str
    name: str
    email: str


class Pledge(NamedTuple):
    """A pledge with what it refers to."""

    id: str
    project: Project
    backer: Backer
    amount: Decimal


class Paid(NamedTuple):
    """A pledge that was paid."""

    pledge: Pledge
    payment_id: str
    method: str


def season(random: Random, world: str, number: int) -> list[Event]:
    """The events of a season. ``world`` tells seeds and tasks apart in every id."""
    return _Season(random, blake2b(world.encode(), digest_size=4).hexdigest(), number).tell()


class _Season:
    """Tells one season, story by story."""

    def __init__(self, random: Random, world: str, number: int) -> None:
        self.draw = random.random
        self.tag = f"{world}{number:05d}"
        self.events: list[Event] = []
        self.now = START + STEP * (number * SEASON)
        self.projects: list[Project] = []
        self.backers: list[Backer] = []
        self.paid: list[Paid] = []
        self.pledges = 0
        self.payments = 0
        self.raised = ZERO

    def tell(self) -> list[Event]:
        for _ in range(4):
            self._project()
        for _ in range(10):
            self._backer()
        stories = self._stories()
        while len(self.events) <= SEASON - LONGEST_STORY:
            stories[int(self.draw() * len(stories))]()
        while len(self.events) < SEASON:
            self._metric()
        return self.events

    def _stories(self) -> Sequence[Callable[[], None]]:
        rest = [self._declined] * 6 + [self._refund] * 4 + [self._metric] * 10 + [self._backer] * 14 + [self._project]
        return [self._pledge] * 65 + rest

    def _tell(self, stream: int, key: str, value: dict[str, Any]) -> None:
        self.events.append(Event(stream, key, value))
        self.now += STEP

    def _id(self, kind: str) -> str:
        return f"{kind}_{self.tag}{len(self.events):04d}"

    def _one_of(self, items: Sequence[Any]) -> Any:
        return items[int(self.draw() * len(items))]

    def _project(self) -> None:
        project = Project(self._id("prj"), f"The {self._one_of(ADJECTIVES)} {self._one_of(NOUNS)}")
        self.projects.append(project)
        value = {
            "project_id": project.id,
            "title": project.title,
            "creator": f"{self._one_of(FIRST_NAMES)} {self._one_of(LAST_NAMES)}",
            "category": self._one_of(CATEGORIES),
            "goal": Decimal(int(self.draw() * 200 + 5) * 100).quantize(ZERO),
            "currency": CURRENCY,
            "created_at": self.now,
            "deadline": self.now + RUN,
        }
        self._tell(PROJECTS, project.id, value)

    def _backer(self) -> None:
        first, last, key = self._one_of(FIRST_NAMES), self._one_of(LAST_NAMES), self._id("bkr")
        backer = Backer(key, f"{first} {last}", f"{key}@example.com")
        self.backers.append(backer)
        value = {
            "backer_id": backer.id,
            "name": backer.name,
            "email": backer.email,
            "country": self._one_of(COUNTRIES),
            "registered_at": self.now,
        }
        self._tell(BACKERS, backer.id, value)
        self._email(backer, "welcome", f"Welcome, {first}", None)

    def _promise(self) -> Pledge:
        pledge = Pledge(self._id("plg"), self._one_of(self.projects), self._one_of(self.backers), self._one_of(AMOUNTS))
        self.pledges += 1
        value = {
            "pledge_id": pledge.id,
            "project_id": pledge.project.id,
            "backer_id": pledge.backer.id,
            "amount": pledge.amount,
            "currency": CURRENCY,
            "pledged_at": self.now,
        }
        self._tell(PLEDGES, pledge.project.id, value)
        return pledge

    def _pledge(self) -> None:
        self._pay(self._promise())

    def _declined(self) -> None:
        pledge, payment, method = self._promise(), self._id("pay"), self._one_of(PAYMENT_METHODS)
        self._payment(Paid(pledge, payment, method), "failed")
        value = {
            "error_id": self._id("err"),
            "service": "payments",
            "severity": "warning",
            "message": f"Payment {payment} was declined by the issuer",
            "payment_id": payment,
            "logged_at": self.now,
        }
        self._tell(ERRORS, "payments", value)
        self._email(pledge.backer, "payment_failed", f"Your payment for {pledge.project.title} failed", pledge.id)
        self._pay(pledge)

    def _pay(self, pledge: Pledge) -> None:
        paid = Paid(pledge, self._id("pay"), self._one_of(PAYMENT_METHODS))
        self._payment(paid, "succeeded")
        self.paid.append(paid)
        self._fund(paid, pledge.amount, 1)
        self._email(pledge.backer, "pledge_confirmed", f"You back {pledge.project.title}", pledge.id)

    def _refund(self) -> None:
        if not self.paid:
            self._metric()
            return
        paid = self.paid.pop(int(self.draw() * len(self.paid)))
        self._payment(paid, "refunded")
        self._fund(paid, -paid.pledge.amount, -1)
        self._email(
            paid.pledge.backer, "refund_issued", f"Your refund from {paid.pledge.project.title}", paid.pledge.id
        )

    def _payment(self, paid: Paid, status: str) -> None:
        pledge = paid.pledge
        self.payments += 1
        value = {
            "event_id": self._id("evt"),
            "payment_id": paid.payment_id,
            "status": status,
            "amount": pledge.amount,
            "currency": CURRENCY,
            "pledge_id": pledge.id,
            "project_id": pledge.project.id,
            "backer_id": pledge.backer.id,
            "processed_at": self.now,
            "method": paid.method,
            "fee": FEES[pledge.amount] if status == "succeeded" else None,
        }
        self._tell(PAYMENTS, paid.payment_id, value)

    def _fund(self, paid: Paid, change: Decimal, backers: int) -> None:
        project = paid.pledge.project
        project.total += change
        project.backers += backers
        self.raised += change
        value = {
            "update_id": self._id("fnd"),
            "project_id": project.id,
            "payment_id": paid.payment_id,
            "change": change,
            "total": project.total,
            "currency": CURRENCY,
            "backers": project.backers,
            "updated_at": self.now,
        }
        self._tell(FUNDING, project.id, value)

    def _email(self, backer: Backer, template: str, subject: str, pledge_id: str | None) -> None:
        value = {
            "email_id": self._id("eml"),
            "backer_id": backer.id,
            "recipient": backer.email,
            "template": template,
            "subject": subject,
            "pledge_id": pledge_id,
            "sent_at": self.now,
        }
        self._tell(EMAILS, backer.id, value)

    def _metric(self) -> None:
        service, name, measured, unit = self._one_of(
            (
                ("pledges", "pledges_total", float(self.pledges), "count"),
                ("payments", "payments_total", float(self.payments), "count"),
                ("funding", "raised_total", float(self.raised), CURRENCY),
                ("web", "response_time", round(20 + self.draw() * 180, 1), "ms"),
            )
        )
        value = {
            "metric_id": self._id("mtr"),
            "service": service,
            "name": name,
            "value": measured,
            "unit": unit,
            "collected_at": self.now,
        }
        self._tell(METRICS, service, value)
