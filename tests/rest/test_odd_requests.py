"""Requests that are odd, or wrong in their form, are answered as Kafka Connect's worker answers them: its statuses were
read off a standalone worker of release 4.3, for each of these. Where we depart from it the test's name says so."""

import json
from typing import Any

import pytest

from ferryman.telemetry import redaction
from tests.rest.served import SOURCE, Client, error, served


@pytest.fixture
def client() -> Client:
    found = served()[0]
    assert found.post("/connectors", json={"name": "c", "config": SOURCE}).status_code == 201
    return found


@pytest.mark.parametrize("accept", ["text/html", "text/*", "application/xml", "application/vnd.x+json", "garbage"])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/connectors/x"), ("PUT", "/connectors/c/pause"), ("GET", "/health")]
)
def test_who_takes_no_json_gets_406(client: Client, method: str, path: str, accept: str) -> None:
    answer = client.request(method, path, headers={"accept": accept})
    assert (answer.status_code, answer.json()) == (406, error(406, "HTTP 406 Not Acceptable"))


@pytest.mark.parametrize(
    "accept",
    [
        *("", "*", "*/*", "application/*", "APPLICATION/JSON; charset=utf-8", "application/json;q=0"),
        *("text/html, application/json;q=0.1", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ],
)
def test_who_takes_json_among_others_gets_it(client: Client, accept: str) -> None:
    assert client.get("/connectors", headers={"accept": accept}).json() == ["c"]


def test_a_path_or_method_that_is_not_there_is_said_before_what_the_client_takes(client: Client) -> None:
    headers = {"accept": "text/html"}
    assert client.get("/nowhere", headers=headers).status_code == 404
    assert client.patch("/connectors", headers=headers).status_code == 405
    assert client.options("/connectors", headers=headers).status_code == 200


@pytest.mark.parametrize("part", ["a%0Ab", "a%0d", "%00", "%7f", "%C2%85", "%FF", "%C3", "%zz", "a%", "%2"])
@pytest.mark.parametrize("path", ["/connectors/{}", "/connectors/{}/status", "/{}", "/connector-plugins/{}/config"])
def test_a_path_that_cannot_be_read_is_400_in_json(client: Client, path: str, part: str) -> None:
    answer = client.get(path.format(part))
    assert answer.status_code == answer.json()["error_code"] == 400
    assert answer.json()["message"].startswith("HTTP 400 Bad Request: ")


@pytest.mark.parametrize(
    ("part", "name"), [("%C3%A9", "é"), ("a+b", "a+b"), ("%20", " "), ("%E2%80%A8", "\u2028"), ("a%2Fb", "a/b")]
)
def test_any_other_name_is_looked_for_as_it_is(client: Client, part: str, name: str) -> None:
    assert client.get(f"/connectors/{part}").json() == error(404, f"Connector {name} not found")


@pytest.mark.parametrize("path", ["/connectors/c?x=1&y", "/connectors/c?", "/connectors/c/?%", "/connectors/c?x=%zz"])
def test_parameters_that_nobody_knows_do_no_harm(client: Client, path: str) -> None:
    assert client.get(path).json()["name"] == "c"


@pytest.mark.parametrize(
    "path", ["/connectors//status", "/connectors//c", "/connectors/c//status", "/connectors/;a/config"]
)
def test_a_part_that_is_empty_is_no_name_and_none_to_pass_over(client: Client, path: str) -> None:
    assert client.post("/connectors", json={"name": "status", "config": SOURCE}).status_code == 201
    assert client.get(path).json() == error(400, "HTTP 400 Bad Request: a part of the path is empty")
    assert client.delete("/connectors//status").status_code == 400
    assert client.get("/connectors").json() == ["c", "status"]
    assert client.get("/connectors/c//").json()["name"] == "c"


@pytest.mark.parametrize("path", ["/connectors/c;v=1", "/connectors;x/c;v=1;w/config", "/connectors/c/config;v"])
def test_parameters_of_a_part_are_no_part_of_it(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200
    assert client.get("/connectors/c%3Bv=1").json() == error(404, "Connector c;v=1 not found")


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("-1", "No status found for task c--1"),
        ("007", "No status found for task c-7"),
        ("99999999999", "HTTP 404 Not Found"),
        ("9" * 5000, "HTTP 404 Not Found"),
        ("1.0", "HTTP 404 Not Found"),
        ("%201", "HTTP 404 Not Found"),
    ],
)
def test_a_task_is_an_integer_of_java(client: Client, number: str, message: str) -> None:
    assert client.get(f"/connectors/c/tasks/{number}/status").json() == error(404, message)
    assert client.get("/connectors/c/tasks/+0/status").status_code == 200


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        ("expand", []),
        ("expand=", []),
        ("expand=STATUS", []),
        ("expand=%20status", []),
        ("expand=info,status", []),
        ("expand=nonsense&expand=info", ["info"]),
        ("expand=info&expand=info", ["info"]),
        ("expand=status&expand=info", ["status", "info"]),
    ],
)
def test_connectors_are_expanded_by_what_is_named_exactly(client: Client, query: str, parts: list[str]) -> None:
    assert list(client.get(f"/connectors?{query}").json()["c"]) == parts
    assert client.get("/connectors?Expand=info").json() == ["c"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("includeTasks=true&includeTasks=false", 202),
        ("includeTasks=false&includeTasks=true", 204),
        ("includeTasks=TRUE", 202),
        ("includeTasks=%20true", 204),
        ("includeTasks=1", 204),
        ("includeTasks", 204),
        ("includetasks=true", 204),
    ],
)
def test_a_flag_is_true_or_it_is_not_and_the_first_one_counts(client: Client, query: str, status: int) -> None:
    assert client.post(f"/connectors/c/restart?{query}").status_code == status


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "Cannot deserialize"),
        ("{", "Cannot deserialize value"),
        ("null", "Cannot deserialize value of type ConnectorOffsets from null value"),
        ("[]", "Cannot deserialize value of type ConnectorOffsets from Array value"),
        ('"x"', "Cannot construct instance of ConnectorOffsets from String value"),
        ('{"x": []}', 'Unrecognized field "x"'),
        ('{"offsets": [], "x": 1}', 'Unrecognized field "x"'),
        ('{"offsets": {}}', "Cannot deserialize value of type ArrayList<ConnectorOffset> from Object value"),
        ('{"offsets": [123]}', "Cannot construct instance of ConnectorOffset from Integer value"),
        ('{"offsets": [[]]}', "Cannot deserialize value of type ConnectorOffset from Array value"),
        ('{"offsets": [{"key": "x"}]}', 'Unrecognized field "key"'),
        ('{"offsets": [{"partition": []}]}', "Cannot deserialize value of type LinkedHashMap from Array value"),
        ('{"offsets": [{"partition": {}, "offset": "x"}]}', "Cannot construct instance of LinkedHashMap from String"),
        ('{"offsets": [{"partition": {}, "offset": {"p": 1e999}}]}', "1e999 is not a JSON value"),
    ],
)
def test_offsets_of_another_shape_are_500_in_jacksons_words(client: Client, content: str, message: str) -> None:
    answer = client.patch("/connectors/c/offsets", content=content)
    assert answer.status_code == answer.json()["error_code"] == 500
    assert answer.json()["message"].startswith("Cannot deserialize the offsets: ")
    assert message in answer.json()["message"]


