"""A secret planted in each key that may hold one shows up nowhere but in the config as it was posted."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.reliability.flows import Config, file_sink, rows, s3_sink, sql_sink, stripe_source, tolerant
from tests.reliability.hostile.configs import mail
from tests.reliability.scoreboard.plugin import Trials
from tests.running import WEB, Worker, consume, create_topic, fresh, produce, settings, until, worker

AVRO = "io.confluent.connect.avro.AvroConverter"
NOWHERE = "127.0.0.1:1"


@pytest.fixture
def canary() -> str:
    """The secret: another one in each test, as a worker that has met one hides it wherever it comes from."""
    return f"Tweet-{uuid.uuid4().hex[:10]}/7+x"


def _spellings(canary: str) -> list[str]:
    """As it may be written: as it is, in a URL or its user info, in JSON."""
    return [canary, quote(canary, safe=""), quote(canary), canary.replace("/", "\\/")]


def _sasl(canary: str) -> Config:
    jaas = f'org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="{canary}";'
    return {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.jaas.config": jaas}


def planted(name: str, postgres: str, canary: str) -> dict[str, Config]:
    """Configs that are accepted and then fail or wait, each with the canary in another key."""
    address, quoted = postgres.rpartition("@")[2], quote(canary, safe="")
    avro = {"value.converter": AVRO}
    return {
        "connection.password": sql_sink(name, f"jdbc:postgresql://{address}")
        | {"connection.user": "nobody", "connection.password": canary},
        "connection.url, a parameter": sql_sink(name, f"jdbc:postgresql://{address}?user=nobody&password={quoted}"),
        "connection.url, user info": sql_sink(name, f"postgresql://nobody:{quoted}@{address}"),
        "stripe.api.key": stripe_source(name, f"http://{NOWHERE}") | {"stripe.api.key": canary},
        "basic.auth.user.info": sql_sink(name, postgres)
        | avro
        | {
            "value.converter.schema.registry.url": f"http://{NOWHERE}",
            "value.converter.basic.auth.credentials.source": "USER_INFO",
            "value.converter.basic.auth.user.info": f"someone:{canary}",
        },
        "schema.registry.url": sql_sink(name, postgres)
        | avro
        | {"value.converter.schema.registry.url": f"http://someone:{quoted}@{NOWHERE}"},
        "sasl.jaas.config": sql_sink(name, postgres)
        | {f"consumer.override.{key}": value for key, value in _sasl(canary).items()},
        "bearer.auth.token": sql_sink(name, postgres)
        | avro
        | {
            "value.converter.schema.registry.url": f"http://{NOWHERE}",
            "value.converter.bearer.auth.credentials.source": "STATIC_TOKEN",
            "value.converter.bearer.auth.token": canary,
        },
        "aws.secret.access.key": s3_sink(name, f"http://{NOWHERE}", "bucket") | {"aws.secret.access.key": canary},
        "smtp.password": mail() | {"name": name, "topics": name, "smtp.username": "u", "smtp.password": canary},
        "sasl.jaas.config of the dead letters": sql_sink(name, postgres)
        | {f"producer.override.{key}": value for key, value in _sasl(canary).items()},
        "a key of nobody's": sql_sink(name, postgres) | {"my.api.token": canary},
    }


KEYS = list(planted("", "", ""))


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Worker]:
    """A worker that tells all it has to tell."""
    name = fresh("secrets")
    with worker(tmp_path_factory.mktemp(name), settings(kafka, name)) as one:
        one.call("PUT", "/admin/loggers/root", {"level": "DEBUG"}, expect=200)
        yield one


def shown(canary: str, text: str) -> list[str]:
    return [spelling for spelling in _spellings(canary) if spelling in text]


def answers(running: Worker, name: str) -> str:
    """What REST has to say about a connector, except for its config."""
    paths = ("status", "topics", "offsets", "tasks/0/status")
    bodies = [WEB.get(f"{running.url}/connectors/{name}/{path}").text for path in paths]
    return "\n".join([*bodies, WEB.get(f"{running.url}/connectors?expand=status").text])


@pytest.mark.scoreboard("R19")
@pytest.mark.parametrize("key", KEYS)
def test_a_secret_is_in_no_log_status_error_or_dead_letter(
    kafka: str, postgres: str, running: Worker, unique: str, canary: str, key: str, trials: Trials
) -> None:
    create_topic(kafka, unique)
    create_topic(kafka, f"{unique}-dead")
    produce(kafka, unique, [b"not json", *rows(0, 3)])
    config = planted(unique, postgres, canary)[key] | _queue(key, unique)
    running.create(config)
    until(lambda: _in_trouble(running, unique) or consume(kafka, f"{unique}-dead"), 60, "trouble")
    said = [running.said, answers(running, unique), _letters(kafka, f"{unique}-dead")]
    assert running.call("GET", f"/connectors/{unique}/config") == config
    assert [shown(canary, each) for each in said] == [[], [], []]
    running.call("POST", f"/connectors/{unique}/restart?includeTasks=true")
    running.delete(unique)
    assert shown(canary, running.said) == []
    trials.held()


def _queue(key: str, name: str) -> Config:
    return {} if key == "stripe.api.key" else tolerant(f"{name}-dead")


def _in_trouble(running: Worker, name: str) -> bool:
    text = running.said
    signs = ("again in", "session ended", "handshake failed")
    return any(sign in text for sign in signs) or "FAILED" in running.states(name)


def _letters(kafka: str, topic: str) -> str:
    return "\n".join(repr((each.key(), each.value(), each.headers())) for each in consume(kafka, topic))


@pytest.mark.parametrize("key", KEYS)
def test_an_error_answer_names_the_key_and_not_the_secret(
    postgres: str, running: Worker, unique: str, canary: str, key: str
) -> None:
    config = planted(unique, postgres, canary)[key] | {"tasks.max": "many", "errors.tolerance": canary[:5]}
    created = WEB.post(running.url + "/connectors", json={"name": unique, "config": config})
    plugin = config["connector.class"].rpartition(".")[2]
    checked = WEB.put(f"{running.url}/connector-plugins/{plugin}/config/validate", json=config)
    assert created.status_code == 400
    assert "tasks.max" in created.text
    assert checked.status_code == 200
    assert checked.json()["error_count"] >= 2
    assert shown(canary, created.text + running.said) == []
    assert shown(canary, json.dumps(checked.json())) == []


@pytest.mark.parametrize("key", ["connection.password", "connection.url", "stripe.api.key", "sasl.jaas.config"])
def test_a_value_that_is_refused_itself_is_not_repeated(
    postgres: str, running: Worker, unique: str, canary: str, key: str
) -> None:
    broken = {
        "connection.password": sql_sink(unique, f"oracle://u:{canary}@h/x") | {"connection.password": canary},
        "connection.url": sql_sink(unique, f"jdbc:nothing://u:{canary}@h/x?password={canary}"),
        "stripe.api.key": stripe_source(unique, f"http://u:{canary}@{NOWHERE}") | {"stripe.api.key": f"{canary} x"},
        "sasl.jaas.config": sql_sink(unique, postgres)
        | {f"consumer.override.{each}": value for each, value in _sasl(canary).items()}
        | {"consumer.override.sasl.jaas.config": f"nonsense password={canary}"},
    }
    created = WEB.post(running.url + "/connectors", json={"name": unique, "config": broken[key]})
    assert created.status_code == 400
    assert shown(canary, created.text + running.said) == []


def test_what_a_provider_gave_is_shown_nowhere_and_its_reference_is(
    tmp_path: Path, kafka: str, postgres: str, unique: str
) -> None:
    file = tmp_path / "given.properties"
    file.write_text("database=provided-database\nsize=5000\n")
    provider = {"config.providers": "file", "config.providers.file.class": "FileConfigProvider"}
    limit = {"config.providers.file.param.allowed.paths": str(tmp_path)}
    reference, size = f"${{file:{file}:database}}", f"${{file:{file}:size}}"
    server = postgres.rpartition("/")[0]
    create_topic(kafka, unique)
    produce(kafka, unique, rows(0, 3))
    with worker(tmp_path, settings(kafka, unique) | provider | limit) as running:
        config = sql_sink(unique, f"{server}/{reference}") | {"errors.retry.delay.max.ms": size}
        running.create(config)
        until(lambda: reference in running.said + answers(running, unique), 60, "its trouble")
        file.write_text("database=provided-database\nsize=qz9x\n")
        running.call("POST", f"/connectors/{unique}/restart?includeTasks=true")
        until(lambda: "FAILED" in running.states(unique), 60, "the failure")
        said = answers(running, unique)
        assert f"Invalid value {size} for configuration errors.retry.delay.max.ms" in said
        assert running.call("GET", f"/connectors/{unique}/tasks")[0]["config"].items() >= config.items()
        said += running.said
    assert "provided-database" not in said
    assert "qz9x" not in said


def test_names_stay_readable_whatever_words_providers_give_to_others(tmp_path: Path, kafka: str, unique: str) -> None:
    file = tmp_path / "given.properties"
    file.write_text(f"folder={unique}-orders\npassword={unique}-login\n")
    provider = {"config.providers": "file", "config.providers.file.class": "FileConfigProvider"}
    limit = {"config.providers.file.param.allowed.paths": str(tmp_path)}
    orders, login = f"{unique}-orders", f"{unique}-login"
    create_topic(kafka, unique)
    with worker(tmp_path, settings(kafka, unique) | provider | limit) as running:
        other = file_sink(unique, tmp_path / "other.txt") | {"name": f"{unique}-other"}
        running.create(
            other | {"file": f"{tmp_path}/${{file:{file}:folder}}.txt", "my.password": f"${{file:{file}:password}}"}
        )
        for name in (orders, f"{login}-eu", login):
            running.create(file_sink(unique, tmp_path / f"{name}.txt") | {"name": name})
            running.running(name)
        running.delete(orders)
        missing = running.call("GET", f"/connectors/{orders}", expect=404)
        told = running.log.read_text()
    assert missing["message"] == f"Connector {orders} not found"
    assert f"task {orders}-0 runs as process" in told
    assert f"task {login}-eu-0 runs as process" in told
    assert f"[{login}|task-0]" in told, "whose a line is stays readable"
    assert f"task {login}-0" not in told, "a secret by itself does not"
