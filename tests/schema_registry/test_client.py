"""AvroConverter and its registry: subjects, chosen schemas, references, credentials, TLS, and registries that lie."""

import json
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, get_args

import pytest

from ferryman.conversion import Side
from ferryman.converters.avro import AvroConverter, AvroConverterConfig
from ferryman.errors import DataError, RefusedError, RetriableError, TaskError
from ferryman.plugins import catalog
from ferryman.record import Rows
from ferryman.schema import (
    BYTES,
    INT32,
    INT64,
    OPTIONAL_STRING,
    STRING,
    TIME_SCHEMA,
    TIMESTAMP_SCHEMA,
    RecursiveSchema,
    Schema,
    array,
    decimal,
    mapping,
    struct,
)
from ferryman.stack.runtime.ports import free_port
from tests.converters.test_avro import encode, framed
from tests.schema_registry.registry_server import FakeRegistry, running

ORDER = struct({"id": INT32}, name="shop.Order")
NOTE = {"type": "record", "name": "Note", "fields": [{"name": "n", "type": "int"}]}
CHOSEN = {"auto.register.schemas": "false", "id.compatibility.strict": "false"}
STRICT = {"auto.register.schemas": "false", "use.latest.version": "true"}
LATEST = STRICT | {"latest.compatibility.strict": "false"}


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with running() as found:
        yield found


def converter(registry: FakeRegistry | str, keys: dict[str, str] | None = None, side: Side = "value") -> AvroConverter:
    url = registry if isinstance(registry, str) else registry.url
    return AvroConverter(AvroConverterConfig.parse({"schema.registry.url": url, **(keys or {})}), side)


def written(used: AvroConverter, schema: Schema, value: Any) -> bytes:
    (payload,) = used.from_data("t", Rows(schema, [value]))
    assert payload is not None
    return payload


@pytest.mark.parametrize(
    ("strategy", "subject"),
    [("TopicNameStrategy", "t-{}"), ("RecordNameStrategy", "shop.Order"), ("TopicRecordNameStrategy", "t-shop.Order")],
)
@pytest.mark.parametrize("package", ["", "io.confluent.kafka.serializers.subject."])
@pytest.mark.parametrize("side", get_args(Side))
def test_a_strategy_names_the_subject(
    registry: FakeRegistry, strategy: str, subject: str, package: str, side: Side
) -> None:
    of = "key" if side == "key" else "value"
    used = converter(registry, {f"{of}.subject.name.strategy": package + strategy}, side)
    payload = written(used, ORDER, {"id": 1})
    assert [name for name, _ in registry.subjects] == [subject.format(of)]
    (piece,) = used.to_data("t", [payload])
    assert piece.schema is not None
    assert piece.schema.version == 1


@pytest.mark.parametrize("strategy", ["RecordNameStrategy", "TopicRecordNameStrategy"])
def test_a_strategy_by_record_needs_one_to_write_and_none_to_read(registry: FakeRegistry, strategy: str) -> None:
    used = converter(registry, {"value.subject.name.strategy": strategy})
    with pytest.raises(DataError, match="the message value must be a record"):
        written(used, STRING, "x")
    (piece,) = used.to_data("t", framed(registry.add("string"), encode("string", ["x"])))
    assert piece == Rows(STRING, ["x"])


