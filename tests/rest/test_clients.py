"""What the clients and interfaces that people have send, and what they need of the answers: kafka-connect-py, kcctl,
Strimzi, AKHQ, Redpanda Console, kafka-ui, kafkatest. What other files here try already is not repeated."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.flows import file_sink
from tests.rest.served import SOURCE, Client, served
from tests.running import Worker, fresh, worker
from tests.running import settings as worker_settings

ENUMS = {
    "type": {"BOOLEAN", "CLASS", "DOUBLE", "INT", "LIST", "LONG", "PASSWORD", "SHORT", "STRING"},
    "width": {"SHORT", "MEDIUM", "LONG", "NONE"},
    "importance": {"LOW", "MEDIUM", "HIGH"},
}
_EVERY = """
name connector.class connector.plugin.version tasks.max tasks.max.enforce key.converter key.converter.plugin.version
value.converter value.converter.plugin.version header.converter header.converter.plugin.version transforms predicates
config.action.reload errors.retry.timeout errors.retry.delay.max.ms errors.tolerance errors.log.enable
errors.log.include.messages file
"""
_SOURCE = """
topic batch.size topic.creation.groups exactly.once.support transaction.boundary transaction.boundary.interval.ms
offsets.storage.topic
"""
_SINK = """
topics topics.regex errors.deadletterqueue.topic.name errors.deadletterqueue.topic.replication.factor
errors.deadletterqueue.context.headers.enable
"""
FILE_SOURCE, FILE_SINK = set((_EVERY + _SOURCE).split()), set((_EVERY + _SINK).split())


@pytest.fixture
def client() -> Client:
    client, _ = served()
    assert client.post("/connectors/", json={"name": "c", "config": SOURCE}).status_code == 201
    return client


@pytest.mark.parametrize("content", [b"", b"null", b"{}"])
@pytest.mark.parametrize("path", ["/", "/connectors", "/connectors/c", "/connectors/c/status", "/connector-plugins"])
def test_gets_may_have_a_content_type_and_even_a_body(client: Client, path: str, content: bytes) -> None:
    headers = {"Content-Type": "application/json", "Content-Length": str(len(content))}
    assert client.request("GET", path, content=content, headers=headers).status_code == 200


@pytest.mark.parametrize("authorization", ["Basic Og==", "Bearer ", "Bearer", "Basic", "Digest x", ""])
def test_an_authorization_that_nobody_asked_for_does_no_harm(client: Client, authorization: str) -> None:
    headers = {"Authorization": authorization}
    assert client.get("/connectors", headers=headers).json() == ["c"]
    assert client.put("/connectors/c/config", json=SOURCE, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "path", ["", "/connectors/", "/connector-plugins/", "/admin/loggers/", "/connectors/c/", "/connectors/c/config/"]
)
def test_paths_may_end_in_a_slash(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("accept", ["application/json", "*/*", "application/json; q=0.9, */*"])
def test_clients_take_json_or_anything(client: Client, accept: str) -> None:
    answer = client.get("/connectors", headers={"Accept": accept})
    assert answer.headers["content-type"] == "application/json"


def test_values_that_are_no_text_are_validated_and_answered_as_text(client: Client) -> None:
    config = {
        "connector.class": "FileStreamSource",
        "name": "c",
        "topic": "t",
        "batch.size": 7,
        "tasks.max": 1,
        "x": False,
    }
    found = client.put("/connector-plugins/FileStreamSource/config/validate", json=config).json()
    values = {each["value"]["name"]: each["value"]["value"] for each in found["configs"]}
    assert (found["error_count"], values["batch.size"], values["tasks.max"]) == (0, "7", "1")
    assert all(value is None or isinstance(value, str) for value in values.values())


def test_a_config_is_the_posted_one_after_every_way_of_changing_it(client: Client) -> None:
    posted: dict[str, Any] = {**SOURCE, "tasks.max": 1, "key.converter.schemas.enable": True, "empty": ""}
    text = {**SOURCE, "tasks.max": "1", "key.converter.schemas.enable": "true", "empty": "", "name": "c"}
    assert client.put("/connectors/c/config", json=posted).json()["config"] == text
    assert client.get("/connectors/c/config").json() == text
    assert client.patch("/connectors/c/config", json={"empty": None}).json()["config"] == {
        key: value for key, value in text.items() if key != "empty"
    }


@pytest.mark.parametrize(("kind", "keys"), [("Source", FILE_SOURCE), ("Sink", FILE_SINK)])
@pytest.mark.parametrize("more", [{}, {"topics": "getPlugins"}])
def test_forms_are_built_from_what_validate_says_of_a_class(
    client: Client, kind: str, keys: set[str], more: dict[str, str]
) -> None:
    name = f"org.apache.kafka.connect.file.FileStream{kind}Connector"
    answer = client.put(f"/connector-plugins/{name}/config/validate", json={"connector.class": name, **more})
    assert answer.status_code == 200
    definitions = [each["definition"] for each in answer.json()["configs"] if each["definition"]]
    assert {each["name"] for each in definitions} == keys
    for each in definitions:
        assert all(each[field] in words for field, words in ENUMS.items())
        assert each["default_value"] is None or isinstance(each["default_value"], str)
    values = [each["value"] for each in answer.json()["configs"]]
    assert all(list(each) == ["name", "value", "recommended_values", "errors", "visible"] for each in values)


def test_who_may_put_may_not_post_a_validation(client: Client) -> None:
    assert client.post("/connector-plugins/FileStreamSink/config/validate", json={}).status_code == 405


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Worker]:
    with worker(tmp_path_factory.mktemp("clients"), worker_settings(kafka, fresh("clients"))) as one:
        yield one


def test_a_status_has_the_words_that_clients_know(running: Worker, unique: str, tmp_path: Path) -> None:
    sink = file_sink(unique, tmp_path / "out.txt")
    running.create(sink)
    running.running(sink["name"])
    status = running.call("GET", f"/connectors/{sink['name']}/status")
    for part in (status["connector"], *status["tasks"]):
        host, colon, port = part["worker_id"].rpartition(":")
        assert (host, colon, int(port)) == ("127.0.0.1", ":", running.port)
        assert "trace" not in part
    (task,) = running.call("GET", f"/connectors/{sink['name']}/tasks")
    assert task["id"] == {"connector": sink["name"], "task": 0}
    assert task["config"] == {
        **{key: str(value) for key, value in sink.items()},
        "task.class": "org.apache.kafka.connect.file.FileStreamSinkTask",
    }
    for method in ("PATCH", "DELETE"):
        body: Any = {"offsets": [{"partition": {}, "offset": None}]} if method == "PATCH" else None
        refusal = running.call(method, f"/connectors/{sink['name']}/offsets", body, expect=400)
        assert refusal["message"].startswith(
            "Connectors must be in the STOPPED state before their offsets can be modified."
        )
    running.call("PUT", f"/connectors/{sink['name']}/stop", expect=204)
    status = running.call("GET", f"/connectors/{sink['name']}/status")
    assert (status["connector"]["state"], status["tasks"]) == ("STOPPED", [])
    running.delete(sink["name"])
    running.call("GET", f"/connectors/{sink['name']}/status", expect=404)


def test_levels_are_those_of_the_start_after_a_restart(running: Worker) -> None:
    before = running.call("GET", "/admin/loggers")
    assert all(each["last_modified"] is None for each in before.values())
    assert len(before) > 1
    assert running.call("PUT", "/admin/loggers/ferryman?scope=cluster", {"level": "DEBUG"}, expect=204) is None
    touched = running.call("PUT", "/admin/loggers/ferryman.rest", {"level": "FATAL"}, expect=200)
    assert all(name.startswith("ferryman.rest") for name in touched)
    running.stop()
    running.start()
    assert running.call("GET", "/admin/loggers") == before


def test_the_log_says_when_it_is_ready_in_words_that_tests_of_kafka_wait_for(running: Worker) -> None:
    assert "Kafka version" in running.said
