"""`ferryman migrate check`, against a server that answers as Kafka Connect does. The real one is asked in
tests/worker/distributed/test_takeover.py."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ferryman.commands import main
from ferryman.migration import old_cluster

ROOT = {"version": "3.9.1", "commit": "f745dfdcee2b9851", "kafka_cluster_id": "I4ZmrWqfT2e-upky_4fdPA"}
FINE = {
    "connector.class": "FileStreamSink",
    "tasks.max": "1",
    "topics": "orders",
    "file": "/tmp/orders",
    "name": "fine",
}


def answers(*configs: Mapping[str, Any]) -> dict[str, Any]:
    """What Kafka Connect says at each path; names are those in the configs."""
    named = {each["name"]: each for each in configs}
    infos = {
        name: {"info": {"name": name, "config": each, "tasks": [], "type": "sink"}} for name, each in named.items()
    }
    return {"/": ROOT, "/connectors?expand=info": infos}


@contextmanager
def old(said: Mapping[str, Any], user: str | None = None, rebalances: int = 0) -> Iterator[str]:
    """Its URL. Everything but GET, and every other path, is an error; so are the first requests of a group that
    ``rebalances``."""
    stale = "Cannot complete request momentarily due to stale configuration"
    busy = [{"error_code": 409, "message": stale}] * rebalances

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code, body = (200, said[self.path]) if self.path in said else (404, {"error_code": 404})
            if busy:
                code, body = 409, busy.pop()
            if user is not None and self.headers["Authorization"] != user:
                code, body = 401, "User cannot access the resource."
            content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def check(*words: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(main, ["migrate", "check", *words])


def keys(result: Result, name: str) -> dict[str, Any]:
    """The verdicts on the keys of one connector."""
    (found,) = (each for each in json.loads(result.stdout)["connectors"] if each["name"] == name)
    return {key: about["verdict"] for key, about in found["keys"].items()}


def test_connectors_that_run_are_no_reason_to_fail() -> None:
    with old(answers(FINE, {**FINE, "name": "odd", "fiel": "x"})) as url:
        result = check(url)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert "fine (FileStreamSink): runs" in lines
    assert "odd (FileStreamSink): warns" in lines
    assert "  warns    fiel is not a setting of FileStreamSink and has no effect; did you mean file?" in lines
    assert lines.count("  runs     connector.class, file, name, tasks.max, topics") == 2
    assert lines[-1] == "2 connectors of Kafka Connect 3.9.1: 1 run as they are, 1 run with warnings"


@pytest.mark.parametrize(
    ("change", "key", "why"),
    [
        ({"connector.class": "org.apache.kafka.connect.mirror.MirrorSourceConnector"}, "connector.class", "Failed to"),
        ({"connector.class": None}, "connector.class", "contains no connector type"),
        ({"topics": ""}, "topics", "topics"),
        ({"transforms": "a", "transforms.a.type": "com.example.Mine"}, "transforms.a.type", "com.example.Mine"),
        ({"tasks.max": 0}, "tasks.max", "0"),
    ],
)
def test_what_is_refused_is_named_with_its_key(change: dict[str, Any], key: str, why: str) -> None:
    with old(answers({**FINE, **change})) as url:
        result, told = check(url, "--json"), check(url)
    assert result.exit_code == told.exit_code == 1
    assert keys(result, "fine")[key] == "refused"
    lines = [line for line in told.stdout.splitlines() if line.startswith("  refused")]
    assert any(why in line for line in lines)
    assert told.stdout.splitlines()[-1].endswith(": 1 refused")


def test_keys_of_one_connector_have_verdicts_of_their_own() -> None:
    with old(answers({**FINE, "tasks.max": "many", "fiel": "x"})) as url:
        result = check(url, "--json")
    expected = {"connector.class": "runs", "file": "runs", "name": "runs", "topics": "runs"}
    assert keys(result, "fine") == {**expected, "tasks.max": "refused", "fiel": "warns"}


def test_the_workers_file_counts_and_is_checked_itself(tmp_path: Path) -> None:
    worker = tmp_path / "worker.properties"
    converter = "org.apache.kafka.connect.json.JsonConverter"
    lines = [f"key.converter={converter}", f"value.converter={converter}", "plugin.path=/usr/share/java"]
    lines += ["connector.client.config.override.policy=None", "bootstrap.servers=127.0.0.1:1"]
    worker.write_text("\n".join(lines))
    with old(answers({**FINE, "consumer.override.max.poll.records": "7"})) as url:
        assert check(url).exit_code == 0
        result, told = check(url, "--worker", str(worker), "--json"), check(url, "--worker", str(worker))
    assert result.exit_code == 1
    assert keys(result, "fine")["consumer.override.max.poll.records"] == "refused"
    found = json.loads(result.stdout)["worker"]
    assert (found["verdict"], found["keys"]["plugin.path"]["verdict"]) == ("warns", "warns")
    assert found["keys"]["bootstrap.servers"]["verdict"] == "runs"
    assert "  warns    plugin.path has no effect: plugins are Python packages" in told.stdout


def test_a_workers_file_that_is_refused_is_a_reason_to_fail(tmp_path: Path) -> None:
    worker = tmp_path / "worker.properties"
    worker.write_text("config.storage.topic=configs\nkey.converter=Nothing\n")
    with old(answers(FINE)) as url:
        result = check(url, "--worker", str(worker), "--json")
        missing = check(url, "--worker", str(tmp_path / "none.properties"))
    assert result.exit_code == missing.exit_code == 1
    found = json.loads(result.stdout)["worker"]["keys"]
    assert {key for key, about in found.items() if about["verdict"] == "refused"} >= {"group.id", "key.converter"}
    assert "none.properties cannot be read: No such file" in missing.stdout


def test_a_cluster_before_expand_is_asked_for_each_connector() -> None:
    name = "a/b c"
    said = {"/": ROOT, "/connectors?expand=info": [name], "/connectors/a%2Fb%20c/config": {**FINE, "name": name}}
    with old(said) as url:
        result = check(url)
    assert result.exit_code == 0
    assert "a/b c (FileStreamSink): runs" in result.stdout


def test_a_cluster_that_rebalances_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(old_cluster, "_AGAIN", 0.0)
    with old(answers(FINE), rebalances=3) as url:
        assert check(url).exit_code == 0


def test_an_empty_cluster_has_nothing_to_move() -> None:
    with old(answers()) as url:
        result = check(url + "/")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "0 connectors of Kafka Connect 3.9.1: nothing to move"


def test_secrets_are_not_printed_and_names_move_no_cursor() -> None:
    config = {
        "connector.class": "JdbcSinkConnector",
        "topics": "orders",
        "connection.url": "jdbc:unknown://host/db?password=planted-secret-1",
        "connection.password": "planted-secret-2",
        "insert.mode": "planted-secret-2",
        "name": "red\x1b[31m\x07",
    }
    with old(answers(config)) as url:
        result, told = check(url, "--json"), check(url)
    assert result.exit_code == 1
    assert "planted-secret" not in result.output + told.output
    assert not {"\x1b", "\x07"} & {*told.output}  # click itself takes the colours out


def test_a_cluster_with_passwords_is_asked_with_one() -> None:
    with old(answers(FINE), user="Basic b2xkOmEgcGFzcw==") as url:
        assert check(url, "--user", "old", FERRYMAN_MIGRATE_PASSWORD="a pass").exit_code == 0
        refused = check(url)
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert "requires a user and a password" in refused.stderr
        assert check(url, "--user", "old").exit_code == 2
        inside = check(url.replace("//", "//old:a-pass@"))
    assert inside.exit_code == 2
    assert "a-pass" not in inside.output


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, "GET /: 404"),
        ({"/": []}, "is not a Kafka Connect worker"),
        ({"/": "<html>"}, "not JSON"),
        ({"/": ROOT, "/connectors?expand=info": 7}, "neither a list nor an object"),
        ({"/": ROOT, "/connectors?expand=info": {"a": {}}}, "the config of connector a is not an object"),
    ],
)
def test_what_is_no_kafka_connect_is_said_to_be_none(said: dict[str, Any], why: str) -> None:
    with old(said) as url:
        result = check(url)
    assert (result.exit_code, result.stdout) == (2, "")
    assert why in result.stderr


@pytest.mark.parametrize("address", ["old:8083", "ftp://old", "http://", "http://[", "http://127.0.0.1:1"])
def test_an_address_that_leads_nowhere_is_named(address: str) -> None:
    result = check(address)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "URL" in result.stderr or address in result.stderr


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999", "http://127.0.0.1:port"])
def test_an_address_with_a_port_that_is_none_is_refused_in_one_line(url: str) -> None:
    result = check(url)
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)
    assert url in result.stderr


def test_certificates_that_are_none_are_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("these are none")
    result = check("https://127.0.0.1:1", "--ca", str(file))
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)
    assert f"the certificates in {file} cannot be read" in result.stderr
