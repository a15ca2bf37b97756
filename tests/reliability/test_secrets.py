"""A secret planted in each key that may hold one shows up nowhere but in the config as it was posted."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.reliability.flows import Config, file_sink, rows, s3_sink, sql_sink, stripe_source, tolerant
from tests.reliability.hostile.configs import mail
from tests.reliability.scoreboard.plugin import Trials
from tests.running import Worker, consume, create_topic, produce, settings, until, worker

CANARY = "Tweet-canary/7+x"
QUOTED = ("Tweet-canary%2F7%2Bx", "Tweet-canary/7%2Bx", "Tweet-canary\\/7+x")
AVRO = "io.confluent.connect.avro.AvroConverter"
JAAS = f'org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="{CANARY}";'
SASL = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.jaas.config": JAAS}
NOWHERE = "127.0.0.1:1"


def planted(name: str, postgres: str) -> dict[str, Config]:
    """Configs that are accepted and then fail or wait, each with the canary in another key."""
    address = postgres.rpartition("@")[2]
    avro = {"value.converter": AVRO}
    return {
        "connection.password": sql_sink(name, f"jdbc:postgresql://{address}")
        | {"connection.user": "nobody", "connection.password": CANARY},
        "connection.url, a parameter": sql_sink(name, f"jdbc:postgresql://{address}?user=nobody&password={QUOTED[0]}"),
        "connection.url, user info": sql_sink(name, f"postgresql://nobody:{QUOTED[0]}@{address}"),
        "stripe.api.key": stripe_source(name, f"http://{NOWHERE}") | {"stripe.api.key": CANARY},
        "basic.auth.user.info": sql_sink(name, postgres)
        | avro
        | {
            "value.converter.schema.registry.url": f"http://{NOWHERE}",
            "value.converter.basic.auth.credentials.source": "USER_INFO",
            "value.converter.basic.auth.user.info": f"someone:{CANARY}",
        },
        "schema.registry.url": sql_sink(name, postgres)
        | avro
        | {"value.converter.schema.registry.url": f"http://someone:{QUOTED[0]}@{NOWHERE}"},
        "sasl.jaas.config": sql_sink(name, postgres)
        | {f"consumer.override.{key}": value for key, value in SASL.items()},
        "bearer.auth.token": sql_sink(name, postgres)
        | avro
        | {
            "value.converter.schema.registry.url": f"http://{NOWHERE}",
            "value.converter.bearer.auth.credentials.source": "STATIC_TOKEN",
            "value.converter.bearer.auth.token": CANARY,
        },
        "aws.secret.access.key": s3_sink(name, f"http://{NOWHERE}", "bucket") | {"aws.secret.access.key": CANARY},
        "smtp.password": mail() | {"name": name, "topics": name, "smtp.username": "u", "smtp.password": CANARY},
        "sasl.jaas.config of the dead letters": sql_sink(name, postgres)
        | {f"producer.override.{key}": value for key, value in SASL.items()},
        "a key of nobody's": sql_sink(name, postgres) | {"my.api.token": CANARY},
    }


KEYS = list(planted("", ""))


@pytest.fixture
def running(tmp_path: Path, kafka: str, unique: str) -> Iterator[Worker]:
    with worker(tmp_path, settings(kafka, unique)) as one:
        yield one


def shown(text: str) -> list[str]:
    return [spelling for spelling in (CANARY, *QUOTED) if spelling in text]


def answers(running: Worker, name: str) -> str:
    """What REST has to say about a connector, except for its config."""
    paths = ("status", "topics", "offsets", "tasks/0/status")
    bodies = [httpx.get(f"{running.url}/connectors/{name}/{path}", timeout=60).text for path in paths]
    return "\n".join([*bodies, httpx.get(f"{running.url}/connectors?expand=status", timeout=60).text])


@pytest.mark.scoreboard("R19")
@pytest.mark.parametrize("key", KEYS)
def test_a_secret_is_in_no_log_status_error_or_dead_letter(
    running: Worker, kafka: str, postgres: str, unique: str, key: str, trials: Trials
) -> None:
    create_topic(kafka, unique)
    create_topic(kafka, f"{unique}-dead")
    produce(kafka, unique, [b"not json", *rows(0, 3)])
    config = planted(unique, postgres)[key] | _queue(key, unique)
    running.call("PUT", "/admin/loggers/root", {"level": "DEBUG"}, expect=200)
    running.create(config)
    until(lambda: _in_trouble(running, unique) or consume(kafka, f"{unique}-dead"), 60, "trouble")
    said = [running.log.read_text(), answers(running, unique), _letters(kafka, f"{unique}-dead")]
    assert running.call("GET", f"/connectors/{unique}/config") == config
    assert [shown(each) for each in said] == [[], [], []]
    running.call("POST", f"/connectors/{unique}/restart?includeTasks=true")
    running.delete(unique)
    assert shown(running.log.read_text()) == []
    trials.held()


def _queue(key: str, name: str) -> Config:
    return {} if key == "stripe.api.key" else tolerant(f"{name}-dead")


def _in_trouble(running: Worker, name: str) -> bool:
    text = running.log.read_text()
    signs = ("again in", "session ended", "handshake failed")
    return any(sign in text for sign in signs) or "FAILED" in running.states(name)


def _letters(kafka: str, topic: str) -> str:
    return "\n".join(repr((each.key(), each.value(), each.headers())) for each in consume(kafka, topic))


@pytest.mark.parametrize("key", KEYS)
def test_an_error_answer_names_the_key_and_not_the_secret(
    running: Worker, postgres: str, unique: str, key: str
) -> None:
    config = planted(unique, postgres)[key] | {"tasks.max": "many", "errors.tolerance": CANARY[:5]}
    created = httpx.post(running.url + "/connectors", json={"name": unique, "config": config}, timeout=60)
    plugin = config["connector.class"].rpartition(".")[2]
    checked = httpx.put(f"{running.url}/connector-plugins/{plugin}/config/validate", json=config, timeout=60)
    assert created.status_code == 400
    assert "tasks.max" in created.text
    assert checked.status_code == 200
    assert checked.json()["error_count"] >= 2
    assert shown(created.text + running.log.read_text()) == []
    assert shown(json.dumps(checked.json())) == []


@pytest.mark.parametrize("key", ["connection.password", "connection.url", "stripe.api.key", "sasl.jaas.config"])
def test_a_value_that_is_refused_itself_is_not_repeated(running: Worker, postgres: str, unique: str, key: str) -> None:
    broken = {
        "connection.password": sql_sink(unique, f"oracle://u:{CANARY}@h/x") | {"connection.password": CANARY},
        "connection.url": sql_sink(unique, f"jdbc:nothing://u:{CANARY}@h/x?password={CANARY}"),
        "stripe.api.key": stripe_source(unique, f"http://u:{CANARY}@{NOWHERE}") | {"stripe.api.key": f"{CANARY} x"},
        "sasl.jaas.config": sql_sink(unique, postgres)
        | {f"consumer.override.{each}": value for each, value in SASL.items()}
        | {"consumer.override.sasl.jaas.config": f"nonsense password={CANARY}"},
    }
    created = httpx.post(running.url + "/connectors", json={"name": unique, "config": broken[key]}, timeout=60)
    assert created.status_code == 400
    assert shown(created.text + running.log.read_text()) == []


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
        until(lambda: reference in running.log.read_text() + answers(running, unique), 60, "its trouble")
        file.write_text("database=provided-database\nsize=qz9x\n")
        running.call("POST", f"/connectors/{unique}/restart?includeTasks=true")
        until(lambda: "FAILED" in running.states(unique), 60, "the failure")
        said = answers(running, unique)
        assert f"Invalid value {size} for configuration errors.retry.delay.max.ms" in said
        assert running.call("GET", f"/connectors/{unique}/tasks")[0]["config"].items() >= config.items()
        said += running.log.read_text()
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
