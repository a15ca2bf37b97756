"""The REST API as clients see it, over a herder that only remembers."""

import json
import logging
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from ferryman.rest import app
from ferryman.settings import settings
from ferryman.telemetry import redaction
from ferryman.worker.herder import Stage
from tests.rest.served import SETTINGS, SOURCE, WORKER, Client, Memory, error, served


@pytest.fixture
def client() -> Client:
    return served()[0]


@pytest.fixture
def with_c(client: Client) -> Client:
    assert client.post("/connectors", json={"name": "c", "config": SOURCE}).status_code == 201
    return client


def test_the_root_looks_like_a_recent_kafka(client: Client) -> None:
    body = client.get("/").json()
    assert list(body) == ["version", "commit", "kafka_cluster_id"]
    assert [int(part) for part in body["version"].split(".")[:2]] >= [4, 0]
    assert body["kafka_cluster_id"] == "abc"
    assert client.get("").json() == body


def test_health_says_whether_the_worker_is_ready(client: Client) -> None:
    answer = client.get("/health")
    assert (answer.status_code, answer.text) == (
        200,
        '{"status":"healthy","message":"Worker has completed startup and is ready to handle requests."}',
    )


def test_metrics_are_text_for_whoever_scrapes_even_while_the_herder_is_stuck() -> None:
    client, herder = served()
    herder.stuck, herder.measured = True, "up 1.0\n"
    for accept in ("*/*", "text/plain", "application/openmetrics-text;version=1.0.0,*/*;q=0.1"):
        answer = client.get("/metrics", headers={"Accept": accept})
        assert (answer.status_code, answer.text) == (200, "up 1.0\n")
        assert answer.headers["content-type"].startswith(accept.split(";")[0].replace("*/*", "text/plain"))


def test_where_there_are_no_metrics_the_key_is_named_that_turns_them_off(client: Client) -> None:
    answer = client.get("/metrics", headers={"Accept": "text/plain"})
    assert answer.status_code == 404
    assert "ferryman.metrics.enable" in answer.json()["message"]


def test_metrics_are_guarded_as_all_other_paths() -> None:
    client, herder = served(**{"rest.auth": "token:an-obol"})
    herder.measured = "up 1.0\n"
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer an-obol"}).text == "up 1.0\n"


def test_a_stuck_herder_leaves_the_root_answering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ferryman.rest.endpoints.CLUSTER_TIMEOUT", 0.05)
    monkeypatch.setattr("ferryman.rest.endpoints.HEALTH_TIMEOUT", 0.05)
    monkeypatch.setattr("ferryman.rest.app.HERDER_SECONDS", 0.2)
    client, herder = served()
    assert client.get("/health").status_code == 200
    herder.stuck = True
    assert client.get("/").json()["kafka_cluster_id"] is None
    assert client.get("/health").status_code == 500
    assert client.get("/connectors").json() == error(500, "Request timed out")


def test_whoever_waits_in_vain_hears_what_the_worker_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ferryman.rest.endpoints.HEALTH_TIMEOUT", 0.05)
    monkeypatch.setattr("ferryman.rest.app.HERDER_SECONDS", 0.2)
    client, herder = served()
    herder.stuck, herder.does = True, Stage("reading to the end of the config topic", 1_700_000_000.25)
    now = "The worker is currently reading to the end of the config topic, which began at 2023-11-14T22:13:20.250Z."
    assert client.get("/connectors").json() == error(500, f"Request timed out. {now}")
    starting = {"status": "starting", "message": f"Worker is still starting up. {now}"}
    assert (client.get("/health").status_code, client.get("/health").json()) == (503, starting)
    herder.stuck = False
    assert client.get("/health").status_code == 200
    herder.stuck, herder.does = True, Stage("ensuring membership in the cluster", 1_700_000_000, 1_700_000_001)
    before = (
        "The last operation the worker completed was ensuring membership in the cluster, which began at "
        "2023-11-14T22:13:20.000Z and completed at 2023-11-14T22:13:21.000Z."
    )
    answer = client.get("/health")
    assert answer.status_code == 500
    assert answer.json()["message"].endswith(f"may be unable to handle other requests. {before}")


