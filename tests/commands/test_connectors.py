"""`ferryman connectors` and `ferryman contexts`, against a worker that runs, and what is no worker."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result

from ferryman.client import terminal
from ferryman.client import worker as asked
from ferryman.commands import main
from ferryman.stack.runtime.ports import free_port
from tests.cli_calls import Place
from tests.reliability.flows import file_sink
from tests.running import Worker, create_topic, produce, until


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Contexts of other people are none of ours."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("FERRYMAN_URL", "FERRYMAN_CONTEXT", "FERRYMAN_PASSWORD", "FERRYMAN_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "config"


def run(*words: str, **given: Any) -> Result:
    return CliRunner().invoke(main, list(words), **given)


def verb(worker: Worker, *words: str, **given: Any) -> Result:
    return run("connectors", *words, "--url", worker.url, **given)


def done(result: Result) -> str:
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return result.stdout


def alone(worker: Worker, *words: str) -> str:
    """What the command prints in a process of its own, where no other test has had anything hidden."""
    return Place().call("connectors", *words, "--url", worker.url).well().said


@contextmanager
def answering(*answers: tuple[int, Any]) -> Iterator[tuple[str, list[str]]]:
    """A server that gives one answer after the other, the last one for ever; its URL, and what was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = answers[min(len(asked), len(answers) - 1)]
            asked.append(f"{self.command} {self.path} {self.headers.get('Authorization')}")
            content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def test_a_connector_is_created_watched_over_and_deleted(
    running: Worker, tmp_path: Path, kafka: str, unique: str
) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, [b"1", b"2"])
    file = tmp_path / "sink.json"
    file.write_text(json.dumps(file_sink(unique, tmp_path / "out.txt") | {"database.password": "canary-verbs-1"}))
    name = json.loads(file.read_text())["name"]
    assert done(verb(running, "create", str(file), "--check")) == f"{name} is fine\n"
    assert done(verb(running, "create", str(file))) == f"{name} is created\n"
    running.running(name)
    (listed,) = (line for line in done(verb(running, "list")).splitlines() if line.startswith(f"{name} "))
    assert listed.split() == [name, "sink", "RUNNING", "1", "running", running.id]
    again = verb(running, "create", str(file))
    assert (again.exit_code, again.stderr) == (1, f"{file}: Connector {name} already exists\n")
    assert done(verb(running, "create", str(file), "--replace")) == f"{name} has a new config\n"

    offsets = until(lambda: json.loads(done(verb(running, "offsets", name, "--json")))["offsets"])
    until(lambda: "2" in done(verb(running, "offsets", name)).split(), what="the commit")
    assert offsets[0]["partition"] == {"kafka_partition": 0, "kafka_topic": unique}
    refused = verb(running, "offsets", name, "--set", f"{unique}:0=1")
    assert refused.exit_code == 1
    assert f"(ferryman connectors stop {name})" in refused.stderr
    assert done(verb(running, "stop", name)) == f"{name} is to stop\n"
    assert "altered successfully" in done(verb(running, "offsets", name, "--set", f"{unique}:0=1"))
    assert done(verb(running, "offsets", name)).splitlines()[1].split() == [unique, "0", "1"]
    assert "have been reset" in done(verb(running, "offsets", name, "--reset"))
    assert "no offsets yet" in done(verb(running, "offsets", name))

    assert done(verb(running, "resume", name)) == f"{name} is to run\n"
    running.running(name)
    assert done(verb(running, "restart", name, "--task", "0")) == f"{name}: task 0 is restarted\n"
    assert done(verb(running, "restart", name, "--failed")) == f"{name} is restarted\n"
    assert done(verb(running, "pause", name)) == f"{name} is to pause\n"
    until(lambda: set(running.states(name)) == {"PAUSED"})
    assert "PAUSED" in done(verb(running, "show", name))
    assert done(verb(running, "delete", name, "--yes")) == f"{name} is deleted\n"
    assert name not in done(verb(running, "list", "--json"))


