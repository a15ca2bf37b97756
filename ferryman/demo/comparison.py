"""Reads every system to its end and compares it with what was sent: the verdicts of the ledger."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from ferryman.demo.demo_stack import DemoStack
from ferryman.demo.facts import flows
from ferryman.demo.facts.expected import PAYMENT_FIELDS, Events, Payment, content, payment_content
from ferryman.demo.facts.ledger import Content, Found, Identity, Verdict, by_identity, compare
from ferryman.demo.facts.targets import DEAD_LETTERS
from ferryman.demo.payments import payment_statuses
from ferryman.demo.readers import receipts
from ferryman.demo.readers.archive import Archive
from ferryman.demo.readers.topics import Coordinates, Read, Topics
from ferryman.demo.readers.warehouse import Warehouse
from ferryman.demo.repairs import Repaired
from ferryman.stack.servers.mailbox import Mailbox

POISON_KEY = "poison"
POISON = b"This is no payment, and no Avro either."
MASKED = "hidden"
"""What payments-to-warehouse writes in place of a backer's id."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Everything that was sent."""

    payments: Sequence[Payment]
    """What the gateway's SDK returned."""
    events: Events
    """The invented events."""
    poison: Coordinates | None
    """Where the poison lies; None if none was sent."""
    repaired: Repaired | None = None
    restored: bool = False
    """Whether the archive was put back into topics."""


def verdicts(stack: DemoStack, archive: Archive, mailbox: Mailbox, sent: Sent) -> Iterator[Verdict]:
    """The verdicts, system by system. Nothing may be moving any more."""
    gateway = by_identity((payment.id, payment.status) for payment in sent.payments)
    yield compare("gateway: payments made", gateway, payment_statuses(stack.addresses["payments"]))
    topics = Topics(stack.access)
    payments = {read.at: read for read in topics.records([flows.PAYMENTS])}
    yield from _kafka(topics, payments.values(), sent)
    warehouse = Warehouse(stack.addresses["postgres"])
    try:
        yield from _warehouse(warehouse, sent)
        if sent.repaired is not None:
            yield _backfilled(warehouse, sent, sent.repaired.damaged)
            yield _replayed(warehouse, sent, [payments.get(each) for each in sent.repaired.refused])
    finally:
        warehouse.close()
    yield from _archive(archive, sent)
    if sent.restored:
        yield from _restored(topics, sent)
    yield compare("mailbox: receipts", receipts.expected(sent.payments), receipts.arrived_receipts(mailbox.messages()))
    poison: dict[Identity, Content] = {} if sent.poison is None else {sent.poison: POISON}
    refused = {} if sent.repaired is None else {each: payments[each].payload for each in sent.repaired.refused}
    for sink in flows.DEAD_LETTERING:
        found = topics.dead_letters(flows.dead_letters(sink))
        expected = poison | refused if sink == flows.PAYMENT_INSERT else poison
        yield compare(f"{DEAD_LETTERS}{sink}", expected, found, at_least_once=True)


def _kafka(topics: Topics, read: Iterable[Read], sent: Sent) -> Iterator[Verdict]:
    payments = by_identity((payment.id, payment_content(payment)) for payment in sent.payments)
    if sent.poison is not None:
        payments[POISON_KEY] = content([POISON])
    yield compare("Kafka: payments", payments, map(_payment, read))
    found = (_event(read, read.topic, sent.events) for read in topics.records(sent.events.fields))
    yield compare(f"Kafka: {flows.WORLD}.*", sent.events.in_topics(), found)
    mailed = by_identity((payment.id, True) for payment in sent.payments)
    events = ((_payment_of_mail(read), read.value is not None) for read in topics.records([flows.EMAILS_SENT]))
    yield compare(f"Kafka: {flows.EMAILS_SENT}", mailed, events, at_least_once=True)
    yield compare("registry: versions of payments", _contracts(), topics.versions(flows.PAYMENTS))


def _payment(read: Read) -> Found:
    if read.value is None:
        return read.key, content([read.payload])
    return read.value.get("payment_id"), content(read.value.get(name) for name in PAYMENT_FIELDS)


def _payment_of_mail(read: Read) -> str:
    """The payment that an EmailSent event is about."""
    return str((read.value or {}).get("subject", read.key)).rpartition(" ")[2]


def _event(read: Read, topic: str, events: Events) -> Found:
    fields = events.fields[topic]
    if read.value is None:
        return (topic, read.key), content([read.payload])
    return (topic, read.value.get(fields[0])), content(map(read.value.get, fields))