def test_a_connector_is_created_once(client: Client) -> None:
    answer = client.post("/connectors", json={"name": "c", "config": SOURCE})
    assert answer.status_code == 201
    assert answer.headers["location"] == "http://127.0.0.1:8083/connectors/c"  # as in Jersey
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"name": "c", "config": {**SOURCE, "name": "c"}, "tasks": [], "type": "source"}
    again = client.post("/connectors", json={"name": "c", "config": SOURCE})
    assert (again.status_code, again.json()) == (409, error(409, "Connector c already exists"))


@pytest.mark.parametrize("state", ["STOPPED", "stopped", "Stopped"])
def test_a_connector_may_be_born_stopped(client: Client, state: str) -> None:
    client.post("/connectors", json={"name": "c", "config": SOURCE, "initial_state": state})
    body = client.get("/connectors/c/status").json()
    assert (body["connector"]["state"], body["tasks"]) == ("STOPPED", [])


@pytest.mark.parametrize(
    ("posted", "text"),
    [
        ({"name": "c", "config": SOURCE, "initial_state": "BORN"}, "initial_state BORN is none of"),
        ({"name": "c"}, "An object with name and config is expected"),
        ({"name": "c", "config": SOURCE, "tasks": []}, 'Unrecognized field "tasks"'),
        ([], "An object with name and config is expected"),
        ({"name": "c", "config": {**SOURCE, "file": ["/x"]}}, "the value of file: a string is expected, not a list"),
        (
            {"name": "c", "config": {**SOURCE, "name": "d"}},
            "Connector name configuration (d) doesn't match connector name in the URL (c)",
        ),
        ({"name": "c", "config": {"topic": "t"}}, "Connector config {topic=t, name=c} contains no connector type"),
        (
            {"name": "c", "config": {"connector.class": "Nope"}},
            "Failed to find any class that implements Connector and which name matches Nope, available ",
        ),
    ],
)
def test_a_wrong_create_request_is_400_and_says_why(client: Client, posted: Any, text: str) -> None:
    answer = client.post("/connectors", json=posted)
    assert answer.status_code == answer.json()["error_code"] == 400
    assert text in answer.json()["message"]


def test_an_invalid_config_is_refused_with_all_errors_at_once(client: Client) -> None:
    config = {"connector.class": "FileStreamSource", "tasks.max": "0", "mock_mode": None, "batch.size": "x"}
    answer = client.post("/connectors", json={"name": "c", "config": config})
    assert answer.status_code == 400
    message = answer.json()["message"]
    assert message.startswith("Connector configuration is invalid and contains the following ")
    assert message.endswith(
        "\nYou can also find the above list of errors at the endpoint "
        "`/connector-plugins/{connectorType}/config/validate`"
    )
    for text in (
        "Invalid value 0 for configuration tasks.max: Value must be at least 1",
        'Missing required configuration "topic" which has no default value.',
        "mock_mode: Null value can not be supplied as the configuration value.",
        "Invalid value x for configuration batch.size: Not a number of type INT",
    ):
        assert f"\n{text}\n" in message
    assert client.get("/connectors").json() == []


def test_numbers_and_booleans_come_back_as_the_text_they_were(client: Client) -> None:
    text = '{"connector.class":"FileStreamSource","topic":"t","batch.size":10,"a":1.50,"b":true,"c":1e3,"d":"True"}'
    headers = {"content-type": "application/json"}
    assert client.put("/connectors/c/config", content=text, headers=headers).status_code == 201
    assert client.get("/connectors/c/config").json() == {
        "connector.class": "FileStreamSource",
        "topic": "t",
        "batch.size": "10",
        "a": "1.50",
        "b": "true",
        "c": "1e3",
        "d": "True",
        "name": "c",
    }


def test_a_config_comes_back_exactly_as_posted_with_its_name(client: Client) -> None:
    config = {**SOURCE, "topic": "topic-${file:/x:topic}", "some.password": "canary-rest-1", "empty": " "}
    client.put("/connectors/c/config", json=config)
    for body in (
        client.get("/connectors/c/config").json(),
        client.get("/connectors/c").json()["config"],
        client.put("/connectors/c/config", json={**config, "name": "c"}).json()["config"],
    ):
        assert body == {**config, "name": "c"}
    assert client.get("/connectors/c/tasks").json() == [
        {"id": {"connector": "c", "task": 0}, "config": {**config, "name": "c", "task.class": "FileStreamSourceTask"}}
    ]


