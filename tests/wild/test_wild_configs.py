"""Configs as people have them for Kafka Connect run here with nothing but addresses and credentials replaced."""

import datetime as dt
import json
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.running import Worker, consume, create_topic, produce, until
from tests.wild.place import Place
from tests.wild.records import Avro, envelope

Rows = list[tuple[Any, ...]]


@pytest.fixture
def place(tmp_path: Path, kafka: str, registry: str, postgres: str) -> Place:
    return Place(tmp_path, kafka, registry, postgres)


def query(url: str, text: str) -> Rows:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with closing(engine.connect()) as connection:
        return [tuple(row) for row in connection.exec_driver_sql(text)]


def execute(url: str, text: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(text)


def holds(worker: Worker, connector: str, read: Callable[[], Any], expected: Any) -> None:
    """Waits until what a connector writes is what its config promises; shows why where it is not."""
    found: Any = None

    def arrived() -> bool:
        nonlocal found
        try:
            found = read()
        except (sa.exc.DBAPIError, OSError) as error:
            found = type(error)
        return bool(found == expected) or "FAILED" in worker.states(connector)

    with suppress(AssertionError):
        until(arrived, 45)
    status = worker.call("GET", f"/connectors/{connector}/status")
    assert found == expected, f"{connector}: {json.dumps(status, indent=1)}"


def table(worker: Worker, place: Place, connector: str, text: str, expected: Rows) -> None:
    holds(worker, connector, lambda: query(place.postgres, text), expected)


def filled_topic(
    kafka: str, topic: str, values: Sequence[bytes | None], keys: Sequence[bytes | None] | None = None
) -> None:
    """A new topic with these records."""
    create_topic(kafka, topic)
    produce(kafka, topic, values, keys)


def quiet(worker: Worker) -> str:
    """The log of a worker that had no error to tell of."""
    log = worker.said
    assert "Traceback" not in log
    assert " ERROR " not in log
    return log


def test_the_files_that_kafka_ships_copy_lines_from_a_file_to_a_file_and_the_console(place: Place) -> None:
    (place.folder / "test.txt").write_text("foo\nbar\n")
    files = [f"connect-{kind}.properties" for kind in ("file-source", "file-sink", "console-sink")]
    with place.worker("connect-standalone.properties", files) as worker:
        sink = place.folder / "test.sink.txt"
        holds(worker, "local-file-sink", sink.read_text, "foo\nbar\n")
        holds(worker, "local-console-sink", place.out.read_text, "foo\nbar\n")
        with (place.folder / "test.txt").open("a") as file:
            file.write("Äpfel\n")
        holds(worker, "local-file-sink", sink.read_text, "foo\nbar\nÄpfel\n")
        written = [enveloped(line) for line in ("foo", "bar", "Äpfel")]
        holds(worker, "local-file-source", lambda: values(place.kafka, "connect-test"), written)
    quiet(worker)


def test_the_file_that_kafka_ships_for_the_console_publishes_what_is_typed(place: Place) -> None:
    source = ["connect-console-source.properties"]
    with place.worker("connect-standalone.properties", source, typed=b"typed\nby hand\n") as worker:
        typed = [enveloped("typed"), enveloped("by hand")]
        holds(worker, "local-console-source", lambda: values(place.kafka, "connect-console"), typed)
    quiet(worker)


def enveloped(line: str) -> bytes:
    return f'{{"schema":{{"type":"string","optional":false}},"payload":"{line}"}}'.encode()


def values(kafka: str, topic: str) -> list[bytes | None]:
    """A topic's values; none if there is no such topic yet."""
    try:
        return [message.value() for message in consume(kafka, topic)]
    except (AssertionError, KeyError):
        return []


def test_jdbc_sinks_of_a_worker_with_json_and_schemas_fill_their_tables(place: Place) -> None:
    execute(place.postgres, "CREATE TABLE people (id bigint PRIMARY KEY, full_name text)")
    for each in (quickstart, upsert, capitals, json_types, blanks, retries, licensed, transforms, leftovers):
        each(place)
    posted = ["upsert", "capitals", "blanks", "retries", "licensed", "transforms", "leftovers"]
    files = ["jdbc-sink-quickstart.properties", "jdbc-sink-json-types.json"]
    with place.worker("connect-standalone.properties", files) as worker:
        for name in posted:
            place.post(worker, f"jdbc-sink-{name}.json")
        for name, text, expected in JSON_TABLES:
            table(worker, place, f"jdbc-sink-{name}", text, expected)
        dead = until(lambda: values(place.kafka, "dlq-clicks"), 30)
        assert dead == [b"no JSON at all"]
    log = worker.said
    assert log.count(" ERROR ") == 1, "the dead letter, because of errors.log.enable"
    assert "jdbc-sink-retries: batch.size" not in log
    for name in ("connection.driver_class", "connection.ds.pool.size", "connection.batch.wait.max.ms"):
        assert f"jdbc-sink-leftovers: {name} has no effect" in log
    for name in ("numeric.mapping", "consumer.max.poll.records", "batch.sizes", "database.history.kafka.topic"):
        assert f"{name} is not a setting of io.confluent.connect.jdbc.JdbcSinkConnector" in log


def quickstart(place: Place) -> None:
    types = {"id": "int32", "product": "string", "quantity": "int32", "price": "float"}
    filled_topic(
        place.kafka, "quickstart-orders", [envelope(types, {"id": 999, "product": "foo", "quantity": 100, "price": 50})]
    )


def upsert(place: Place) -> None:
    types = {"name": "string", "vip": "boolean"}
    ann, bob = ({"name": name, "vip": name == "Ann"} for name in ("Ann", "Bob"))
    changed = envelope({**types, "city": "string?"}, {"name": "Anna", "vip": False, "city": "Oslo"})
    rows = [envelope(types, ann), envelope(types, bob), changed, None]
    filled_topic(place.kafka, "customers", rows, [b"c1", b"c2", b"c1", b"c2"])


def capitals(place: Place) -> None:
    types = {"sensor": "string", "celsius": "double"}
    wider = {**types, "humidity": "int16?"}
    first, second = {"sensor": "a", "celsius": 20.5}, {"sensor": "b", "celsius": -3.0, "humidity": 40}
    filled_topic(place.kafka, "measurements", [envelope(types, first), envelope(wider, second)])


def json_types(place: Place) -> None:
    create_topic(place.kafka, "clicks", 3)
    for partition in range(3):
        row = envelope({"page": "string"}, {"page": f"/{partition}"})
        produce(place.kafka, "clicks", [row], [b"k"], partition)
    produce(place.kafka, "clicks", [b"no JSON at all"], [b"k"], 1)
    produce(place.kafka, "clicks", [envelope({"page": "string"}, {"page": "/after"})], [b"k"], 1)


def blanks(place: Place) -> None:
    types = {"id": "int64", "customer": "string", "amount": "int32", "secret": "string"}
    for number, topic in enumerate(("sales", "returns"), 1):
        row = {"id": number, "customer": "Eve", "amount": number * 10, "secret": "x"}
        filled_topic(place.kafka, topic, [envelope(types, row)])


def retries(place: Place) -> None:
    types = {"id": "string", "at": "timestamp"}
    rows = [envelope(types, {"id": "x", "at": at}) for at in (0, 1_700_000_000_000)]
    filled_topic(place.kafka, "bookings", rows)


def licensed(place: Place) -> None:
    types = {"ID": "int64", "FULL_NAME": "string"}
    filled_topic(place.kafka, "people", [envelope(types, {"ID": 1, "FULL_NAME": name}) for name in ("Ann", "Ann Lee")])


def transforms(place: Place) -> None:
    types = {
        "mail": "string",
        "password": "string",
        "internal_note": "string?",
        "ssn": "string",
        "signed_up": "timestamp",
    }
    row = {"mail": "a@b.c", "password": "p", "internal_note": None, "ssn": "123", "signed_up": 1_700_000_000_000}
    filled_topic(place.kafka, "signups", [envelope(types, row)])


def leftovers(place: Place) -> None:
    types = {"id": "int32", "region": "string", "amount": "float"}
    rows = [envelope(types, {"id": 1, "region": "eu", "amount": amount}) for amount in (1.5, 2.5)]
    filled_topic(place.kafka, "payments-eu", rows)


JSON_TABLES: list[tuple[str, str, Rows]] = [
    ("quickstart", 'SELECT id, product, quantity, price FROM "quickstart-orders"', [(999, "foo", 100, 50.0)]),
    ("upsert", "SELECT customer_id, name, vip, city FROM public.customers", [("c1", "Anna", False, "Oslo")]),
    (
        "capitals",
        "SELECT sensor, celsius, humidity FROM measurements ORDER BY sensor",
        [("a", 20.5, None), ("b", -3.0, 40)],
    ),
    (
        "json-types",
        "SELECT __connect_topic, __connect_partition, __connect_offset, page FROM clicks ORDER BY 2, 3",
        [("clicks", 0, 0, "/0"), ("clicks", 1, 0, "/1"), ("clicks", 1, 2, "/after"), ("clicks", 2, 0, "/2")],
    ),
    ("blanks", "SELECT * FROM public.sales NATURAL FULL JOIN public.returns", [(1, "Eve", 10), (2, "Eve", 20)]),
    ("retries", "SELECT id, at::text FROM kafka_bookings", [("x", "2023-11-15 07:13:20")]),
    ("licensed", "SELECT * FROM people", [(1, "Ann Lee")]),
    (
        "transforms",
        "SELECT row_to_json(signups)::text FROM signups",
        [('{"email":"a@b.c","ssn":"","signed_up":"2023-11-14","kafka_offset":0,"source_system":"web-shop"}',)],
    ),
    ("leftovers", 'SELECT id, region, amount FROM "payments-eu"', [(1, "eu", 2.5)]),
]


def test_jdbc_sinks_of_other_makers_and_of_avro_beside_json_fill_their_tables(place: Place) -> None:
    debezium(place)
    types = {"n": "int32", "what": "string?"}
    filled_topic(place.kafka, "eu.shop-events", [envelope(types, {"n": n, "what": "w"}) for n in range(3)])
    account = Avro(place.registry, "avro-accounts-value", {"owner": "string", "balance": DECIMAL})
    rows = [account(owner="Ann", balance=Decimal(text)) for text in ("1.10", "2.20")]
    filled_topic(place.kafka, "avro-accounts", rows, [b"A1", b"A1"])
    with place.worker("connect-standalone.properties", []) as worker:
        for name in ("debezium-jdbc-sink", "debezium-jdbc-sink-mixed", "aiven-jdbc-sink", "jdbc-sink-avro"):
            place.post(worker, f"{name}.json")
        table(worker, place, "debezium-jdbc-sink", PRODUCTS, [(1, "hammer", 2.5)])
        table(worker, place, "debezium-jdbc-sink-mixed", "SELECT id, label FROM public.hobbies", [(7, "chess")])
        table(worker, place, "aiven-jdbc-sink", "SELECT n, what FROM eu_shop_events", [(n, "w") for n in range(3)])
        table(worker, place, "jdbc-sink-avro", ACCOUNTS, [("A1", "Ann", Decimal("2.20"))])
    log = quiet(worker)
    assert "hibernate.dialect has no effect" in log
    assert "registry-password" not in log


DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}
ACCOUNTS = 'SELECT account, owner, balance FROM "avro-accounts"'
PRODUCTS = "SELECT id, name, weight FROM dbserver1_inventory_products"