def test_the_latest_version_is_written_with_its_defaults_and_without_what_it_lacks(registry: FakeRegistry) -> None:
    latest = {
        "type": "record",
        "name": "Other",
        "fields": [
            {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}},
            {"name": "note", "type": ["null", "string"], "default": None},
            {"name": "count", "type": "long"},
            {"name": "more", "type": "int", "default": 7},
        ],
    }
    registry.add(NOTE, "t-value")
    number = registry.add(latest, "t-value")
    used = converter(registry, LATEST)
    schema = struct({"count": INT32, "gone": STRING, "kind": STRING, "note": OPTIONAL_STRING})

    payload = written(used, schema, {"count": 5, "gone": "x", "kind": "B", "note": "n"})

    assert payload[:5] == b"\x00" + number.to_bytes(4, "big")
    (piece,) = used.to_data("t", [payload])
    assert piece.rows().values == [{"kind": "B", "note": "n", "count": 5, "more": 7}]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (struct({"m": INT32}), {"m": 1}),
        (struct({"n": STRING}), {"n": "x"}),
        (struct({"n": INT64}), {"n": 1 << 40}),
        (struct({"n": OPTIONAL_STRING}), {"n": None}),
        (STRING, "x"),
    ],
)
def test_what_does_not_fit_the_latest_version_is_a_data_error(
    registry: FakeRegistry, schema: Schema, value: Any
) -> None:
    registry.add(NOTE, "t-value")
    with pytest.raises(DataError, match="Failed to serialize Avro data from topic t: The value does not fit"):
        written(converter(registry, LATEST), schema, value)


def test_a_schema_chosen_by_its_id_is_written(registry: FakeRegistry) -> None:
    number = registry.add(NOTE)
    payload = written(converter(registry, CHOSEN | {"use.schema.id": str(number)}), struct({"n": INT32}), {"n": 3})
    assert payload == b"\x00" + number.to_bytes(4, "big") + b"\x06"
    with pytest.raises(DataError, match="does not know the schema id 99"):
        written(converter(registry, CHOSEN | {"use.schema.id": "99"}), struct({"n": INT32}), {"n": 3})


NEWER = {"type": "record", "name": "Note", "fields": [{"name": "n", "type": "long"}]}
OF_NOTES = struct({"n": INT32}, name="Note")


def test_the_latest_version_may_be_wider_than_the_records_own_schema(registry: FakeRegistry) -> None:
    number = registry.add(NEWER, "t-value")
    assert written(converter(registry, STRICT), OF_NOTES, {"n": 3}) == b"\x00" + number.to_bytes(4, "big") + b"\x06"


def test_a_field_that_the_latest_version_renamed_keeps_its_value(registry: FakeRegistry) -> None:
    renamed = {"name": "m", "type": ["null", "long"], "default": None, "aliases": ["n"]}
    inner = {**NEWER, "fields": [renamed]}
    notes = {"name": "notes", "type": {"type": "array", "items": inner}}
    registry.add({"type": "record", "name": "Notes", "fields": [notes]}, "t-value")
    used = converter(registry, STRICT)
    payload = written(used, struct({"notes": array(OF_NOTES)}, name="Notes"), {"notes": [{"n": 3}, {"n": 4}]})
    assert used.to_data("t", [payload])[0].rows().values == [{"notes": [{"m": 3}, {"m": 4}]}]


@pytest.mark.parametrize(
    ("latest", "reason"),
    [
        ({**NEWER, "name": "Other"}, "record Other is not named Note"),
        ({**NEWER, "fields": [{"name": "n", "type": "string"}]}, "field n: int cannot be read as string"),
        ({**NEWER, "fields": [{"name": "m", "type": "int"}]}, "field m is new and has no default"),
    ],
)
def test_a_schema_that_cannot_read_the_records_own_is_refused_by_name(
    registry: FakeRegistry, latest: Any, reason: str
) -> None:
    number = registry.add(latest, "t-value")
    for keys, switch in (
        (STRICT, "latest.compatibility.strict"),
        ({"auto.register.schemas": "false", "use.schema.id": str(number)}, "id.compatibility.strict"),
    ):
        with pytest.raises(DataError, match=f"Incompatible schema of type 'AVRO': {reason}. Set {switch}=false"):
            written(converter(registry, keys), OF_NOTES, {"n": 3})


def logical(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "logicalType": name, **more}


NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
MICROS = logical("long", "timestamp-micros")