def test_what_fails_is_shown_with_its_reason_and_without_secrets(running: Worker, tmp_path: Path, unique: str) -> None:
    config = {
        "name": unique,
        "connector.class": "FileStreamSink",
        "topics": f"{unique}-topic",
        "file": str(tmp_path),
        "database.password": "canary-verbs-2",
        "connection.url": "postgresql://me:canary-verbs-3@127.0.0.1/db",
        "short.secret": "abc",
        "errors.deadletterqueue.topic.name": f"{unique}-dlq",
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.tolerance": "all",
        "ferryman.auto.restart.enable": "false",
    }
    running.call("POST", "/connectors", {"name": unique, "config": config}, expect=201)
    running.trace(unique)
    shown, whole, as_json = (alone(running, "show", unique, *more) for more in ((), ("--trace",), ("--json",)))
    assert "task 0 has failed (the whole trace: --trace):" in shown
    assert str(tmp_path) in shown
    assert len(whole.splitlines()) > len(shown.splitlines())
    assert f"{unique}-dlq" in shown
    told = json.loads(as_json)["config"]
    assert (told["database.password"], told["short.secret"]) == ("[hidden]", "[hidden]")
    assert told["connection.url"] == "postgresql://me:[hidden]@127.0.0.1/db"
    assert "canary" not in shown + whole + as_json


def test_the_last_lines_of_the_log_are_those_of_the_task_that_fails(
    running: Worker, tmp_path: Path, unique: str
) -> None:
    config = {"name": unique, "connector.class": "FileStreamSink", "topics": f"{unique}-topic", "file": str(tmp_path)}
    secret = {"database.password": str(tmp_path), "ferryman.auto.restart.enable": "false"}
    running.call("POST", "/connectors", {"name": unique, "config": config | secret}, expect=201)
    running.trace(unique)
    lines = [json.loads(line) for line in done(verb(running, "logs", unique, "--json", "--lines", "200")).splitlines()]
    failed = [line for line in lines if line["level"] == "ERROR" and line.get("task") == 0]
    assert any("[hidden]" in line.get("trace", "") for line in failed)
    assert any(line["message"].startswith(f"task {unique}-0 runs as process") for line in lines)
    assert {line["connector"] for line in lines} == {unique}
    assert [line["time"] for line in lines] == sorted(line["time"] for line in lines)
    told = done(verb(running, "logs", unique, "--task", "0", "--lines", "1000"))
    assert " ERROR [task-0] the task has failed" in told
    assert str(tmp_path) not in told
    assert len(done(verb(running, "logs", unique, "--lines", "1", "--json")).splitlines()) == 1
    for words in ((f"{unique}x",), (unique, "--task", "7")):
        missing = verb(running, "logs", *words)
        assert (missing.exit_code, "not found" in missing.stderr or "Unknown" in missing.stderr) == (1, True)