def debezium(place: Place) -> None:
    types = {"id": "int32", "name": "string", "weight": "double?"}
    keys = [envelope({"id": "int32"}, {"id": number}) for number in (1, 2, 1, 2)]
    rows = [
        {"id": n, "name": name, "weight": w} for n, name, w in ((1, "saw", 1.0), (2, "x", None), (1, "hammer", 2.5))
    ]
    filled_topic(place.kafka, "dbserver1.inventory.products", [*(envelope(types, row) for row in rows), None], keys)
    filled_topic(
        place.kafka,
        "server1.public.hobbies",
        [envelope({"id": "int32", "label": "string"}, {"id": 7, "label": "chess"})],
    )


def test_jdbc_sinks_of_a_worker_with_avro_fill_their_tables(place: Place) -> None:
    order = Avro(place.registry, "local_orders-value", {"id": "int", "product": "string", "price": ["null", "double"]})
    filled_topic(
        place.kafka, "local_orders", [order(id=1, product="foo", price=None), order(id=2, product="bar", price=0.5)]
    )
    invoices(place)
    for number in range(2):
        filled_topic(
            place.kafka, f"json-visits-{number}", [envelope({"page": "string"}, {"page": f"/{number}"})], [b"k"]
        )
    with place.worker("connect-avro-standalone.properties", ["jdbc-sink-sqlite.properties"]) as worker:
        for name in ("avro-keys", "json-in-avro-world"):
            place.post(worker, f"jdbc-sink-{name}.json")
        sqlite = f"sqlite:///{place.folder}/test.db"
        orders = "SELECT id, product, price FROM local_orders"
        holds(worker, "test-sink", lambda: query(sqlite, orders), [(1, "foo", None), (2, "bar", 0.5)])
        table(worker, place, "jdbc-sink-avro-keys", INVOICES, [(2, "de", Decimal("20.05"), dt.date(2024, 2, 29))])
        visits = "SELECT page FROM visits ORDER BY page"
        table(worker, place, "jdbc-sink-json-in-avro-world", visits, [("/0",), ("/1",)])
    log = quiet(worker)
    for name in ("plugin.path", "internal.key.converter", "rest.port"):
        assert f"{name} " in log
    assert "value.converter.schema.registry.url has no effect without value.converter" in log