@pytest.mark.parametrize(
    ("kind", "own", "value", "why"),
    [
        (MICROS, TIMESTAMP_SCHEMA, NOON, "field n: timestamp-millis would be taken for timestamp-micros"),
        (["null", MICROS, "string"], TIMESTAMP_SCHEMA, NOON, "timestamp-millis would be taken for timestamp-micros"),
        ({"type": "array", "items": MICROS}, array(TIMESTAMP_SCHEMA), [NOON], "timestamp-millis would be taken"),
        ({"type": "map", "values": MICROS}, mapping(STRING, TIMESTAMP_SCHEMA), {"a": NOON}, "timestamp-millis would"),
        (logical("long", "time-micros"), TIME_SCHEMA, time(1), "time-millis would be taken for time-micros"),
        (logical("int", "date"), TIME_SCHEMA, time(1), "time-millis would be taken for date"),
        (
            logical("bytes", "decimal", precision=9, scale=4),
            decimal(2),
            Decimal("12.34"),
            "a decimal of scale 2 would be taken for a decimal of scale 4",
        ),
    ],
)
@pytest.mark.parametrize("keys", [STRICT, LATEST])
def test_a_value_is_not_written_where_it_would_be_taken_for_another(
    registry: FakeRegistry, kind: Any, own: Schema, value: Any, why: str, keys: dict[str, str]
) -> None:
    registry.add({"type": "record", "name": "Note", "fields": [{"name": "n", "type": kind}]}, "t-value")
    with pytest.raises(DataError, match=why):
        written(converter(registry, keys), struct({"n": own}, name="Note"), {"n": value})


@pytest.mark.parametrize(
    ("kind", "own", "value"),
    [
        (logical("long", "timestamp-millis"), TIMESTAMP_SCHEMA, NOON),
        ("long", TIMESTAMP_SCHEMA, NOON),
        (logical("long", "local-timestamp-millis"), TIMESTAMP_SCHEMA, NOON),
        (MICROS, INT64, 1),
        (logical("bytes", "decimal", precision=9, scale=2), decimal(2), Decimal("12.34")),
        ([MICROS, logical("long", "timestamp-millis")], TIMESTAMP_SCHEMA, NOON),
    ],
)
@pytest.mark.parametrize("keys", [STRICT, LATEST])
def test_a_value_is_written_where_it_stays_what_it_is(
    registry: FakeRegistry, kind: Any, own: Schema, value: Any, keys: dict[str, str]
) -> None:
    registry.add({"type": "record", "name": "Note", "fields": [{"name": "n", "type": kind}]}, "t-value")
    assert written(converter(registry, keys), struct({"n": own}, name="Note"), {"n": value})


def test_records_that_contain_themselves_are_looked_through_for_other_meanings(registry: FakeRegistry) -> None:
    inner = RecursiveSchema.unfilled([], optional=True)
    own = struct({"next": inner, "n": TIMESTAMP_SCHEMA}, name="Note")
    inner.fill(own)
    fields = [{"name": "next", "type": ["null", "Note"], "default": None}, {"name": "n", "type": MICROS}]
    registry.add({"type": "record", "name": "Note", "fields": fields}, "t-value")
    with pytest.raises(DataError, match="field n: timestamp-millis would be taken for timestamp-micros"):
        written(converter(registry, STRICT), own, {"next": None, "n": NOON})


def test_the_latest_version_is_asked_for_again_when_its_time_is_up(registry: FakeRegistry) -> None:
    first = registry.add(NEWER, "t-value")
    forever, never = (converter(registry, STRICT | {"latest.cache.ttl.sec": ttl}) for ttl in ("-1", "0"))
    for used in (forever, never):
        written(used, OF_NOTES, {"n": 3})
    second = registry.add({**NEWER, "doc": "newer"}, "t-value")
    assert written(forever, OF_NOTES, {"n": 3})[:5] == b"\x00" + first.to_bytes(4, "big")
    assert written(never, OF_NOTES, {"n": 3})[:5] == b"\x00" + second.to_bytes(4, "big")