def test_put_creates_with_201_and_updates_with_200(client: Client) -> None:
    created = client.put("/connectors/c/config", json=SOURCE)
    updated = client.put("/connectors/c/config", json=SOURCE)
    assert (created.status_code, created.headers["location"]) == (201, "http://127.0.0.1:8083/connectors/c")
    assert (updated.status_code, "location" in updated.headers) == (200, False)
    assert created.json().keys() == updated.json().keys() == {"name", "config", "tasks", "type"}


def test_patch_merges_and_null_removes(with_c: Client) -> None:
    answer = with_c.patch("/connectors/c/config", json={"file": None, "batch.size": 5})
    assert answer.status_code == 200
    changed = {"connector.class": "FileStreamSource", "topic": "t", "name": "c", "batch.size": "5"}
    assert answer.json()["config"] == changed
    assert with_c.patch("/connectors/d/config", json={}).json() == error(404, "Connector d not found")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/connectors/c/pause", 202),
        ("PUT", "/connectors/c/resume", 202),
        ("PUT", "/connectors/c/stop", 204),
        ("POST", "/connectors/c/restart", 204),
        ("POST", "/connectors/c/restart?includeTasks=False&onlyFailed=False", 204),
        ("POST", "/connectors/c/tasks/0/restart", 204),
        ("PUT", "/connectors/c/topics/reset", 202),
        ("DELETE", "/connectors/c", 204),
    ],
)
@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"", None), (b"", "application/json"), (b"null", "application/json"), (b'""', "text/plain"), (b"{", "x/y")],
)
def test_calls_without_a_body_take_any_and_answer_nothing(
    with_c: Client, method: str, path: str, status: int, content: bytes, kind: str | None
) -> None:
    headers = {"authorization": "Basic Og=="} | ({"content-type": kind} if kind else {})
    answer = with_c.request(method, path, content=content, headers=headers)
    assert (answer.status_code, answer.content) == (status, b"")


@pytest.mark.parametrize("flags", ["includeTasks=true", "includeTasks=TRUE&onlyFailed=False", "onlyFailed=True"])
def test_restart_with_parameters_shows_what_restarts(with_c: Client, flags: str) -> None:
    answer = with_c.post(f"/connectors/c/restart?{flags}")
    assert answer.status_code == 202
    assert answer.json()["connector"] == {"state": "RESTARTING", "worker_id": WORKER, "version": "1.0"}


def test_status_has_kafkas_shape(with_c: Client) -> None:
    assert with_c.get("/connectors/c/status").text == (
        '{"name":"c","connector":{"state":"RUNNING","worker_id":"127.0.0.1:8083","version":"1.0"},'
        '"tasks":[{"id":0,"state":"RUNNING","worker_id":"127.0.0.1:8083","version":"1.0"}],"type":"source"}'
    )
    task = with_c.get("/connectors/c/tasks/0/status").json()
    assert task == {"id": 0, "state": "RUNNING", "worker_id": WORKER, "version": "1.0"}


def test_a_failed_task_shows_its_trace_without_secrets() -> None:
    redaction.protect("canary-rest-2")
    client, herder = served()
    client.put("/connectors/c/config", json=SOURCE)
    herder.trace = "TaskError: cannot log in with canary-rest-2"
    assert client.get("/connectors/c/status").json()["tasks"] == [
        {"id": 0, "state": "FAILED", "worker_id": WORKER, "trace": "TaskError: cannot log in with [hidden]"}
    ]


