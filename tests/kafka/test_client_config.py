"""The effective client configs, as a table, and what may not get into them."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from ferryman.errors import ConfigError
from ferryman.kafka import client_config, client_keys
from ferryman.kafka.clients import SOURCE_QUEUE
from ferryman.telemetry import redaction

WORKER = {"bootstrap.servers": "127.0.0.1:1", "key.converter": "x"}
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"

CONSUMER = {
    "allow.auto.create.topics": True,
    "auto.offset.reset": "earliest",
    "bootstrap.servers": "127.0.0.1:1",
    "check.crcs": True,
    "client.id": "connector-consumer-c-0",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "fetch.queue.backoff.ms": 10,
    "group.id": "connect-c",
    "isolation.level": "read_committed",
    "partition.assignment.strategy": "range",
}
PRODUCER = {
    "acks": "all",
    "bootstrap.servers": "127.0.0.1:1",
    "client.id": "connector-producer-c-0",
    "enable.idempotence": True,
    "max.in.flight.requests.per.connection": 5,
    "message.max.bytes": 1048576,
    "partitioner": "murmur2_random",
    "transactional.id": "connect-c-0",
}
DLQ = {key: value for key, value in PRODUCER.items() if key != "transactional.id"} | {
    "client.id": "connector-dlq-producer-c-0",
    "delivery.timeout.ms": 2147483647,
}
ADMIN = {"bootstrap.servers": "127.0.0.1:1", "client.id": "connector-adminclient-c"}
OFFSETS = CONSUMER | {
    "allow.auto.create.topics": False,
    "auto.offset.reset": "earliest",
    "client.id": "connector-offsets-c",
    "enable.partition.eof": True,
    "group.id": "connect-offsets",
}
Values = Mapping[str, client_keys.Value]


def sink(raw: Mapping[str, str], worker: Mapping[str, str] = WORKER) -> Values:
    return client_config.sink_consumer(worker, "c", 0, raw).values


def source(raw: Mapping[str, str], worker: Mapping[str, str] = WORKER) -> Values:
    return client_config.source_producer(worker, "c", 0, raw).values


def plain(raw: Mapping[str, str], worker: Mapping[str, str] = WORKER) -> Values:
    return client_config.plain_producer(worker, "c", 0, raw).values


def dead(raw: Mapping[str, str], worker: Mapping[str, str] = WORKER) -> Values:
    return client_config.dlq_producer(worker, "c", 0, raw).values


def admin(raw: Mapping[str, str], worker: Mapping[str, str] = WORKER) -> Values:
    return client_config.admin(worker, "c", raw).values


def offsets(raw: Mapping[str, str], worker: Mapping[str, str] = WORKER) -> Values:
    return client_config.offsets_consumer(worker, "c", raw).values


Client = Callable[[Mapping[str, str]], Values]


@pytest.mark.parametrize(
    ("client", "expected"), [(sink, CONSUMER), (source, PRODUCER), (dead, DLQ), (admin, ADMIN), (offsets, OFFSETS)]
)
def test_the_effective_configs_are_these(client: Client, expected: Mapping[str, object]) -> None:
    assert client({}) == expected


@pytest.mark.parametrize(
    ("client", "key", "value", "effect"),
    [
        (sink, "consumer.override.auto.offset.reset", "latest", {"auto.offset.reset": "latest"}),
        (sink, "consumer.override.auto.offset.reset", "none", {"auto.offset.reset": "error"}),
        (sink, "consumer.override.isolation.level", "read_uncommitted", {"isolation.level": "read_uncommitted"}),
        (sink, "consumer.override.group.id", "mine", {"group.id": "mine"}),
        (sink, "consumer.override.fetch.max.wait.ms", "100", {"fetch.wait.max.ms": 100}),
        (sink, "consumer.override.request.timeout.ms", "20000", {"socket.timeout.ms": 20000}),
        (sink, "consumer.override.metadata.max.age.ms", "5000", {"topic.metadata.refresh.interval.ms": 5000}),
        (sink, "consumer.override.receive.buffer.bytes", "-1", {"socket.receive.buffer.bytes": 0}),
        (sink, "consumer.override.fetch.max.bytes", "5000", {"fetch.max.bytes": 5000, "message.max.bytes": 5000}),
        (
            sink,
            "consumer.override.max.poll.interval.ms",
            "10000",
            {"max.poll.interval.ms": 10000, "session.timeout.ms": 10000},
        ),
        (
            sink,
            "consumer.override.partition.assignment.strategy",
            "org.apache.kafka.clients.consumer.RoundRobinAssignor",
            {"partition.assignment.strategy": "roundrobin"},
        ),
        (sink, "consumer.override.group.protocol", "CLASSIC", {"group.protocol": "classic"}),
        (sink, "consumer.override.group.protocol", "Consumer", {"group.protocol": "consumer"}),
        (source, "producer.override.max.request.size", "5242880", {"message.max.bytes": 5242880}),
        (source, "producer.override.compression.type", "ZSTD", {"compression.type": "zstd"}),
        (source, "producer.override.buffer.memory", "33554432", {"queue.buffering.max.kbytes": 32768}),
        (source, "producer.override.request.timeout.ms", "90000", {"request.timeout.ms": 90000}),
        (source, "producer.override.reconnect.backoff.ms", "60000", None),
        (dead, "producer.override.delivery.timeout.ms", "30000", {"delivery.timeout.ms": 30000}),
        (admin, "admin.override.bootstrap.servers", "127.0.0.1:2", {"bootstrap.servers": "127.0.0.1:2"}),
        (admin, "admin.override.bootstrap.servers", " a:1 ,, ::1:2,", {"bootstrap.servers": "a:1,[::1]:2"}),
        (admin, "admin.override.bootstrap.servers", "SASL_SSL://a:1,x://[::1]:2", {"bootstrap.servers": "a:1,[::1]:2"}),
        (admin, "admin.override.bootstrap.servers", "${env:KAFKA}", {"bootstrap.servers": "${env:KAFKA}"}),
    ],
)
def test_overrides_are_translated_and_taken_by_librdkafka(
    client: Client, key: str, value: str, effect: Mapping[str, object] | None
) -> None:
    before, after = client({}), client({key: value})
    if effect is not None:
        assert {name: after[name] for name in after if after[name] != before.get(name)} == effect
    _starts(client, after)


def _starts(client: Client, values: Mapping[str, client_keys.Value]) -> None:
    makers: Mapping[Client, type[Consumer | Producer | AdminClient]] = {
        sink: Consumer,
        offsets: Consumer,
        source: Producer,
        plain: Producer,
        dead: Producer,
        admin: AdminClient,
    }
    made = makers[client]({**values, "log_level": 0})
    if isinstance(made, Consumer):
        made.close()


OF_ROLE: Mapping[client_keys.Role, tuple[Client, ...]] = {
    "consumer": (sink,),
    "producer": (source, plain, dead),
    "admin": (admin,),
}


@pytest.mark.parametrize("role", client_keys.TRANSLATIONS)
def test_librdkafka_takes_every_number_that_validation_takes(role: client_keys.Role) -> None:
    for key, translation in client_keys.TRANSLATIONS[role].items():
        if isinstance(translation, client_keys.Number):
            for value in {translation.low, min(translation.low + 3, translation.high), 70_000, translation.high}:
                for client in OF_ROLE[role]:
                    ours = SOURCE_QUEUE if client in (source, plain) else {}
                    _starts(client, {**ours, **client({f"{role}.override.{key}": str(value * translation.unit)})})


def test_a_group_without_a_name_in_the_workers_settings_is_refused_by_name() -> None:
    problems, _ = client_config.worker_checked(WORKER | {"consumer.group.id": " "})
    assert [problem.key for problem in problems] == ["consumer.group.id"]


@pytest.mark.parametrize(
    ("client", "given", "effect"),
    [
        (sink, {"consumer.override.reconnect.backoff.max.ms": "7"}, {"reconnect.backoff.ms": 7}),
        (sink, {"consumer.override.reconnect.backoff.max.ms": "7000"}, {"reconnect.backoff.ms": 100}),
        (source, {"producer.override.linger.ms": "60000"}, {"linger.ms": 59_999}),
        (dead, {"producer.override.delivery.timeout.ms": "0", "producer.override.linger.ms": "9"}, {"linger.ms": 9}),
    ],
)
def test_settings_give_way_to_others_that_go_with_them(
    client: Client, given: Mapping[str, str], effect: Mapping[str, int]
) -> None:
    found = client(given)
    assert {key: found[key] for key in effect} == effect
    _starts(client, found)


@pytest.mark.parametrize("client", [sink, source, dead, admin, offsets])
def test_librdkafka_takes_the_defaults(client: Client) -> None:
    _starts(client, client({}))


def test_overrides_beat_the_workers_prefix_which_beats_the_defaults() -> None:
    worker = WORKER | {"consumer.fetch.min.bytes": "2", "consumer.client.rack": "a", "fetch.min.bytes": "9"}
    values = sink({"consumer.override.fetch.min.bytes": "3"}, worker)
    assert (values["fetch.min.bytes"], values["client.rack"]) == (3, "a")


def test_only_admin_clients_inherit_the_workers_own_client_settings() -> None:
    worker = WORKER | {"security.protocol": "SSL", "retry.backoff.ms": "7"}
    assert admin({}, worker)["security.protocol"] == "ssl"
    assert "security.protocol" not in sink({}, worker)
    assert "retry.backoff.ms" not in source({}, worker)


def test_the_consumers_batch_size_is_kept_apart() -> None:
    client = client_config.sink_consumer(WORKER, "c", 0, {"consumer.override.max.poll.records": "50"})
    assert client.max_poll_records == 50
    assert client.values == CONSUMER


def test_the_workers_group_id_begins_transactional_ids() -> None:
    assert source({}, WORKER | {"group.id": "g"})["transactional.id"] == "g-c-0"


@pytest.mark.parametrize(
    ("client", "key", "value"),
    [
        (sink, "consumer.override.enable.auto.commit", "true"),
        (source, "producer.override.enable.idempotence", "false"),
        (source, "producer.override.acks", "1"),
        (source, "producer.override.transactional.id", "mine"),
    ],
)
def test_what_exactly_once_needs_is_kept_with_a_warning(client: Client, key: str, value: str) -> None:
    assert client({key: value}) == client({})
    assert [text.split("=")[0] for text in _warnings(key, value)] == [key]


@pytest.mark.parametrize(
    ("client", "key", "value"),
    [
        (source, "producer.override.max.poll.records", "10"),
        (source, "producer.override.max.block.ms", "10"),
        (sink, "consumer.override.no.such.key", "1"),
        (
            sink,
            "consumer.override.interceptor.classes",
            "io.confluent.monitoring.clients.interceptor.MonitoringConsumerInterceptor",
        ),
        (sink, "consumer.override.sasl.kerberos.service.name", "kafka"),
    ],
)
def test_settings_without_effect_are_warned_about_by_name(client: Client, key: str, value: str) -> None:
    assert client({key: value}) == client({})
    (text,) = _warnings(key, value)
    assert text.startswith(f"{key} has no effect ")
    assert key not in text.removeprefix(key)


def _warnings(key: str, value: str) -> list[str]:
    roles = [role for role in client_keys.TRANSLATIONS if key.startswith(role)]
    return [warning for role in roles for warning in client_config.checked(role, WORKER, {key: value})[1]]


DENIED = [
    "plugin.library.paths",
    "Plugin.Library.Paths",
    "plugin_library_paths",
    "plugin.library.paths ",
    "\uff50lugin.library.paths",
    "\u0440lugin.library.paths",
    "ssl.engine.location",
    "ssl.engine.id",
    "ssl.providers",
    "sasl.kerberos.kinit.cmd",
    "sasl.oauthbearer.token.endpoint.url",
    "sasl.oauthbearer.assertion.file",
    "sasl.oauthbearer.assertion.private.key.file",
    "sasl.oauthbearer.jwt.template.file",
    "sasl.oauthbearer.metadata.authentication.type",
    "https.ca.location",
    "sasl.login.callback.handler.class",
    "ssl.engine.factory.class",
]


@pytest.mark.parametrize("key", DENIED)
@pytest.mark.parametrize("role", ["producer", "consumer", "admin"])
def test_nothing_that_runs_code_or_leaks_gets_through(key: str, role: client_keys.Role) -> None:
    name = f"{role}.override.{key}"
    assert [problem.key for problem in client_config.checked(role, WORKER, {name: "/tmp/evil.so"})[0]] == [name]
    with pytest.raises(ConfigError):
        {"producer": source, "consumer": sink, "admin": admin}[role]({name: "/tmp/evil.so"})
    problems, _ = client_config.worker_checked(WORKER | {f"{role}.{key}": "/tmp/evil.so"})
    assert [problem.key for problem in problems] == [f"{role}.{key}"]


@pytest.mark.parametrize(
    ("role", "key", "value"),
    [
        ("producer", "partitioner.class", "org.apache.kafka.clients.producer.RoundRobinPartitioner"),
        ("producer", "interceptor.classes", "com.example.Encrypting"),
        ("consumer", "auto.offset.reset", "by_duration:P1D"),
        ("consumer", "isolation.level", "chaos"),
        ("consumer", "fetch.min.bytes", "many"),
        ("consumer", "group.id", ""),
        ("consumer", "group.id", " \t"),
        ("consumer", "bootstrap.servers", ""),
        ("consumer", "bootstrap.servers", "localhost"),
        ("consumer", "bootstrap.servers", "localhost:9092;localhost:9093"),
        ("consumer", "bootstrap.servers", "localhost:9092 # the first broker"),
        ("consumer", "bootstrap.servers", "localhost:99999"),
        ("producer", "bootstrap.servers", " , "),
        ("consumer", "group.protocol", "share"),
        ("consumer", "partition.assignment.strategy", "com.example.Mine"),
        ("admin", "ssl.truststore.type", "BCFKS"),
        ("admin", "ssl.cipher.suites", "TLS_RSA_WITH_NULL_SHA"),
        ("admin", "ssl.enabled.protocols", "TLSv1.3"),
        (
            "admin",
            "sasl.jaas.config",
            'com.sun.security.auth.module.JndiLoginModule required user.provider.url="ldap://x";',
        ),
        ("admin", "sasl.jaas.config", f'{PLAIN} required username="u";'),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(role: client_keys.Role, key: str, value: str) -> None:
    name = f"{role}.override.{key}"
    (problem,), _ = client_config.checked(role, WORKER, {name: value})
    assert problem.key == name
    assert name in problem.message


def test_all_problems_come_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        sink({"consumer.override.fetch.min.bytes": "x", "consumer.override.ssl.providers": "y"})
    assert {problem.key for problem in caught.value.problems} == {
        "consumer.override.fetch.min.bytes",
        "consumer.override.ssl.providers",
    }


@pytest.mark.parametrize(
    ("mechanism", "jaas", "user", "password"),
    [
        ("PLAIN", f'{PLAIN} required username="u" password="p;w=1";', "u", "p;w=1"),
        ("SCRAM-SHA-512", f'{SCRAM} required\n  username="a b"\n  password="qq\\"x1" ;', "a b", 'qq"x1'),
        ("plain", f"{PLAIN} required username=u password=secret123;", "u", "secret123"),
    ],
)
def test_jaas_lines_become_user_and_password(mechanism: str, jaas: str, user: str, password: str) -> None:
    client = client_config.source_producer(
        WORKER,
        "c",
        0,
        {
            "producer.override.security.protocol": "SASL_SSL",
            "producer.override.sasl.mechanism": mechanism,
            "producer.override.sasl.jaas.config": jaas,
        },
    )
    assert client.values["sasl.mechanism"] == mechanism.upper()
    assert (client.values["sasl.username"], client.values["sasl.password"]) == (user, password)
    assert password not in repr(client)
    assert redaction.redact(f"<{password}>") == "<[hidden]>"


STORES = Path(__file__).parents[1] / "tls" / "stores"


@pytest.mark.parametrize("name", ["trust.jks", "trust.p12"])
def test_authorities_of_javas_stores_are_taken(name: str) -> None:
    given = {"ssl.truststore.location": str(STORES / name), "ssl.truststore.password": "changeit"}
    values = admin({f"admin.override.{key}": value for key, value in ({"security.protocol": "SSL"} | given).items()})
    assert str(values["ssl.ca.pem"]).split() == (STORES / "ca.crt").read_text().split()


def test_a_password_out_of_a_file_is_read_without_its_line_end() -> None:
    given = {
        "security.protocol": "SSL",
        "ssl.truststore.location": str(STORES / "trust.jks"),
        "ssl.truststore.password": "changeit\n",
        "ssl.keystore.location": str(STORES / "server.jks"),
        "ssl.keystore.password": "changeit\r\n",
        "ssl.key.password": "keysecret\n",
    }
    values = admin({f"admin.override.{key}": value for key, value in given.items()})
    assert {"ssl.ca.pem", "ssl.key.pem"} <= values.keys()
    pem = {"security.protocol": "SSL", "ssl.keystore.location": "key.pem", "ssl.key.password": "keysecret\n"}
    assert admin({f"admin.override.{key}": value for key, value in pem.items()})["ssl.key.password"] == "keysecret"


@pytest.mark.parametrize(("name", "key"), [("server.jks", "keysecret"), ("server.p12", "changeit")])
def test_the_key_and_the_certificates_of_javas_stores_are_taken(name: str, key: str) -> None:
    given = {
        "security.protocol": "SSL",
        "ssl.keystore.location": str(STORES / name),
        "ssl.keystore.password": "changeit",
        "ssl.key.password": key,
    }
    values = admin({f"admin.override.{key}": value for key, value in given.items()})
    assert str(values["ssl.certificate.pem"]).count("BEGIN CERTIFICATE") == 3
    assert str(values["ssl.key.pem"]).startswith("-----BEGIN PRIVATE KEY-----")
    assert not {"ssl.key.password", "ssl.keystore.location", "ssl.keystore.password"} & values.keys()
    lines = str(values["ssl.key.pem"]).splitlines()
    assert redaction.redact(lines[1]) == "[hidden]"
    Producer({name: value for name, value in values.items() if name.startswith(("ssl.", "security."))})


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("ssl.truststore.location", "/nowhere.jks", "No such file"),
        (
            "ssl.truststore.location",
            str(STORES.with_name("test_cipher_suites.py")),
            "neither a JKS nor a PKCS12 nor a PEM",
        ),
        ("ssl.keystore.location", str(STORES / "server.jks"), "password"),
        ("ssl.keystore.location", str(STORES / "trust.jks"), "holds no private key"),
        ("ssl.keystore.location", str(STORES / "other.jceks"), "JCEKS cannot be read"),
    ],
)
def test_stores_that_cannot_be_read_are_refused_by_name(key: str, value: str, reason: str) -> None:
    given = {"consumer.override.security.protocol": "SSL", f"consumer.override.{key}": value}
    (problem,), _ = client_config.checked("consumer", WORKER, given)
    assert problem.key == f"consumer.override.{key}"
    assert problem.message.startswith(f"Invalid value {value} for configuration consumer.override.{key}: ")
    assert reason in problem.message


def test_stores_of_a_client_that_speaks_no_tls_are_not_looked_for() -> None:
    assert admin({"admin.override.ssl.keystore.location": "/nowhere.jks"}) == ADMIN


def test_sasl_without_a_supported_mechanism_is_refused() -> None:
    (problem,), _ = client_config.checked("producer", WORKER, {"producer.override.security.protocol": "SASL_SSL"})
    assert "GSSAPI is not supported" in problem.message


def test_certificates_in_pem_are_taken() -> None:
    values = admin(
        {
            "admin.override.security.protocol": "SSL",
            "admin.override.ssl.truststore.type": "PEM",
            "admin.override.ssl.truststore.location": "/x/ca.pem",
            "admin.override.ssl.keystore.certificate.chain": "CERT",
            "admin.override.ssl.keystore.key": "KEYKEY",
            "admin.override.ssl.endpoint.identification.algorithm": "",
        }
    )
    assert values == ADMIN | {
        "security.protocol": "ssl",
        "ssl.ca.location": "/x/ca.pem",
        "ssl.certificate.pem": "CERT",
        "ssl.key.pem": "KEYKEY",
        "ssl.endpoint.identification.algorithm": "none",
    }


@pytest.mark.parametrize(
    ("given", "address", "user"),
    [
        ({"producer.override.bootstrap.servers": "127.0.0.1:2"}, "127.0.0.1:2", None),
        (
            {
                "producer.override.bootstrap.servers": "127.0.0.1:2",
                "producer.override.security.protocol": "SASL_PLAINTEXT",
                "producer.override.sasl.mechanism": "PLAIN",
                "producer.override.sasl.jaas.config": f'{PLAIN} required username="a" password="b";',
            },
            "127.0.0.1:2",
            "a",
        ),
        (
            {
                "producer.override.bootstrap.servers": "127.0.0.1:2",
                "consumer.override.bootstrap.servers": "127.0.0.1:3",
            },
            "127.0.0.1:3",
            None,
        ),
        ({"producer.override.linger.ms": "1"}, "127.0.0.1:1", None),
    ],
)
def test_offsets_are_read_where_the_sources_producer_writes_them(
    given: Mapping[str, str], address: str, user: str | None
) -> None:
    found = offsets(given)
    assert (found["bootstrap.servers"], found.get("sasl.username")) == (address, user)


def test_a_workers_own_clients_start_with_a_longest_wait_that_is_short() -> None:
    worker = WORKER | {"reconnect.backoff.max.ms": "7"}
    for values in (
        client_config.internal_consumer(worker, "configs", committed=True).values,
        client_config.worker_admin(worker).values,
    ):
        assert (values["reconnect.backoff.ms"], values["reconnect.backoff.max.ms"]) == (7, 7)
    AdminClient({**client_config.worker_admin(worker).values, "log_level": 0})


def test_the_workers_own_clients_take_its_settings_without_a_prefix_and_none_of_its_connectors() -> None:
    worker = {"group.id": "g", "client.id": "w", "security.protocol": "SSL", "consumer.fetch.min.bytes": "7"}
    reader = client_config.internal_consumer(worker, "configs", committed=True).values
    assert (reader["client.id"], reader["security.protocol"], reader["isolation.level"]) == (
        "g-w-configs",
        "ssl",
        "read_committed",
    )
    assert "fetch.min.bytes" not in reader
    assert reader["allow.auto.create.topics"] is False
    assert client_config.internal_consumer(worker, "configs", committed=False).values["isolation.level"] == (
        "read_uncommitted"
    )
    writer = client_config.internal_producer({}, "statuses").values
    assert (writer["client.id"], writer["acks"], writer["partitioner"]) == ("connect-statuses", "all", "murmur2_random")
    assert (writer["enable.idempotence"], writer["max.in.flight.requests.per.connection"]) == (False, 1)
    leader = client_config.leader_producer(worker).values
    assert (leader["client.id"], leader["transactional.id"]) == ("g-w-configs-leader", "connect-cluster-g")
    assert (writer["linger.ms"], leader["linger.ms"]) == (0, 0), "somebody waits for each record"


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("group.instance.id", "mine", "would keep its successor out"),
        ("heartbeat.interval.ms", "1000", "the broker's group.consumer.heartbeat.interval.ms applies"),
        ("partition.assignment.strategy", "range", "see group.remote.assignor"),
        ("session.timeout.ms", "9000", "the broker's group.consumer.session.timeout.ms applies"),
    ],
)
def test_what_is_the_brokers_with_the_consumer_protocol_is_warned_of_and_left_out(
    name: str, value: str, why: str
) -> None:
    given = {"consumer.override.group.protocol": "consumer", f"consumer.override.{name}": value}
    _, warnings = client_config.checked("consumer", WORKER, given)
    assert [text for text in warnings if why in text] == warnings
    assert warnings[0].startswith(f"consumer.override.{name} has no effect with group.protocol=consumer: ")
    assert name not in sink(given)
    _starts(sink, sink(given))
    of_worker = WORKER | {"consumer.group.protocol": "consumer", f"consumer.{name}": value}
    assert (
        f"consumer.{name} has no effect with group.protocol=consumer" in client_config.worker_checked(of_worker)[1][0]
    )


def test_an_assignor_of_the_brokers_is_for_the_consumer_protocol_only() -> None:
    given = {"consumer.override.group.remote.assignor": "range"}
    assert "group.remote.assignor" not in sink(given)
    assert "no effect with group.protocol=classic" in client_config.checked("consumer", WORKER, given)[1][0]
    chosen = given | {"consumer.override.group.protocol": "consumer"}
    assert sink(chosen)["group.remote.assignor"] == "range"
    assert client_config.checked("consumer", WORKER, chosen) == ([], [])


def test_a_short_poll_interval_shortens_no_session_that_is_the_brokers() -> None:
    given = {"consumer.override.group.protocol": "consumer", "consumer.override.max.poll.interval.ms": "10000"}
    assert "session.timeout.ms" not in sink(given)
    _starts(sink, sink(given))