def test_no_more_schemas_are_kept_than_wanted(registry: FakeRegistry) -> None:
    used = converter(registry, {"schemas.cache.config": "2"})
    for number in range(5):
        schema = struct({f"f{number}": INT32})
        payload = written(used, schema, {f"f{number}": number})
        assert used.to_data("t", [payload])[0].rows().values == [{f"f{number}": number}]
    assert (len(used._own), len(used._known)) == (2, 2)


def test_bytes_that_are_no_part_of_anything_else_come_without_their_length(registry: FakeRegistry) -> None:
    used = converter(registry, {})
    for schema, value, body in ((BYTES, b"abc", b"abc"), (BYTES, b"", b""), (decimal(2), Decimal("1.28"), b"\x00\x80")):
        payload = written(used, schema, value)
        assert payload[5:] == body
        assert used.to_data("t", [payload])[0].rows().values == [value]
        assert used.to_data("t", [payload] * 100)[0].rows().values == [value] * 100


def test_a_subject_without_versions_has_no_latest_one(registry: FakeRegistry) -> None:
    with pytest.raises(DataError, match="version latest of subject t-value"):
        written(converter(registry, LATEST), ORDER, {"id": 1})


def test_registering_goes_before_the_latest_version_as_with_confluents(registry: FakeRegistry) -> None:
    registry.add(NOTE, "t-value")
    written(converter(registry, {"use.latest.version": "true"}), ORDER, {"id": 1})
    assert len(registry.subjects) == 2


def test_the_registry_is_asked_to_normalize_when_it_is_to(registry: FakeRegistry) -> None:
    written(converter(registry, {"normalize.schemas": "true"}), ORDER, {"id": 1})
    assert registry.requests[0][1] == "/subjects/t-value/versions?normalize=true"


PLACE = {"type": "record", "name": "Place", "namespace": "geo", "fields": [{"name": "city", "type": "string"}]}
HOUSE = {
    "type": "record",
    "name": "House",
    "namespace": "geo",
    "fields": [{"name": "at", "type": "Place"}, {"name": "kind", "type": "estate.Kind"}],
}
KIND = {"type": "enum", "name": "Kind", "namespace": "estate", "symbols": ["HUT", "HALL"]}
OFFER = {"type": "record", "name": "Offer", "fields": [{"name": "house", "type": "geo.House"}]}


def reference(subject: str, version: int = 1) -> dict[str, Any]:
    return {"name": subject, "subject": subject, "version": version}


def with_references(registry: FakeRegistry) -> int:
    registry.add(PLACE, "place")
    registry.add(KIND, "kind")
    registry.add(HOUSE, "house", references=[reference("place"), reference("kind")])
    return registry.add(OFFER, "t-value", references=[reference("house")])


def test_a_schema_is_read_with_all_that_it_refers_to(registry: FakeRegistry) -> None:
    number = with_references(registry)
    # Two texts and a symbol: "Ulm", HALL.
    (piece,) = converter(registry).to_data("t", framed(number, [b"\x06Ulm\x02"]))
    assert piece.rows().values == [{"house": {"at": {"city": "Ulm"}, "kind": "HALL"}}]


def test_a_schema_is_written_with_all_that_it_refers_to(registry: FakeRegistry) -> None:
    with_references(registry)
    schema = struct({"house": struct({"at": struct({"city": STRING}), "kind": STRING})})
    payload = written(converter(registry, LATEST), schema, {"house": {"at": {"city": "Ulm"}, "kind": "HALL"}})
    assert payload[5:] == b"\x06Ulm\x02"