def _warehouse(warehouse: Warehouse, sent: Sent) -> Iterator[Verdict]:
    masked = by_identity((payment.id, payment_content(payment, backer=MASKED)) for payment in sent.payments)
    logged = by_identity((payment.id, payment_content(payment)) for payment in sent.payments)
    for table, how, expected in ((flows.PAYMENT_TABLE, "upsert", masked), (flows.PAYMENT_LOG, "insert", logged)):
        found = _rows(warehouse, table, PAYMENT_FIELDS)
        yield compare(f"warehouse: {table} ({how})", expected, found)
    inserted, upserted = sent.events.inserted(), sent.events.upserted()
    yield compare(f"warehouse: {flows.WORLD}_* (insert)", inserted, _events(warehouse, sent.events, flows.INSERTED))
    yield compare(f"warehouse: {flows.WORLD}_* (upsert)", upserted, _events(warehouse, sent.events, flows.UPSERTED))


def _archive(archive: Archive, sent: Sent) -> Iterator[Verdict]:
    payments = by_identity((payment.id, payment_content(payment)) for payment in sent.payments)
    found = ((row[0], content(row)) for row in archive.rows(flows.PAYMENTS, PAYMENT_FIELDS))
    yield compare("archive: payments", payments, found)
    fields = sent.events.fields
    events = (((topic, row[0]), content(row)) for topic in fields for row in archive.rows(topic, fields[topic]))
    yield compare(f"archive: {flows.WORLD}.*", sent.events.in_topics(), events)
    yield compare("archive: objects changed or gone", {}, archive.broken.items())


def _backfilled(warehouse: Warehouse, sent: Sent, rows: Sequence[Identity]) -> Verdict:
    """Whether the damaged rows are again as the events make them, as if nobody had touched them."""
    states, damaged = sent.events.upserted(), set(rows)
    found = (each for each in _events(warehouse, sent.events, flows.UPSERTED) if each[0] in damaged)
    return compare("backfill: damaged rows", {each: states[each] for each in damaged}, found)


def _replayed(warehouse: Warehouse, sent: Sent, refused: Sequence[Read | None]) -> Verdict:
    """Whether the payments that the warehouse refused for a while, all of them declined ones, are there once."""
    ids = {_payment(read)[0] if read is not None else None for read in refused}
    declined = {each.id: payment_content(each) for each in sent.payments if each.status == "failed"}
    expected = {each: declined.get(str(each)) for each in ids}
    found = (each for each in _rows(warehouse, flows.PAYMENT_LOG, PAYMENT_FIELDS) if each[0] in expected)
    return compare("replay: refused payments", expected, found)


def _restored(topics: Topics, sent: Sent) -> Iterator[Verdict]:
    """Whether what came out of the archive is what was sent: its values, record by record."""
    payments = by_identity((payment.id, payment_content(payment)) for payment in sent.payments)
    found = map(_payment, topics.records([flows.RESTORED + flows.PAYMENTS]))
    yield compare(f"restored: {flows.PAYMENTS}", payments, found)
    restored = topics.records(flows.RESTORED + topic for topic in sent.events.fields)
    events = (_event(read, read.topic.removeprefix(flows.RESTORED), sent.events) for read in restored)
    yield compare(f"restored: {flows.WORLD}.*", sent.events.in_topics(), events)


def verified(findings: Iterable[Found], poison: Coordinates | None) -> Verdict:
    """The verdict on what `ferryman verify` finds: nothing is missing but the poison, which no archive takes."""
    gaps: dict[Identity, Content] = {} if poison is None else {("gap", *poison[:2]): 1}
    return compare("archive: gaps, by ferryman verify", gaps, findings)


def _contracts() -> dict[Identity, Content]:
    """The fields of each version of PaymentProcessed, as schemas/ has them."""
    files = {number: flows.SCHEMAS / f"PaymentProcessed.v{number}.avsc" for number in (1, 2)}
    return {
        number: frozenset(each["name"] for each in json.loads(file.read_text())["fields"])
        for number, file in files.items()
    }


def _rows(warehouse: Warehouse, table: str, columns: Sequence[str]) -> Iterable[Found]:
    return ((row[0], content(row)) for row in warehouse.rows(table, columns))


def _events(warehouse: Warehouse, events: Events, streams: Sequence[str]) -> Iterator[Found]:
    for stream in streams:
        topic = f"{flows.WORLD}.{stream}"
        columns, table = events.fields[topic], flows.table(topic)
        if stream in flows.UPSERTED:
            values = itemgetter(slice(1, None))
            yield from (((topic, row[0]), content(values(row))) for row in warehouse.rows(table, ["id", *columns]))
        else:
            yield from (((topic, row[0]), content(row)) for row in warehouse.rows(table, columns))