def test_an_offset_without_a_partition_is_for_the_connector_to_judge(client: Client) -> None:
    entries: list[Any] = [{}, {"partition": None}, {"partition": {}}, {"partition": {"a": 1}, "offset": None}]
    for one in entries:
        assert client.patch("/connectors/c/offsets", json={"offsets": [one]}).status_code == 200


@pytest.mark.parametrize("content", ["", " ", "{", "null", "[]", "1", '"x"', '{"a": 1} x', '{"a": 01}'])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/connectors"),
        ("PUT", "/connectors/c/config"),
        ("PATCH", "/connectors/c/config"),
        ("PUT", "/connector-plugins/FileStreamSource/config/validate"),
        ("PUT", "/admin/loggers/a"),
    ],
)
def test_any_other_body_that_cannot_be_read_is_400_where_kafka_connect_trips_over_it(
    client: Client, method: str, path: str, content: str
) -> None:
    answer = client.request(method, path, content=content, headers={"content-type": "application/json"})
    assert answer.status_code == answer.json()["error_code"] == 400


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "garbage", ""])
@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/connectors/c/config"), ("PATCH", "/connectors/c/offsets"), ("PUT", "/admin/loggers/a")],
)
def test_a_body_of_another_type_is_415(client: Client, method: str, path: str, kind: str) -> None:
    answer = client.request(method, path, content="{}", headers={"content-type": kind})
    assert (answer.status_code, answer.json()) == (415, error(415, "HTTP 415 Unsupported Media Type"))