def test_a_config_is_changed_key_by_key_or_in_an_editor(
    running: Worker, tmp_path: Path, kafka: str, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_topic(kafka, unique)
    config = file_sink(unique, tmp_path / "out.txt")
    name = config["name"]
    running.create({**config, "old.key": "x"})
    assert done(verb(running, "edit", name, "tasks.max=1", "new.key=a=b", "old.key-")) == f"{name} has a new config\n"
    stands = running.call("GET", f"/connectors/{name}/config")
    assert (stands["new.key"], "old.key" in stands) == ("a=b", False)
    bad = verb(running, "edit", name, "tasks.max")
    assert (bad.exit_code, "neither KEY=VALUE nor KEY-" in bad.stderr) == (2, True)
    refused = verb(running, "edit", name, "tasks.max=many")
    assert (refused.exit_code, "tasks.max" in refused.stderr) == (1, True)

    def edits(script: str) -> None:
        editor = tmp_path / "editor"
        editor.write_text(f"#!/bin/sh\n{script}\n")
        editor.chmod(0o755)
        monkeypatch.setenv("VISUAL", str(editor))

    edits("touch -d '+1 minute' $1")
    assert done(verb(running, "edit", name)) == "Nothing is changed.\n"
    edits("sed -i s/a=b/c=d/ $1; touch -d '+1 minute' $1")
    assert done(verb(running, "edit", name)) == f"{name} has a new config\n"
    assert running.call("GET", f"/connectors/{name}/config")["new.key"] == "c=d"
    edits("echo '{' > $1; touch -d '+1 minute' $1")
    gave_up = verb(running, "edit", name, input="n\n")
    assert (gave_up.exit_code, "this is not JSON" in gave_up.stderr) == (1, True)
    assert running.call("GET", f"/connectors/{name}/config")["new.key"] == "c=d"


def test_one_refusal_keeps_no_other_connector_from_what_is_asked(running: Worker, tmp_path: Path, unique: str) -> None:
    for number in (1, 2):
        running.create(file_sink(unique, tmp_path / f"{number}.txt") | {"name": f"{unique}-{number}", "topics": unique})
    result = verb(running, "stop", f"{unique}-1", f"{unique}-x", f"{unique}-2")
    assert (result.exit_code, result.stdout) == (1, f"{unique}-1 is to stop\n{unique}-2 is to stop\n")
    assert result.stderr.startswith(f"{unique}-x: Unknown connector {unique}-x; did you mean {unique}-")
    assert [running.states(f"{unique}-{number}")[0] for number in (1, 2)] == ["STOPPED", "STOPPED"]


def test_files_that_are_no_connectors_create_nothing(running: Worker, tmp_path: Path, unique: str) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(file_sink(unique, tmp_path / "out.txt")))
    bad.write_text("{")
    for content in ("{", '{"connector.class": "FileStreamSink"}', '{"name": "a", "x": {"y": 1}}'):
        bad.write_text(content)
        result = verb(running, "create", str(good), str(bad))
        assert (result.exit_code, str(bad) in result.stderr) == (2, True), result.output
    assert json.loads(done(verb(running, "list", "--json"))) == []
    bad.write_text(json.dumps(file_sink(unique, tmp_path / "out.txt") | {"tasks.max": "many", "errors.tolerance": "x"}))
    refused = verb(running, "create", str(bad), "--check")
    assert refused.exit_code == 1
    assert {"tasks.max:", "errors.tolerance:"} <= {line.split()[0] for line in refused.stderr.splitlines()[1:]}


def test_names_complete_to_connectors_that_there_are(running: Worker, tmp_path: Path, unique: str) -> None:
    running.create(file_sink(unique, tmp_path / "out.txt") | {"name": f"{unique}-alone", "topics": unique})
    completed = ShellComplete(main, {}, "ferryman", "_FERRYMAN_COMPLETE")
    words = ["connectors", "show", "--url", running.url]
    assert [each.value for each in completed.get_completions(words, unique[:3])] == [f"{unique}-alone"]
    away = ["connectors", "show", "--url", "http://127.0.0.1:1"]
    assert completed.get_completions(away, "") == []