def test_connectors_are_listed_by_name_or_expanded(with_c: Client) -> None:
    with_c.put("/connectors/b/config", json={**SOURCE, "file": "/vanishing"})
    assert with_c.get("/connectors").text == '["b","c"]'
    both = with_c.get("/connectors?expand=info&expand=status&search=x").json()
    assert list(both) == ["c"]
    assert list(both["c"]) == ["info", "status"]
    assert both["c"]["info"] == with_c.get("/connectors/c").json()
    assert with_c.get("/connectors?expand=nonsense").json() == {"b": {}, "c": {}}


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/connectors/x", 404, "Connector x not found"),
        ("GET", "/connectors/x/config", 404, "Connector x not found"),
        ("GET", "/connectors/x/status", 404, "No status found for connector x"),
        ("GET", "/connectors/x/tasks", 404, "Connector x not found"),
        ("GET", "/connectors/x/tasks/0/status", 404, "No status found for task x-0"),
        ("GET", "/connectors/c/tasks/7/status", 404, "No status found for task c-7"),
        ("GET", "/connectors/c/tasks/x/status", 404, "HTTP 404 Not Found"),
        ("POST", "/connectors/x/restart", 404, "Unknown connector: x"),
        ("POST", "/connectors/c/tasks/7/restart", 404, "Unknown task: c-7"),
        ("PUT", "/connectors/x/pause", 404, "Unknown connector x"),
        ("DELETE", "/connectors/x", 404, "Connector x not found"),
        ("GET", "/connectors/x/offsets", 404, "Connector x not found"),
        ("GET", "/nowhere", 404, "HTTP 404 Not Found"),
        ("GET", "/connectors/c/nowhere", 404, "HTTP 404 Not Found"),
        ("PATCH", "/connectors", 405, "HTTP 405 Method Not Allowed"),
        ("POST", "/connectors/c/status", 405, "HTTP 405 Method Not Allowed"),
        ("GET", "/connector-plugins/x/config", 404, "Unknown plugin x."),
        ("GET", "/admin/loggers/no.such", 404, "Logger no.such not found."),
    ],
)
def test_every_error_is_json_in_kafkas_words(with_c: Client, method: str, path: str, status: int, text: str) -> None:
    answer = with_c.request(method, path)
    assert (answer.status_code, answer.json()) == (status, error(status, text))


@pytest.mark.parametrize("path", ["/connectors/", "http://127.0.0.1:8083//connectors", "/connectors///"])
def test_slashes_too_many_do_no_harm(with_c: Client, path: str) -> None:
    assert with_c.get(path).json() == ["c"]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a->b", "a%2D%3Eb"),
        ("a b", "a%20b"),
        ("a/b", "a%2Fb"),
        ("../x", "%2e%2e%2fx"),
        ("é+", "%C3%A9+"),
        ("a%2Fb", "a%252Fb"),
    ],
)
def test_names_are_decoded_part_by_part(client: Client, name: str, path: str) -> None:
    created = client.post("/connectors/", json={"name": name, "config": SOURCE})
    assert created.status_code == 201
    assert client.get(created.headers["location"]).json()["name"] == name
    assert client.get(f"/connectors/{path}/").json()["name"] == name
    assert client.get(f"/connectors/{path}/status").json()["name"] == name
    assert client.delete(f"/connectors/{path}").status_code == 204


def test_topics_are_never_an_empty_object(with_c: Client) -> None:
    assert with_c.get("/connectors/c/topics").text == '{"c":{"topics":["t"]}}'
    assert with_c.get("/connectors/x/topics").json() == {"x": {"topics": []}}


def test_topic_tracking_can_be_switched_off() -> None:
    client, _ = served(topic_tracking_enable="false")
    assert client.get("/connectors/c/topics").json() == error(403, "Topic tracking is disabled.")
    client, _ = served(topic_tracking_allow_reset="false")
    assert client.put("/connectors/c/topics/reset").json() == error(403, "Topic tracking reset is disabled.")


def test_offsets_are_shown_moved_and_forgotten(with_c: Client) -> None:
    shown = '{"offsets":[{"partition":{"filename":"/x"},"offset":{"position":5}}]}'
    assert with_c.get("/connectors/c/offsets").text == shown
    posted = {"offsets": [{"partition": {"kafka_partition": 0}, "offset": None}]}
    assert with_c.patch("/connectors/c/offsets", json=posted).json() == {
        "message": "altered [({'kafka_partition': 0}, None)]"
    }
    assert with_c.delete("/connectors/c/offsets").json()["message"].endswith("have been reset successfully")


@pytest.mark.parametrize("posted", [{}, {"offsets": []}, {"offsets": None}])
def test_no_offsets_to_move_is_400(with_c: Client, posted: Any) -> None:
    text = "Partitions / offsets need to be provided for an alter offsets request"
    assert with_c.patch("/connectors/c/offsets", json=posted).json() == error(400, text)


@pytest.mark.parametrize(
    "posted", [[], {"offsets": {}} | {"x": 1}, {"offsets": [1]}, {"offsets": [{"partition": "x"}]}]
)
def test_offsets_of_another_shape_are_500_as_in_kafka(with_c: Client, posted: Any) -> None:
    assert with_c.patch("/connectors/c/offsets", json=posted).status_code == 500