@pytest.mark.parametrize("field", ["name", "initial_state"])
@pytest.mark.parametrize("value", [["x"], {"a": 1}])
def test_a_field_of_another_kind_is_named(client: Client, field: str, value: Any) -> None:
    answer = client.post("/connectors", json={"name": "d", "config": SOURCE, field: value})
    assert (answer.status_code, answer.json()["message"].partition(":")[0]) == (
        400,
        f"Cannot deserialize the value of {field}",
    )


def test_of_a_key_that_is_there_twice_the_last_counts(client: Client) -> None:
    text = '{"connector.class":"FileStreamSource","topic":"a","topic":"t"}'
    assert client.put("/connectors/c/config", content=text).json()["config"]["topic"] == "t"


def test_numbers_keep_their_text_and_may_not_be_longer_than_jackson_takes_them(client: Client) -> None:
    text = '{"connector.class":"FileStreamSource","topic":"t","batch.size":%s}'
    kept = client.put("/connectors/c/config", content=text % "2147483648")
    assert "Invalid value 2147483648 for configuration batch.size: Not a number of type INT" in kept.json()["message"]
    refused = client.put("/connectors/c/config", content=text % ("1" * 200_000)).json()
    assert refused["error_code"] == 400
    assert "Number value length (200000) exceeds the maximum allowed (1000)" in refused["message"]


@pytest.mark.parametrize("name", [" c ", "", "d"])
def test_a_name_in_the_config_is_the_one_of_the_path_to_the_letter(client: Client, name: str) -> None:
    answer = client.put("/connectors/c/config", json={**SOURCE, "name": name})
    text = f"Connector name configuration ({name}) doesn't match connector name in the URL (c)"
    assert answer.json() == error(400, text)


def test_a_name_of_null_is_none_and_cannot_be_removed(client: Client) -> None:
    assert client.put("/connectors/c/config", json={**SOURCE, "name": None}).json()["config"] == {**SOURCE, "name": "c"}
    assert client.post("/connectors", json={"name": "d", "config": {**SOURCE, "name": None}}).status_code == 201
    removed = client.patch("/connectors/c/config", json={"name": None})
    assert (removed.status_code, 'required configuration "name"' in removed.json()["message"]) == (400, True)


def test_a_class_of_null_is_shown_as_it_was_posted(client: Client) -> None:
    answer = client.post("/connectors", json={"name": "d", "config": {"connector.class": None}})
    assert answer.json() == error(400, "Connector config {connector.class=null, name=d} contains no connector type")


def test_an_answer_repeats_the_name_that_was_asked_for_and_does_not_tell_that_it_is_somebodys_secret(
    client: Client,
) -> None:
    redaction.protect("canary-odd-1")
    for path, text in (
        ("/connectors/canary-odd-1", "Connector canary-odd-1 not found"),
        ("/connectors/canary-odd-1/tasks/0/status", "No status found for task canary-odd-1-0"),
        ("/connector-plugins/canary-odd-1/config", "Unknown plugin canary-odd-1."),
    ):
        assert client.get(path).json() == error(404, text)
    mismatch = client.put("/connectors/c/config", json={**SOURCE, "name": "canary-odd-1"}).json()
    assert "[hidden]" in mismatch["message"]


def entry(client: Client, key: str, **changes: str) -> dict[str, Any]:
    config = {**SOURCE, "name": "c", **{name.replace("_", "."): value for name, value in changes.items()}}
    body = client.put("/connector-plugins/FileStreamSource/config/validate", json=config).json()
    found: dict[str, Any] = next(one for one in body["configs"] if one["value"]["name"] == key)
    return found


