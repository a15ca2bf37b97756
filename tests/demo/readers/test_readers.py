"""The ledger's eyes: what they read of Kafka and the warehouse is what is there, committed and complete."""

import io
import json
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage

import fastavro
import httpx
import polars as pl
import psycopg
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from ferryman.demo.facts import flows
from ferryman.demo.facts.errors import DemoError
from ferryman.demo.facts.expected import Payment
from ferryman.demo.facts.ledger import Verdict, compare
from ferryman.demo.readers import receipts
from ferryman.demo.readers.access import Access
from ferryman.demo.readers.archive import Archive
from ferryman.demo.readers.topics import Topics
from ferryman.demo.readers.warehouse import Readable, Warehouse, latencies
from ferryman.stack import Stack
from ferryman.stack.servers.mailbox import Kept

SCHEMA = {"type": "record", "name": "Paid", "fields": [{"name": "payment_id", "type": "string"}]}


@pytest.fixture
def topics(kafka: str, registry: str) -> Topics:
    return Topics(Access({"bootstrap.servers": kafka, "log_level": 0}, registry))


@pytest.fixture
def topic(admin: AdminClient, unique: str) -> str:
    admin.create_topics([NewTopic(unique, 2, 1)])[unique].result()
    return unique


@pytest.fixture
def paid(registry: str, topic: str) -> Callable[[str], bytes]:
    """Encodes a payment in the registry's wire format."""
    answer = httpx.post(f"{registry}/subjects/{topic}-value/versions", json={"schema": json.dumps(SCHEMA)})
    head = b"\x00" + answer.raise_for_status().json()["id"].to_bytes(4, "big")
    parsed = fastavro.parse_schema(SCHEMA)

    def encode(payment: str) -> bytes:
        out = io.BytesIO(head)
        out.seek(5)
        fastavro.schemaless_writer(out, parsed, {"payment_id": payment})
        return out.getvalue()

    return encode


def transaction(kafka: str, name: str) -> Producer:
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": name})
    producer.init_transactions(30)
    producer.begin_transaction()
    return producer


def test_committed_records_of_all_partitions_are_read_and_aborted_ones_are_not(
    topics: Topics, topic: str, kafka: str, paid: Callable[[str], bytes]
) -> None:
    for names, end in (("ab", "commit"), ("cd", "abort"), ("ef", "commit")):
        producer = transaction(kafka, topic)
        for partition, name in enumerate(names):
            producer.produce(topic, paid(name), name, partition=partition)
        producer.commit_transaction(30) if end == "commit" else producer.abort_transaction(30)
    read = list(topics.records([topic]))
    assert sorted(record.key for record in read) == ["a", "b", "e", "f"]
    assert all(record.value == {"payment_id": record.key} for record in read)


def test_a_record_that_is_no_avro_is_read_as_bytes(topics: Topics, topic: str) -> None:
    topics.poison(topic, "poison", b"no Avro")
    topics.poison(topic, "unknown schema", b"\x00\x7f\xff\xff\xff1234")
    read = {record.key: (record.value, record.payload) for record in topics.records([topic])}
    assert read == {"poison": (None, b"no Avro"), "unknown schema": (None, b"\x00\x7f\xff\xff\xff1234")}


def test_dead_letters_tell_where_their_record_was_read(topics: Topics, topic: str, kafka: str) -> None:
    prefix = "__connect.errors."
    origin: dict[str, str | bytes | None] = {
        f"{prefix}topic": b"payments",
        f"{prefix}partition": b"1",
        f"{prefix}offset": b"17",
    }
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce(topic, b"bad", headers=origin, partition=0)
    producer.produce(topic, b"lost its origin", partition=1)
    producer.flush(30)
    assert set(topics.dead_letters(topic)) == {(("payments", 1, 17), b"bad"), (None, b"lost its origin")}


def test_topics_that_do_not_exist_hold_nothing(topics: Topics, unique: str) -> None:
    assert topics.existing([unique]) == []
    assert list(topics.records([unique])) == []
    assert topics.ends([unique]) == {}


