"""The description of the REST API that a worker serves, and whether its answers are what it says."""

from itertools import pairwise
from typing import Any

import jsonschema
import pytest
import schemathesis

from ferryman.rest import routes
from tests.rest.served import SOURCE, Client, served

Json = dict[str, Any]


@pytest.fixture
def client() -> Client:
    client, _ = served()
    assert client.post("/connectors", json={"name": "c", "config": SOURCE}).status_code == 201
    return client


@pytest.fixture
def description(client: Client) -> Json:
    found: Json = client.get("/openapi.json").json()
    return found


def test_it_is_openapi_that_others_can_read(description: Json) -> None:
    schema: Any = schemathesis.openapi.from_dict(description)
    operations = [each.ok() for each in schema.get_all_operations()]
    assert len(operations) == sum(len(each) for each in description["paths"].values())


def test_it_names_all_that_is_served_but_what_workers_say_to_each_other(description: Json) -> None:
    paths = description["paths"]
    assert len(paths) == len(routes.ENDPOINTS) - 1
    assert "/connectors/{connector}/fence" not in paths
    assert list(paths["/connectors/{connector}/tasks"]) == ["get"]
    assert [each["name"] for each in paths["/connectors/{connector}/tasks/{task}/restart"]["post"]["parameters"]] == [
        "connector",
        "task",
        "forward",
    ]


def test_every_variable_of_a_path_is_named_for_what_stands_there(description: Json) -> None:
    paths = [path.split("/") for path in description["paths"]]
    followed = {(before, part) for path in paths for before, part in pairwise(path) if part.startswith("{")}
    assert followed == {
        ("connectors", "{connector}"),
        ("tasks", "{task}"),
        ("dead-letters", "{letter}"),
        ("connector-plugins", "{pluginName}"),
        ("loggers", "{logger}"),
    }
    letter = description["paths"]["/connectors/{connector}/dead-letters/{letter}"]["get"]["parameters"]
    assert [each["name"] for each in letter if each["in"] == "path"] == ["connector", "letter"]


def test_every_operation_says_what_it_is_for_and_has_a_name_of_its_own(description: Json) -> None:
    operations = [each for methods in description["paths"].values() for each in methods.values()]
    assert all(each["summary"] for each in operations)
    assert len({each["operationId"] for each in operations}) == len(operations)


@pytest.mark.parametrize(
    ("method", "path", "described", "body"),
    [
        ("GET", "/", "/", None),
        ("GET", "/health", "/health", None),
        ("GET", "/connectors", "/connectors", None),
        ("GET", "/connectors?expand=info&expand=status", "/connectors", None),
        ("POST", "/connectors", "/connectors", {"name": "d", "config": SOURCE}),
        ("POST", "/connectors", "/connectors", {"name": "c", "config": SOURCE}),
        ("GET", "/connectors/c", "/connectors/{connector}", None),
        ("GET", "/connectors/nobody", "/connectors/{connector}", None),
        ("GET", "/connectors/c/config", "/connectors/{connector}/config", None),
        ("PUT", "/connectors/c/config", "/connectors/{connector}/config", SOURCE),
        ("PATCH", "/connectors/c/config", "/connectors/{connector}/config", {"tasks.max": 1}),
        ("GET", "/connectors/c/status", "/connectors/{connector}/status", None),
        ("POST", "/connectors/c/restart", "/connectors/{connector}/restart", None),
        ("POST", "/connectors/c/restart?includeTasks=true", "/connectors/{connector}/restart", None),
        ("PUT", "/connectors/c/pause", "/connectors/{connector}/pause", None),
        ("PUT", "/connectors/c/resume", "/connectors/{connector}/resume", None),
        ("PUT", "/connectors/c/stop", "/connectors/{connector}/stop", None),
        ("GET", "/connectors/c/tasks", "/connectors/{connector}/tasks", None),
        ("GET", "/connectors/c/tasks/0/status", "/connectors/{connector}/tasks/{task}/status", None),
        ("POST", "/connectors/c/tasks/0/restart", "/connectors/{connector}/tasks/{task}/restart", None),
        ("GET", "/connectors/c/topics", "/connectors/{connector}/topics", None),
        ("PUT", "/connectors/c/topics/reset", "/connectors/{connector}/topics/reset", None),
        ("GET", "/connectors/c/offsets", "/connectors/{connector}/offsets", None),
        ("DELETE", "/connectors/c/offsets", "/connectors/{connector}/offsets", None),
        (
            "PATCH",
            "/connectors/c/offsets",
            "/connectors/{connector}/offsets",
            {"offsets": [{"partition": {}, "offset": None}]},
        ),
        ("GET", "/connector-plugins?connectorsOnly=false", "/connector-plugins", None),
        ("GET", "/connector-plugins/FileStreamSink/config", "/connector-plugins/{pluginName}/config", None),
        (
            "PUT",
            "/connector-plugins/FileStreamSource/config/validate",
            "/connector-plugins/{pluginName}/config/validate",
            SOURCE,
        ),
        ("GET", "/admin/loggers", "/admin/loggers", None),
        ("GET", "/admin/loggers/root", "/admin/loggers/{logger}", None),
        ("PUT", "/admin/loggers/openapi.test", "/admin/loggers/{logger}", {"level": "INFO"}),
        ("PUT", "/admin/loggers/openapi.test?scope=cluster", "/admin/loggers/{logger}", {"level": "INFO"}),
        ("DELETE", "/connectors/c", "/connectors/{connector}", None),
    ],
)
def test_answers_are_what_it_says(
    client: Client, description: Json, method: str, path: str, described: str, body: Json | None
) -> None:
    answer = client.request(method, path, json=body)
    operation = description["paths"][described][method.lower()]
    said = operation["responses"].get(str(answer.status_code), operation["responses"]["default"])
    assert answer.status_code < 400 or said is operation["responses"]["default"]
    if "content" not in said:
        assert answer.content == b""
        return
    schema = {**said["content"]["application/json"]["schema"], "components": description["components"]}
    jsonschema.Draft202012Validator(schema).validate(answer.json())
    if body is not None and "requestBody" in operation and answer.status_code < 400:
        asked = operation["requestBody"]["content"]["application/json"]["schema"]
        jsonschema.Draft202012Validator({**asked, "components": description["components"]}).validate(body)