def test_plugins_are_listed(client: Client) -> None:
    connectors = client.get("/connector-plugins/").json()
    classes = {plugin["class"]: plugin["type"] for plugin in connectors}
    assert classes["org.apache.kafka.connect.file.FileStreamSourceConnector"] == "source"
    assert classes["org.apache.kafka.connect.file.FileStreamSinkConnector"] == "sink"
    assert set(classes.values()) == {"sink", "source"}
    assert all(list(plugin) == ["class", "type", "version"] for plugin in connectors)
    everything = client.get("/connector-plugins?connectorsOnly=False").json()
    assert {"converter", "header_converter"} < {plugin["type"] for plugin in everything}


@pytest.mark.parametrize(
    "name", ["FileStreamSource", "JsonConverter", "org.apache.kafka.connect.storage.StringConverter"]
)
def test_the_keys_of_any_plugin_are_shown(client: Client, name: str) -> None:
    keys = client.get(f"/connector-plugins/{name}/config").json()
    assert keys
    fields = "name type required default_value importance documentation group width display_name dependents"
    assert all(list(key) == [*fields.split(), "order"] for key in keys)


def test_a_plugins_own_keys_come_first(client: Client) -> None:
    keys = [key["name"] for key in client.get("/connector-plugins/FileStreamSource/config").json()]
    assert keys[:3] == ["file", "topic", "batch.size"]
    assert "connector.class" in keys


@pytest.mark.parametrize(
    "name", ["FileStreamSource", "FileStreamSourceConnector", "org.apache.kafka.connect.file.FileStreamSourceConnector"]
)
def test_validate_takes_every_name_of_a_plugin(client: Client, name: str) -> None:
    answer = client.put(f"/connector-plugins/{name}/config/validate/", json={"connector.class": "FileStreamSource"})
    assert answer.status_code == 200
    assert answer.json()["error_count"] == 2


def test_validate_wants_the_class_it_was_asked_for(client: Client) -> None:
    answer = client.put(
        "/connector-plugins/FileStreamSink/config/validate", json={"connector.class": "FileStreamSource"}
    )
    text = "Included connector type FileStreamSource does not match request type FileStreamSink"
    assert answer.json() == error(400, text)
    assert client.put("/connector-plugins/FileStreamSink/config/validate", json={}).status_code == 400


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b'{"a":NaN}', "application/json", 400),
        (b'{"a":"\\ud800"}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'"' + b"x" * (5 << 20) + b'"', "application/json", 413),
        (b"{}", "text/plain", 415),
        (b"{}", "application/x-www-form-urlencoded", 415),
    ],
)
def test_a_body_that_is_no_json_is_refused(client: Client, content: bytes, kind: str, status: int) -> None:
    answer = client.post("/connectors", content=content, headers={"content-type": kind})
    assert answer.status_code == answer.json()["error_code"] == status


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=UTF-8", "application/vnd.kafka.v2+json", None]
)
def test_json_may_be_called_what_it_likes(client: Client, kind: str | None) -> None:
    headers = {"content-type": kind} if kind else {}
    content = json.dumps({"name": "c", "config": SOURCE})
    assert client.post("/connectors", content=content, headers=headers).status_code == 201


@pytest.mark.parametrize("host", ["127.0.0.1:8083", "localhost:8083", "[::1]:8083", "LOCALHOST", "localhost"])
def test_a_local_worker_answers_to_its_own_names(client: Client, host: str) -> None:
    assert client.get("/connectors", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"host": "evil.test:8083"}, {"origin": "https://evil.test"}, {"origin": "null"}, {"host": "127.0.0.1.evil.test"}],
)
def test_a_local_worker_turns_other_sites_away(client: Client, headers: dict[str, str]) -> None:
    assert client.post("/connectors/c/restart", headers=headers).status_code == 403


def test_a_worker_that_others_may_reach_answers_to_any_name() -> None:
    client, _ = served(listeners="http://:8083")
    assert client.get("/connectors", headers={"host": "connect.internal"}).status_code == 200


PUBLIC = {"listeners": "http://:8083"}
OWN_PAGE = {"host": "connect.internal:8083", "origin": "http://connect.internal:8083"}


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.test"},
        {"origin": "null"},
        {"origin": "http://connect.internal:9000"},
        {"origin": "http://connect.internal"},
        {"origin": "http://[connect.internal:8083"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.test", "sec-fetch-site": "same-origin"},
    ],
)
@pytest.mark.parametrize("listeners", ["http://:8083", "http://127.0.0.1:8083,http://10.1.2.3:8083"])
def test_no_listener_takes_requests_from_pages_of_other_sites(listeners: str, headers: dict[str, str]) -> None:
    client, herder = served(listeners=listeners)
    content = json.dumps({"name": "c", "config": SOURCE})
    given = {"host": "connect.internal:8083", **headers}
    assert client.post("/connectors", content=content, headers=given).status_code == 403
    assert client.get("/connectors", headers=given).status_code == 403
    assert herder.configs == {}