INVOICES = 'SELECT number, country, total, due FROM "avro-invoices"'


def invoices(place: Place) -> None:
    key = Avro(place.registry, "avro-invoices-key", {"number": "long", "country": "string"})
    day = {"type": "int", "logicalType": "date"}
    value = Avro(place.registry, "avro-invoices-value", {"total": DECIMAL, "due": day})
    keys = [key(number=number, country="de") for number in (1, 2, 2, 1)]
    rows = [value(total=Decimal(text), due=dt.date(2024, 2, 29)) for text in ("1.00", "2.00", "20.05")]
    filled_topic(place.kafka, "avro-invoices", [*rows, None], keys)


def test_a_worker_with_a_distributed_workers_leftovers_and_secrets_in_a_file_runs(place: Place) -> None:
    url = sa.make_url(place.postgres)
    (place.folder / "secrets.properties").write_text(
        f"DB_HOST={url.host}:{url.port}\nDB_NAME={url.database}\nDB_USER={url.username}\nDB_PASSWORD={url.password}\n"
    )
    filled_topic(place.kafka, "secret-orders", [envelope({"id": "int32"}, {"id": 1})], [b"k"])
    filled_topic(place.kafka, "log-lines", [b'{"level":"INFO","n":1}', b"{broken", b'{"level":"WARN","n":null}'])
    with place.worker("worker.properties", []) as worker:
        for name in ("jdbc-sink-secrets", "file-sink-schemaless"):
            place.post(worker, f"{name}.json")
        table(worker, place, "jdbc-sink-secrets", 'SELECT id FROM "secret-orders"', [(1,)])
        lines = place.folder / "log-lines.txt"
        holds(worker, "file-sink-schemaless", lines.read_text, "{level=INFO, n=1}\n{level=WARN, n=null}\n")
        status = worker.call("GET", "/connectors/file-sink-schemaless/status")
        assert status["connector"]["worker_id"] == "connect:8083"
    log = quiet(worker)
    for name in ("config.storage.topic", "status.storage.topic", "plugin.path", "plugin.discovery"):
        assert f"{name} has no effect" in log