def test_lag_is_what_the_group_has_not_committed(topics: Topics, topic: str) -> None:
    topics.poison(topic, "a", b"1")
    topics.poison(topic, "b", b"2")
    assert topics.lag(topic, topics.ends([topic])) == 2
    topics.close()


def test_rows_are_counted_and_read_and_missing_tables_are_empty(postgres: str) -> None:
    with psycopg.connect(postgres.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute('CREATE TABLE "Odd name" (payment_id text, amount numeric)')
        connection.execute("""INSERT INTO "Odd name" VALUES ('pi_1', 12.34), ('pi_2', 5)""")
    warehouse = Warehouse(postgres)
    assert warehouse.counts(["Odd name", "absent"]) == {"Odd name": 2, "absent": 0}
    assert [row[0] for row in warehouse.rows("Odd name", ["payment_id"])] == ["pi_1", "pi_2"]
    assert list(warehouse.rows("absent", ["payment_id"])) == []
    warehouse.close()


def test_rows_are_deleted_overwritten_and_forbidden_and_those_that_somebody_writes_are_left_alone(
    postgres: str,
) -> None:
    url = postgres.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection, psycopg.connect(url) as writing:
        connection.execute("CREATE TABLE t (id text PRIMARY KEY, title text)")
        connection.execute("INSERT INTO t VALUES ('a', 'x'), ('b', 'x'), ('c', 'x')")
        writing.execute("UPDATE t SET title = 'y' WHERE id = 'a'")
        warehouse = Warehouse(postgres)
        assert sorted(warehouse.spoil("t", "title", 50)) == ["b", "c"]
        (lost,) = warehouse.lose("t", 1)
        writing.commit()
        left = {"a", "b", "c"} - {lost}
        assert {row[0] for row in warehouse.rows("t", ["id"])} == left
        assert {row[0] for row in warehouse.rows("t", ["title"])} == {"y", "overwritten by mistake"}
        warehouse.forbid("t", "title", "failed")
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("INSERT INTO t VALUES ('d', 'failed')")
        warehouse.allow("t")
        connection.execute("INSERT INTO t VALUES ('d', 'failed')")
        warehouse.close()


def test_a_payments_row_is_seen_when_it_can_be_read_and_not_before_its_commit(postgres: str) -> None:
    readable = Readable(postgres)
    readable.start()
    with psycopg.connect(postgres.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE payments (payment_id text)")
        connection.commit()
        connection.execute("INSERT INTO payments VALUES ('pi_1')")
        inserted = time.time()
        time.sleep(0.2)
        assert readable.seen == {}
        connection.commit()
        while not readable.seen:
            time.sleep(0.01)
    readable.end()
    assert latencies([("pi_1", inserted), ("pi_2", inserted)], readable.seen)[0] >= 0.2


def test_rows_of_several_pages_are_seen_also_where_room_was_made_among_them(postgres: str) -> None:
    readable = Readable(postgres, pause=0.0)
    with psycopg.connect(postgres.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE TABLE payments (payment_id text) WITH (autovacuum_enabled = false)")
        readable.start()
        connection.execute("INSERT INTO payments SELECT 'pi_' || n FROM generate_series(1, 2000) n")
        expected = {f"pi_{number}" for number in range(1, 2001)}
        while set(readable.seen) != expected:
            time.sleep(0.01)
        connection.execute("DELETE FROM payments WHERE payment_id IN ('pi_1', 'pi_2')")
        connection.execute("VACUUM payments")
        for number in (2001, 2002, 2003):
            connection.execute("INSERT INTO payments VALUES (%s)", [f"pi_{number}"])
        while not expected | {"pi_2001", "pi_2002", "pi_2003"} <= set(readable.seen):
            time.sleep(0.01)
    readable.end()


@pytest.fixture(scope="module")
def archive() -> Iterator[Archive]:
    with Stack(("s3",)) as stack:
        archive = Archive(stack.addresses["s3"])
        archive.create()
        yield archive


def put(archive: Archive, key: str, content: bytes) -> None:
    archive._s3.put_object(Bucket=flows.BUCKET, Key=key, Body=content)


def parquet(*numbers: int) -> bytes:
    out = io.BytesIO()
    pl.DataFrame({"other": ["x"] * len(numbers), "id": numbers}).write_parquet(out)
    return out.getvalue()


def test_records_are_counted_and_read_by_topic_from_whole_objects_only(archive: Archive) -> None:
    put(archive, "topics/a/year=2026/month=11/day=23/a+0+0000000000.zstd.parquet", parquet(1, 2))
    put(archive, "topics/a/year=2026/month=11/day=23/a+1+0000000000.zstd.parquet", parquet(3))
    put(archive, "topics/b/year=2026/month=11/day=23/b+0+0000000000.zstd.parquet", parquet(4))
    put(archive, "topics/a/year=2026/month=11/day=23/a+0+0000000002.zstd.parquet-1f2e", b"half")
    assert archive.counts() == {"a": 2 + 1, "b": 1}
    assert sorted(archive.rows("a", ["id"])) == [(1,), (2,), (3,)]
    with pytest.raises(DemoError, match=r"b\+0\+0000000000"):
        list(archive.rows("b", ["missing"]))


def test_the_last_object_of_each_folder_and_partition_is_told_by_its_offset(archive: Archive) -> None:
    names = (
        "d=1/l+0+0000000007",
        "d=1/l+0+10000000000",
        "d=1/l+0+9999999999",
        "d=1/l+1+0000000000",
        "d=2/l+0+0000000003",
    )
    for name in names:
        put(archive, f"topics/l/{name}.zstd.parquet", parquet(1))
    lasts = {key for key in archive.lasts() if key.startswith("topics/l/")}
    assert lasts == {f"topics/l/{names[number]}.zstd.parquet" for number in (1, 3, 4)}


def test_an_object_that_changes_or_goes_is_noted(archive: Archive) -> None:
    for name in "xyz":
        put(archive, f"topics/c/{name}.parquet", parquet(1))
    archive.counts()
    put(archive, "topics/c/x.parquet", parquet(1, 1))
    archive._s3.delete_object(Bucket=flows.BUCKET, Key="topics/c/y.parquet")
    archive.counts()
    assert archive.broken == {"topics/c/x.parquet": "changed", "topics/c/y.parquet": "gone"}


def mail(number: int, payment: str, in_doubt: bool = False, **said: str) -> Kept:
    message = EmailMessage()
    message["Message-ID"] = said.get("id", f"<{payment}@x>")
    message["Subject"] = f"Your payment {payment}"
    if in_doubt:
        message["X-Ferryman-In-Doubt"] = "yes"
    amount = said.get("amount", "12.05")
    message.set_content(f"Dear backer,\n\nyour payment of {amount} EUR for prj_1 has arrived. Thank you!\n")
    return Kept(number, "from@x", ("bkr_1@backers.example",), message)


def receipts_verdict(*messages: Kept) -> Verdict:
    paid = [Payment(name, "succeeded", 1205, "eur", "plg", "prj_1", "bkr_1", 0.0) for name in "ab"]
    return compare("mailbox", receipts.expected(paid), receipts.arrived_receipts(messages))


def test_a_receipt_sent_again_in_doubt_is_one_receipt() -> None:
    assert receipts_verdict(mail(1, "a", in_doubt=True), mail(2, "b"), mail(3, "a")).clean
    assert receipts_verdict(mail(1, "a", in_doubt=True), mail(2, "b")).clean


def test_a_receipt_that_is_lost_doubled_or_wrong_is_seen() -> None:
    assert receipts_verdict(mail(1, "a")).lost == ["b"]
    assert receipts_verdict(mail(1, "a"), mail(2, "a"), mail(3, "b")).doubled == ["a"]
    assert receipts_verdict(mail(1, "a"), mail(2, "a", in_doubt=True, id="<other@x>"), mail(3, "b")).doubled == ["a"]
    assert receipts_verdict(mail(1, "a", amount="12.50"), mail(2, "b")).corrupt == ["a"]