@pytest.mark.parametrize(
    "headers",
    [
        OWN_PAGE,
        {"host": "Connect.internal", "origin": "https://connect.internal"},
        {"host": "connect.internal:443", "origin": "https://connect.internal"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin"},
        {**OWN_PAGE, "sec-fetch-site": "same-origin"},
        {"host": "worker-7:8083", "origin": "https://ui.test", "sec-fetch-site": "cross-site"},
    ],
)
def test_its_own_pages_those_it_is_told_of_and_typed_addresses_may_call(headers: dict[str, str]) -> None:
    client, _ = served(**PUBLIC, access_control_allow_origin="https://ui.test")
    assert client.get("/connectors", headers=headers).status_code == 200


def test_behind_a_proxy_on_this_machine_the_name_of_an_allowed_origin_is_one_of_the_worker() -> None:
    client, _ = served(access_control_allow_origin="https://connect.test")
    page = {"host": "connect.test", "origin": "https://connect.test"}
    assert client.get("/connectors", headers=page).status_code == 200
    assert client.get("/connectors", headers={**page, "origin": "http://connect.test:99"}).status_code == 403
    refusal = client.get("/connectors", headers={"host": "other.test"})
    assert "access.control.allow.origin=http://other.test" in refusal.json()["message"]


def test_pages_of_allowed_origins_may_call() -> None:
    client, _ = served(access_control_allow_origin="https://ui.test", access_control_allow_methods="GET,PUT")
    answer = client.get("/connectors", headers={"origin": "https://ui.test"})
    assert answer.headers["access-control-allow-origin"] == "https://ui.test"
    ask = {"origin": "https://ui.test", "access-control-request-method": "PUT"}
    assert "PUT" in client.options("/connectors/c/config", headers=ask).headers["access-control-allow-methods"]


def test_configured_headers_are_on_every_answer() -> None:
    rules = 'set X-Frame-Options: DENY, "add Cache-Control: no-cache, no-store", setDate Expires: 0'
    worker = settings.parse(SETTINGS | {"response.http.headers.config": rules})
    client = Client(app.app(Memory(worker), worker))
    for answer in (client.get("/"), client.get("/nowhere")):
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-cache, no-store"
        assert answer.headers["expires"].endswith("GMT")


def test_configured_headers_do_not_change_what_an_answer_says_itself() -> None:
    rules = "set Content-Type: text/html, add content-TYPE: text/plain, set Location: /x, set Allow: PUT"
    worker = settings.parse(SETTINGS | {"response.http.headers.config": f"{rules}, add X: 1, set X: 2"})
    client = Client(app.app(Memory(worker), worker))
    answer = client.get("/")
    assert answer.headers.get_list("content-type") == ["application/json"]
    assert answer.headers.get_list("location") == ["/x"]
    assert answer.headers.get_list("x") == ["2"]
    made = client.post("/connectors", json={"name": "c", "config": SOURCE})
    assert made.headers.get_list("location") == ["http://127.0.0.1:8083/connectors/c"]
    assert client.patch("/connectors").headers.get_list("allow") == ["GET, POST, HEAD, OPTIONS"]


def test_an_unexpected_error_is_500_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    redaction.protect("canary-rest-3")
    client, herder = served()

    async def broken() -> Sequence[str]:
        raise ValueError("no login with canary-rest-3")

    monkeypatch.setattr(herder, "connectors", broken)
    assert client.get("/connectors").json() == error(500, "no login with [hidden]")


def test_options_and_head_are_answered(with_c: Client) -> None:
    assert with_c.options("/connectors").headers["allow"] == "GET, POST, HEAD, OPTIONS"
    assert with_c.head("/connectors").status_code == 200
    assert with_c.patch("/connectors").headers["allow"] == "GET, POST, HEAD, OPTIONS"


@pytest.fixture
def logger_name() -> Iterator[str]:
    name = "ferryman.tests.levels"
    yield name
    logging.getLogger(name).setLevel(logging.NOTSET)


def test_log_levels_are_set_here_and_in_the_tasks(logger_name: str) -> None:
    client, herder = served()
    logging.getLogger(f"{logger_name}.child")
    answer = client.put(f"/admin/loggers/{logger_name}", json={"level": "debug"})
    assert (answer.status_code, answer.json()) == (200, [logger_name, f"{logger_name}.child"])
    assert logging.getLogger(logger_name).level == logging.DEBUG
    assert herder.levels == {logger_name: "DEBUG"}
    found = client.get("/admin/loggers/").json()
    assert found["root"]["last_modified"] is None
    assert list(found) == sorted(found)
    changed = found[logger_name]
    assert (changed["level"], type(changed["last_modified"])) == ("DEBUG", int)
    client.put(f"/admin/loggers/{logger_name}", json={"level": "DEBUG"})
    assert client.get(f"/admin/loggers/{logger_name}").json() == changed


def test_a_logger_may_be_called_as_in_kafka_connect() -> None:
    client, herder = served()
    path, ours = "/admin/loggers/org.apache.kafka.connect.runtime.isolation", logging.getLogger("ferryman.plugins")
    assert client.get(path).json()["last_modified"] is None
    try:
        answer = client.put(f"{path}?scope=worker", json={"level": "TRACE"})
        assert {"ferryman.plugins", path.rpartition("/")[2]} <= set(answer.json())
        assert ours.getEffectiveLevel() == 5
        assert herder.levels == {path.rpartition("/")[2]: "TRACE"}
        assert (
            client.get(path).json()["level"] == client.get("/admin/loggers/ferryman.plugins").json()["level"] == "TRACE"
        )
    finally:
        for name in answer.json():
            logging.getLogger(name).setLevel(logging.NOTSET)


def test_the_root_logger_may_be_written_in_any_case() -> None:
    client, herder = served()
    before = logging.root.level
    try:
        answer = client.put("/admin/loggers/ROOT", json={"level": "info"})
        assert "root" in answer.json()
        assert herder.levels == {"root": "INFO"}
        assert client.get("/admin/loggers/Root").json() == client.get("/admin/loggers/root").json()
    finally:
        for name in answer.json():
            logging.getLogger(None if name == "root" else name).setLevel(logging.NOTSET)
        logging.root.setLevel(before)


def test_the_level_of_one_connector_is_set_by_a_name_of_its_own() -> None:
    client, herder = served()
    path = "/admin/loggers/connector.a%20b"
    assert client.get(path).json() == {"error_code": 404, "message": "Logger connector.a b not found."}
    before = set(logging.root.manager.loggerDict)
    answer = client.put(path, json={"level": "debug"})
    assert (answer.status_code, answer.json()) == (200, ["connector.a b"])
    assert herder.levels == {"connector.a b": "DEBUG"}
    found = client.get(path).json()
    assert (found["level"], type(found["last_modified"])) == ("DEBUG", int)
    shown = client.get("/admin/loggers").json()
    assert shown["connector.a b"] == found
    assert list(shown) == sorted(shown)
    assert client.put(path, json={"level": "loud"}).status_code == 404
    assert client.put(f"/admin/loggers/connector.{'x' * 1000}", json={"level": "debug"}).status_code == 400
    assert set(logging.root.manager.loggerDict) == before


def test_a_level_may_be_set_on_the_whole_cluster(logger_name: str) -> None:
    client, herder = served()
    answer = client.put(f"/admin/loggers/{logger_name}?scope=CLUSTER", json={"level": "warn"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert herder.levels == {logger_name: "WARN everywhere"}
    answer = client.put(f"/admin/loggers/{logger_name}?scope=galaxy", json={"level": "warn"})
    assert (answer.status_code, herder.levels) == (200, {logger_name: "WARN"})


def test_wrong_log_levels_are_refused(client: Client, logger_name: str) -> None:
    path = f"/admin/loggers/{logger_name}"
    assert client.put(path, json={"level": "LOUD"}).json() == error(404, "invalid log level 'LOUD'.")
    missing = "Desired 'level' parameter was not specified in request."
    assert client.put(path, json={}).json() == error(400, missing)
    assert client.put(f"{path}?scope=cluster", json={"level": "TRACE"}).status_code == 204


def test_the_admin_endpoints_can_be_switched_off() -> None:
    client, _ = served(admin_listeners="")
    assert client.get("/admin/loggers").status_code == 404