def test_the_class_is_typed_as_text_and_the_version_stands_behind_it(client: Client) -> None:
    assert entry(client, "connector.class")["definition"]["type"] == "STRING"
    version = client.get("/connector-plugins").json()[0]["version"]
    for key in ("connector", "key.converter", "value.converter", "header.converter"):
        found = entry(client, f"{key}.plugin.version")
        assert found["definition"]["default_value"] == found["value"]["value"] == version
        assert found["value"]["recommended_values"] == [version]


ROUTER = {
    "transforms": "a",
    "transforms.a.type": "org.apache.kafka.connect.transforms.RegexRouter",
    "transforms.a.regex": "x",
    "transforms.a.replacement": "y",
}
TOMBSTONE = {"predicates": "p", "predicates.p.type": "RecordIsTombstone"}


@pytest.mark.parametrize(
    ("kind", "given", "name"),
    [
        ("connector.class", {}, "org.apache.kafka.connect.file.FileStreamSourceConnector"),
        ("key.converter", {"key.converter": "JsonConverter"}, "org.apache.kafka.connect.json.JsonConverter"),
        ("transforms.a.type", ROUTER, "org.apache.kafka.connect.transforms.RegexRouter"),
        ("predicates.p.type", TOMBSTONE, "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone"),
    ],
)
def test_a_version_that_is_not_installed_is_refused_at_both_keys(
    client: Client, kind: str, given: dict[str, str], name: str
) -> None:
    installed = client.get("/connector-plugins").json()[0]["version"]
    key = {"connector.class": "connector", "key.converter": "key.converter"}.get(kind, kind.removesuffix(".type"))
    text = f"Plugin {name} not found that matches the version range [9.9,9.9], available versions: [{installed}]"
    for each in (kind, f"{key}.plugin.version"):
        assert entry(client, each, **given, **{f"{key}.plugin.version": "9.9"})["value"]["errors"] == [text]
    for wanted in (installed, "latest", f"[{installed}]", f"(,{installed}]", "[0,)"):
        assert entry(client, kind, **given, **{f"{key}.plugin.version": wanted})["value"]["errors"] == []
    unbounded = entry(client, f"{key}.plugin.version", **given, **{f"{key}.plugin.version": "[1.0,"})
    assert unbounded["value"]["errors"] == ["Unbounded range: [1.0,"]


def test_the_keys_of_a_plugin_are_those_of_its_version(client: Client) -> None:
    path = "/connector-plugins/FileStreamSource/config"
    assert client.get(f"{path}?version=latest").json() == client.get(path).json()
    for version in ("9.9", "", "[1.0,"):
        answer = client.get(path, params={"version": version})
        assert answer.status_code == answer.json()["error_code"] == 400


def test_an_alias_is_shown_in_kafkas_order_with_what_there_is_to_choose_from(client: Client) -> None:
    config = {**SOURCE, "name": "c", **ROUTER, **TOMBSTONE, "transforms": "a,b"}
    body = client.put("/connector-plugins/FileStreamSource/config/validate", json=config).json()
    found = [one for one in body["configs"] if one["value"]["name"].startswith(("transforms.", "predicates."))]
    assert [(one["value"]["name"], one["definition"]["order"], one["definition"]["display_name"]) for one in found] == [
        ("transforms.a.type", 0, "Transformation type for a"),
        ("transforms.a.plugin.version", 1, "Transformation version for a"),
        ("transforms.a.regex", 2, "regex"),
        ("transforms.a.replacement", 3, "replacement"),
        ("transforms.a.negate", 4, "negate"),
        ("transforms.a.predicate", 5, "predicate"),
        ("transforms.b.type", 0, "Transformation type for b"),
        ("transforms.b.plugin.version", 1, "Transformation version for b"),
        ("predicates.p.type", 0, "Predicate type for p"),
        ("predicates.p.plugin.version", 1, "Predicate version for p"),
    ]
    choices = {one["value"]["name"]: one["value"]["recommended_values"] for one in found}
    assert "org.apache.kafka.connect.transforms.Cast$Key" in choices["transforms.b.type"]
    assert json.dumps(choices["predicates.p.type"]).count("predicates.") == 3
    assert entry(client, "predicates.p.type", **TOMBSTONE)["value"]["value"].endswith(".predicates.RecordIsTombstone")
