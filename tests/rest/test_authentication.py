"""Who may use the REST API, by Kafka's extension and by rest.auth."""

import base64
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest

from ferryman.rest import signatures
from ferryman.telemetry import redaction
from ferryman.worker.herder import Session
from tests.rest.listening import listening
from tests.rest.served import SOURCE, Client, error, served

EXTENSION = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension"
REFUSED = "User cannot access the resource."


def basic(user: str, password: str, scheme: str = "Basic") -> dict[str, str]:
    return {"Authorization": f"{scheme} {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


ALICE = basic("alice", "wonder:land")


@pytest.fixture
def users(tmp_path: Path) -> Path:
    file = tmp_path / "users.properties"
    file.write_text("alice=wonder:land\nbob=b\\u00fcilder\n")
    return file


@pytest.fixture
def extended(tmp_path: Path, users: Path) -> Client:
    """A worker with Kafka's extension."""
    login = tmp_path / "jaas.conf"
    module = "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule"
    login.write_text(f'KafkaConnect {{\n  {module} required\n  file="{users}";\n}};\n')
    return served(rest_extension_classes=EXTENSION, java_security_auth_login_config=str(login))[0]


@pytest.mark.parametrize("headers", [ALICE, basic("alice", "wonder:land", "bASIC"), basic("bob", "büilder")])
def test_whoever_the_file_names_may_come_in(extended: Client, headers: dict[str, str]) -> None:
    assert extended.get("/connectors", headers=headers).json() == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("alice", "wonder"),
        basic("alice", ""),
        basic("mallory", "wonder:land"),
        basic("", ""),
        {"Authorization": "Basic"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic /w=="},
        {"Authorization": "Bearer wonder:land"},
        {"Authorization": ALICE["Authorization"].removeprefix("Basic ")},
    ],
)
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/health"), ("PUT", "/connectors/c/pause"), ("OPTIONS", "/")]
)
def test_whoever_has_no_right_password_is_answered_401(
    extended: Client, headers: dict[str, str], method: str, path: str
) -> None:
    answer = extended.request(method, path, headers=headers)
    assert (answer.status_code, answer.text) == (401, REFUSED)
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert answer.headers["content-type"] == "application/json"


def test_what_is_not_there_is_said_to_everybody_as_in_kafka(extended: Client) -> None:
    assert extended.get("/nowhere").status_code == 404
    assert extended.get("/connectors/c/fence").status_code == 405


@pytest.mark.parametrize(
    ("method", "path", "content"), [("POST", "/connectors/c/tasks", "[]"), ("PUT", "/connectors/c/fence", "")]
)
def test_what_workers_say_to_each_other_needs_no_password(
    extended: Client, method: str, path: str, content: str
) -> None:
    assert extended.request(method, path, content=content).status_code == 404  # of the herder, which has no c


def test_the_file_is_read_again_when_it_changes(
    extended: Client, users: Path, caplog: pytest.LogCaptureFixture
) -> None:
    users.write_text("alice=changed-canary\n")
    assert extended.get("/connectors", headers=ALICE).status_code == 401
    assert extended.get("/connectors", headers=basic("alice", "changed-canary")).status_code == 200
    assert redaction.redact("changed-canary") == "[hidden]"
    with caplog.at_level(logging.WARNING):
        users.unlink()
        assert extended.get("/connectors", headers=basic("alice", "changed-canary")).status_code == 200
    assert "cannot be read: No such file" in caplog.text
    assert "canary" not in caplog.text


@pytest.fixture
def guarded(users: Path) -> Client:
    """A worker with rest.auth."""
    return served(rest_auth=f"basic:carol:s3cret,token:canary-token,file:{users}")[0]


@pytest.mark.parametrize(
    "headers",
    [
        basic("carol", "s3cret"),
        {"Authorization": "Bearer canary-token"},
        {"Authorization": "bearer canary-token"},
        ALICE,
    ],
)
@pytest.mark.parametrize("path", ["/connectors", "/health", "/admin/loggers"])
def test_whoever_rest_auth_names_may_come_in(guarded: Client, headers: dict[str, str], path: str) -> None:
    assert guarded.get(path, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("carol", "s3cre"),
        basic("carol", "canary-token"),
        {"Authorization": "Bearer canary-toke"},
        {"Authorization": "Bearer "},
    ],
)
@pytest.mark.parametrize("path", ["/connectors", "/health", "/admin/loggers", "/nowhere", "/openapi.json"])
def test_nobody_else_may_whatever_they_ask(guarded: Client, headers: dict[str, str], path: str) -> None:
    answer = guarded.get(path, headers=headers)
    assert (answer.status_code, answer.json()) == (401, error(401, REFUSED))
    assert answer.headers["www-authenticate"].startswith("Basic ")


def test_requests_of_other_workers_come_in_without_a_password_if_they_are_signed(users: Path) -> None:
    client, herder = served(rest_auth=f"file:{users}")
    assert client.put("/connectors/c/fence").status_code == 401
    assert client.put("/connectors/c/fence", headers=ALICE).status_code == 404
    herder.signed_by = Session(b"k" * 32, ["HmacSHA256"])
    assert client.put("/connectors/c/fence").json() == error(400, "Internal request missing required signature")
    signed = signatures.sign(b"k" * 32, b"", "HmacSHA256")
    assert client.put("/connectors/c/fence", headers=signed).status_code == 404


def test_a_worker_that_takes_tokens_only_asks_for_one() -> None:
    client, _ = served(rest_auth="token:canary-token")
    assert client.get("/").headers["www-authenticate"].startswith("Bearer ")
    assert client.get("/", headers=basic("", "canary-token")).status_code == 401


def test_probes_may_look_at_the_health_without_a_password_where_the_settings_say_so() -> None:
    client, _ = served(rest_auth="token:canary-token", rest_auth_health="false")
    assert client.get("/health").status_code == 200
    assert client.get("/").status_code == 401


def test_pages_of_allowed_origins_may_ask_what_they_may_without_a_password() -> None:
    client, _ = served(rest_auth="token:canary-token", access_control_allow_origin="https://ui.example")
    asked = {
        "Origin": "https://ui.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    assert client.options("/connectors", headers=asked).status_code == 200
    answer = client.get("/connectors", headers={"Origin": "https://ui.example"})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, "https://ui.example")


def test_a_body_is_not_read_before_its_sender_is_known(guarded: Client) -> None:
    answer = guarded.post("/connectors", json={"name": "c", "config": SOURCE})
    assert answer.status_code == 401
    assert guarded.get("/connectors", headers=ALICE).json() == []


def test_admin_listeners_are_guarded_by_rest_auth_but_not_by_the_extension(tmp_path: Path, users: Path) -> None:
    def statuses(given: dict[str, Any]) -> list[int]:
        with listening({"admin.listeners": "http://127.0.0.1:0"} | given) as ((main, admin), _):
            return [httpx.get(main.url).status_code, httpx.get(admin.url + "/admin/loggers").status_code]

    login = tmp_path / "jaas.conf"
    module = "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule"
    login.write_text(f'KafkaConnect {{ {module} required file="{users}"; }};')
    assert statuses({"rest.extension.classes": EXTENSION, "java.security.auth.login.config": str(login)}) == [401, 200]
    assert statuses({"rest.auth": f"file:{users}"}) == [401, 401]