def test_references_that_lead_nowhere_or_in_a_circle_are_data_errors(registry: FakeRegistry) -> None:
    lost = registry.add(OFFER, references=[reference("nowhere")])
    registry.add(NOTE, "one", references=[reference("two")])
    round_about = registry.add(NOTE, "two", references=[reference("one")])
    odd = registry.add(NOTE, references=[{"subject": "one"}])
    reasons = ((lost, "version 1 of subject nowhere"), (round_about, "form a circle"), (odd, "cannot be understood"))
    for number, why in reasons:
        with pytest.raises(DataError, match=why):
            converter(registry).to_data("t", framed(number, [b"\x00"]))


def test_more_references_than_anybody_needs_are_refused(registry: FakeRegistry) -> None:
    for at in range(102):
        registry.add(NOTE, f"s{at}", references=[reference(f"s{at - 1}")] if at else [])
    with pytest.raises(DataError, match="more than 100 others"):
        converter(registry).to_data("t", framed(102, [b"\x00"]))


@pytest.mark.parametrize(
    ("keys", "sent"),
    [
        (
            {
                "basic.auth.credentials.source": "SASL_INHERIT",
                "sasl.jaas.config": "org.apache.kafka.common.security.plain.PlainLoginModule required "
                'username="me" password="secret";',
            },
            "Basic bWU6c2VjcmV0",
        ),
        (
            {
                "schema.registry.basic.auth.credentials.source": "USER_INFO",
                "schema.registry.basic.auth.user.info": "me:secret",
            },
            "Basic bWU6c2VjcmV0",
        ),
        ({"bearer.auth.credentials.source": "STATIC_TOKEN", "bearer.auth.token": "abc"}, "Bearer abc"),
    ],
)
def test_credentials_are_sent_with_every_request(registry: FakeRegistry, keys: dict[str, str], sent: str) -> None:
    converter(registry, keys).to_data("t", framed(registry.add(NOTE), [b"\x02"]))
    assert {authorization for _, _, authorization in registry.requests} == {sent}


def test_the_credentials_in_an_address_are_for_that_one_only(registry: FakeRegistry) -> None:
    registry.failing = 500
    with running() as second, running() as third:
        second.failing = 500
        host = third.url.removeprefix("http://")
        urls = f"{registry.url.replace('//', '//me:secret@')},{second.url},http://you:other@{host}"
        converter(urls).to_data("t", framed(third.add(NOTE), [b"\x02"]))
        sent = [{authorization for _, _, authorization in each.requests} for each in (registry, second, third)]
    assert sent == [{"Basic bWU6c2VjcmV0"}, {None}, {"Basic eW91Om90aGVy"}]