def test_a_group_that_rebalances_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked, "_AGAIN", 0.0)
    busy = {
        "error_code": 409,
        "message": "Cannot complete request because of a conflicting operation (e.g. worker rebalance)",
    }
    with answering((409, busy), (409, busy), (202, "")) as (url, said):
        assert done(run("connectors", "pause", "a/b", "--url", url)) == "a/b is to pause\n"
    assert said == ["PUT /connectors/a%2Fb/pause None"] * 3


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (200, "<html>", "is not a Kafka Connect worker: its answer is not JSON"),
        (200, "[" * 100_000, "is not a Kafka Connect worker: its answer is not JSON"),
        (502, "Bad\x1b[2J Gateway", "502 Bad Gateway Bad [2J Gateway"),
        (401, "", "requires a login, or did not accept it"),
        (409, {"message": "no"}, "no"),
        (500, {"message": "\x1b[31mred"}, " [31mred"),
    ],
)
def test_whatever_answers_is_told_on_a_line(status: int, body: Any, text: str) -> None:
    with answering((status, body)) as (url, _):
        result = run("connectors", "show", "x", "--url", url)
    assert result.exit_code in (1, 2)
    assert text in result.stderr
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize("body", ["null", "[null]", '{"a": {"status": 5}}'])
@pytest.mark.parametrize(
    "words",
    [
        "connectors list",
        "connectors show a",
        "connectors create --check FILE",
        "connectors offsets a",
        "connectors backfill a",
        "connectors logs a",
        "dlq list a",
        "dlq show a 0-1",
        "dlq replay a --all",
    ],
)
def test_answers_of_another_shape_are_no_kafka_connects(tmp_path: Path, words: str, body: str) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"name": "a", "connector.class": "FileStreamSink"}')
    given = [str(file) if each == "FILE" else each for each in words.split()]
    with answering((200, body)) as (url, _):
        result = run(*given, "--url", url, env={"EDITOR": "true"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 0 or f"{url} is not a Kafka Connect worker" in result.stderr


@pytest.mark.parametrize("words", [["connectors", "backfill", "a"], ["backfill", "worker.properties", "a.json"]])
@pytest.mark.parametrize("bound", ["--from", "--to"])
def test_a_bound_that_is_empty_is_not_taken_for_none(words: list[str], bound: str) -> None:
    result = run(*words, bound, "")
    assert (result.exit_code, f"'{bound}': is empty" in result.stderr) == (2, True), result.output


def test_a_name_near_one_that_is_not_told_is_not_guessed() -> None:
    with answering((404, {"message": "there is no a"}), (200, "<html>")) as (url, _):
        assert run("connectors", "show", "a", "--url", url).stderr == "Error: there is no a\n"


def test_hostile_names_and_traces_move_no_cursor() -> None:
    status = {"name": "a\x1b[2J", "connector": {"state": "[red]X", "worker_id": "w\r"}, "tasks": [], "type": "sink"}
    with answering((200, {"a\x1b[2J": {"status": status}})) as (url, _):
        shown = done(run("connectors", "list", "--url", url))
    assert shown.splitlines()[1].split() == ["a", "[2J", "sink", "[red]X", "none", "w"]


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ({"of": "a", "records_done": 1200, "records_total": 5000, "complete": False}, "24 %, 1,200 of 5,000 records"),
        ({"of": "a", "records_done": 7, "complete": False, "seconds_left": 1200}, "7 records; 20 min 0 s left"),
        ({"records_done": 7, "complete": True}, "7 records; complete"),
    ],
)
def test_how_far_a_run_is_stands_with_it(told: dict[str, Any], text: str) -> None:
    status = {"name": "a", "connector": {"state": "RUNNING", "worker_id": "w"}, "tasks": [], "type": "source"}
    with answering((200, {**status, "run": told}), (200, {})) as (url, _):
        assert text in done(run("connectors", "show", "a", "--url", url))


def test_a_worker_that_changes_configs_only_as_a_whole_gets_the_whole() -> None:
    refused = {"error_code": 405, "message": "HTTP 405 Method Not Allowed"}
    with answering((405, refused), (200, {"file": "f", "old": "1"}), (200, {})) as (url, asked):
        assert done(run("connectors", "edit", "a", "tasks.max=2", "old-", "--url", url)) == "a has a new config\n"
    assert [each.partition(" ")[0] for each in asked] == ["PATCH", "GET", "PUT"]


@pytest.mark.parametrize(("words", "told"), [([], False), (["--failed"], False), (["--without-tasks"], True)])
def test_a_worker_that_knows_nothing_of_restarts_of_tasks_is_not_said_to_have_made_them(
    words: list[str], told: bool
) -> None:
    with answering((204, "")) as (url, _):
        result = run("connectors", "restart", "a", *words, "--url", url)
    assert (result.exit_code == 0) is told
    assert ("a is restarted" in result.output) is told
    assert ("none of its tasks" in result.output) is not told


@pytest.mark.parametrize("status", [403, 404])
def test_where_nobody_notes_topics_the_rest_is_shown(status: int) -> None:
    found = {"name": "a", "connector": {"state": "RUNNING", "worker_id": "w"}, "tasks": [], "type": "source"}
    refused = {"error_code": status, "message": "Topic tracking is disabled."}
    for words, text in (([], "not known"), (["--json"], '"topics": null')):
        with answering((200, found), (200, {"file": "f"}), (status, refused)) as (url, _):
            shown = done(run("connectors", "show", "a", *words, "--url", url))
        assert text in shown
        assert "RUNNING" in shown