def test_nobody_is_given_credentials_that_the_machine_keeps_for_itself(
    registry: FakeRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    converter(registry).to_data("t", framed(registry.add(NOTE), [b"\x02"]))
    assert {authorization for _, _, authorization in registry.requests} == {None}


def test_a_redirect_takes_no_credentials_elsewhere(registry: FakeRegistry) -> None:
    with answering(302, {"Location": f"{registry.url}/schemas/ids/1"}, b"") as url:  # noqa: SIM117
        with pytest.raises((TaskError, DataError)):
            converter(url.replace("//", "//me:secret@")).to_data("t", framed(1, [b"\x02"]))
    assert registry.requests == []


def test_a_token_brings_cluster_and_pool_along(registry: FakeRegistry) -> None:
    keys = {
        "bearer.auth.credentials.source": "STATIC_TOKEN",
        "bearer.auth.token": "abc",
        "bearer.auth.logical.cluster": "lsrc-1",
        "bearer.auth.identity.pool.id": "pool-2",
    }
    converter(registry, keys).to_data("t", framed(registry.add(NOTE), [b"\x02"]))
    assert registry.headers[0]["target-sr-cluster"] == "lsrc-1"
    assert registry.headers[0]["Confluent-Identity-Pool-Id"] == "pool-2"


def test_a_proxy_is_asked_instead(registry: FakeRegistry) -> None:
    host, port = registry.url.removeprefix("http://").split(":")
    used = converter("http://registry.invalid:8081", {"proxy.host": host, "proxy.port": port})
    with pytest.raises((AssertionError, RetriableError, TaskError, DataError)):
        used.to_data("t", framed(1, [b"\x02"]))
    assert registry.requests[0][1] == "http://registry.invalid:8081/schemas/ids/1"


def test_apicurios_class_and_keys_are_another_spelling(registry: FakeRegistry) -> None:
    assert catalog.find("converter", "io.apicurio.registry.utils.converter.AvroConverter") is AvroConverter
    config = AvroConverterConfig.parse(
        {
            "apicurio.registry.url": "http://host:8080/apis/registry/v2",
            "apicurio.registry.auto-register": "false",
            "apicurio.registry.find-latest": "true",
            "apicurio.registry.as-confluent": "true",
        }
    )
    assert config.addresses() == ["http://host:8080/apis/ccompat/v7"]
    assert (config.auto_register_schemas, config.use_latest_version) == (False, True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``server.pem`` and ``client.pem``, each with a key; ``locked.pem`` is the client's with a password."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificates")
    folder = tmp_path_factory.mktemp("tls")
    for name in ("server", "client"):
        subject = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
        files = ["-keyout", f"{name}.key", "-out", f"{name}.crt"]
        new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, *files]
        subprocess.run(new, cwd=folder, check=True, capture_output=True)
        (folder / f"{name}.pem").write_bytes(
            (folder / f"{name}.crt").read_bytes() + (folder / f"{name}.key").read_bytes()
        )
    lock = ["openssl", "rsa", "-aes256", "-in", "client.key", "-out", "locked.key", "-passout", "pass:geheim"]
    subprocess.run(lock, cwd=folder, check=True, capture_output=True)
    (folder / "locked.pem").write_bytes((folder / "client.crt").read_bytes() + (folder / "locked.key").read_bytes())
    return folder


@contextmanager
def secured(certificates: Path) -> Iterator[FakeRegistry]:
    """A registry that shows a certificate and wants the client's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem")
    context.load_verify_locations(certificates / "client.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    with running(context) as found:
        yield found


def stores(certificates: Path, **keys: str) -> dict[str, str]:
    given = {"truststore.location": "server.crt", "keystore.location": "client.pem"} | keys
    found = {
        f"schema.registry.ssl.{key.replace('_', '.')}": str(certificates / value) if "location" in key else value
        for key, value in given.items()
    }
    return {key: value for key, value in found.items() if not value.endswith("/-")}


def test_tls_with_certificates_of_both_sides(certificates: Path) -> None:
    with secured(certificates) as registry:
        payloads = framed(registry.add(NOTE), [b"\x02"])
        locked = stores(certificates, **{"keystore.location": "locked.pem"}, key_password="geheim")
        for keys in (stores(certificates), locked):
            assert converter(registry, keys).to_data("t", payloads)[0].rows().values == [{"n": 1}]


def test_tls_without_trust_or_without_a_name_for_oneself_gets_no_answer(certificates: Path) -> None:
    with secured(certificates) as registry:
        payloads = framed(registry.add(NOTE), [b"\x02"])
        for keys in (
            stores(certificates, **{"truststore.location": "client.crt"}),
            stores(certificates, **{"keystore.location": "-"}),
        ):
            with pytest.raises(RetriableError):
                converter(registry, keys).to_data("t", payloads)


def test_a_wrong_password_of_the_key_fails_the_task_without_showing_it(certificates: Path) -> None:
    keys = stores(certificates, **{"keystore.location": "locked.pem"}, key_password="verkehrt")
    with pytest.raises(TaskError, match="certificates cannot be used") as caught:
        converter("https://127.0.0.1:1", keys).to_data("t", framed(1, [b"\x02"]))
    assert "verkehrt" not in str(caught.value)


Answer = tuple[int, dict[str, str], bytes]


@contextmanager
def answering(status: int, headers: dict[str, str], body: bytes) -> Iterator[str]:
    """A server that says the same to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                return

        do_POST = do_GET  # noqa: N815

        def log_message(self, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("answer", "kind", "why"),
    [
        ((200, {}, b"<html>log in</html>"), TaskError, "HTTP 200"),
        ((200, {}, b"[1]"), TaskError, "HTTP 200"),
        ((302, {"Location": "http://127.0.0.1:1/"}, b""), TaskError, "HTTP 302"),
        ((403, {}, b"{}"), RefusedError, "check its credentials"),
        ((404, {}, b"<html>default backend</html>"), RefusedError, "correct the path in schema.registry.url"),
        ((404, {}, b'{"status": 404, "title": "no such resource"}'), RefusedError, "schema.registry.url"),
        ((404, {}, b'{"error_code": 40403, "message": "Schema 1 not found"}'), DataError, "does not know the schema"),
        ((503, {"Retry-After": "7"}, b""), RetriableError, "HTTP 503"),
        ((200, {}, b"{}"), DataError, "has no text"),
        ((200, {}, json.dumps({"schema": "{"}).encode()), DataError, "not JSON"),
        ((200, {}, json.dumps({"schema": "[" * 100_000}).encode()), DataError, "not JSON"),
        ((200, {}, json.dumps({"schema": json.dumps(NOTE) + " " * (1 << 20)}).encode()), DataError, "characters"),
        ((200, {}, b" " * (5 << 20)), DataError, "bytes"),
    ],
)
def test_what_a_registry_may_answer(answer: Answer, kind: type[Exception], why: str) -> None:
    with answering(*answer) as url, pytest.raises(kind, match=why) as caught:
        converter(url).to_data("t", framed(1, [b"\x02"]))
    assert type(caught.value) is kind
    if "Retry-After" in answer[1]:
        assert isinstance(caught.value, RetriableError)
        assert caught.value.after == 7


@pytest.mark.parametrize(
    ("answer", "kind", "why"),
    [
        ((404, {}, b"no such page"), RefusedError, "correct the path in schema.registry.url"),
        ((404, {}, b'{"error_code": 40401, "message": "Subject not found"}'), DataError, "Subject not found"),
        ((422, {}, b'{"error_code": 42205, "message": "t-value is in read-only mode"}'), RefusedError, "to READWRITE"),
        ((422, {}, b'{"error_code": 42201, "message": "Invalid schema"}'), DataError, "Invalid schema"),
        ((409, {}, b'{"error_code": 409, "message": "incompatible"}'), DataError, "incompatible"),
        ((200, {}, b'{"id": null}'), TaskError, "without an id"),
    ],
)
@pytest.mark.parametrize("keys", [{}, {"auto.register.schemas": "false"}])
def test_what_a_registry_may_answer_to_a_schema(
    answer: Answer, kind: type[Exception], why: str, keys: dict[str, str]
) -> None:
    with answering(*answer) as url, pytest.raises(kind, match=why) as caught:
        written(converter(url, keys), ORDER, {"id": 1})
    assert type(caught.value) is kind


def test_an_answer_that_drips_is_given_up_on() -> None:
    keys = {"http.read.timeout.ms": "300", "http.connect.timeout.ms": "300"}
    with dripping() as url, pytest.raises(RetriableError, match="ReadTimeout"):
        converter(url, keys).to_data("t", framed(1, [b"\x02"]))


@contextmanager
def dripping() -> Iterator[str]:
    """A server that sends a byte now and then, and never all."""
    port = free_port()
    script = (
        "import socket, sys, time\n"
        "server = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
        "print('ready', flush=True)\n"
        "connection, _ = server.accept()\n"
        "connection.recv(65536)\n"
        "connection.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 100000\\r\\n\\r\\n')\n"
        "try:\n"
        "    while True:\n"
        "        connection.sendall(b' ')\n"
        "        time.sleep(0.05)\n"
        "except OSError:\n"
        "    pass\n"
    )
    with subprocess.Popen(["python3", "-c", script, str(port)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