def test_what_is_followed_as_json_is_an_object_a_line() -> None:
    made = {"name": "a-backfill", "target": "elsewhere"}
    over = {"name": "a", "connector": {"state": "STOPPED", "worker_id": "w"}, "tasks": [], "run": {"complete": True}}
    with answering((202, made), (200, over)) as (url, _):
        said = done(run("connectors", "backfill", "a", "--watch", "--json", "--url", url))
    assert [json.loads(line) for line in said.splitlines()] == [made, over]


def test_nobody_there_is_said_with_what_to_do() -> None:
    result = run("connectors", "list", "--url", f"http://127.0.0.1:{free_port()}")
    assert result.exit_code == 2
    assert "does not answer" in result.stderr
    assert "--url or --context" in result.stderr
    assert "--url or --context" in result.stderr


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8083", "ftp://x", "http://", "http://a:b@c", "http://c:99999", "http://[::1"]
)
def test_addresses_that_are_none_are_refused(url: str) -> None:
    for words in (("connectors", "list"), ("contexts", "add", "x")):
        result = run(*words, "--url", url)
        assert (result.exit_code, result.stderr.startswith("Error: ")) == (2, True), result.output


def test_the_scheme_of_an_address_is_read_in_any_case(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("this is none")
    result = run("connectors", "list", "--url", "HTTPS://127.0.0.1:1", "--ca", str(file))
    assert (result.exit_code, f"--ca: {file} cannot be read" in result.stderr) == (2, True)


def test_a_context_without_a_name_is_refused() -> None:
    for words in (("add", "", "--url", "http://127.0.0.1:1"), ("use", "")):
        result = run("contexts", *words)
        assert (result.exit_code, "NAME is empty" in result.stderr) == (2, True)


def test_contexts_are_remembered_used_and_forgotten(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "password"
    secret.write_text("canary-verbs-4\n")
    with answering((200, [])) as (url, said):
        first = run("contexts", "add", "prod", "--url", url, "--user", "me", "--password-file", str(secret))
        assert done(first) == f"prod is {url}\n"
        done(run("contexts", "add", "local", "--url", url))
        done(run("connectors", "list", "--json"))
        done(run("connectors", "list", "--json", "--context", "local"))
        monkeypatch.setenv("FERRYMAN_TOKEN", "canary-verbs-5")
        done(run("contexts", "use", "local"))
        done(run("connectors", "list", "--json"))
        done(run("connectors", "list", "--json", "--url", url))
    logins = [each.split(" ", 2)[2] for each in said]
    assert logins == ["Basic bWU6Y2FuYXJ5LXZlcmJzLTQ=", "None", *["Bearer canary-verbs-5"] * 2]
    kept = home / "ferryman" / "contexts.json"
    assert (kept.stat().st_mode & 0o777, "canary" in kept.read_text()) == (0o600, False)
    listed = done(run("contexts", "list"))
    assert [line.split() for line in listed.splitlines()[1:]] == [["*", "local", url], ["prod", url, "me"]]
    done(run("contexts", "remove", "local"))
    assert json.loads(done(run("contexts", "list", "--json")))["current"] is None
    unknown = run("connectors", "list", "--context", "lokal")
    assert (unknown.exit_code, "there is prod" in unknown.stderr) == (2, True)
    kept.write_text("[1]")
    broken = run("contexts", "list")
    assert (broken.exit_code, str(kept) in broken.stderr) == (2, True)


def test_a_user_without_a_password_is_told_where_it_belongs() -> None:
    result = run("connectors", "list", "--url", "http://127.0.0.1:1", "--user", "me")
    assert (result.exit_code, "FERRYMAN_PASSWORD" in result.stderr) == (2, True)


def test_watching_prints_what_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([[1], [1], [2]])
    monkeypatch.setattr(terminal, "POLL_SECONDS", 0.0)

    def look() -> list[int]:
        found = next(looks, None)
        if found is None:
            raise KeyboardInterrupt
        return found

    printed: list[str] = []
    monkeypatch.setattr("click.echo", printed.append)
    terminal.watch(look, lambda found: terminal.lines([str(found)]), as_json=True)
    assert printed == ["[1]", "[2]"]
