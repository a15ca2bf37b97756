"""Requests that another worker must meet: two workers on real sockets, whose herders say who does it."""

import asyncio
import json
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from ferryman.errors import RequestError
from ferryman.facts.states import TargetState
from ferryman.rest import forwarding, signatures
from ferryman.settings import settings
from ferryman.worker.herder import ConnectorInfo, ConnectorStatus, Created, Forward, RawConfig, Session
from tests.rest.listening import AUTHORITY, https, listening
from tests.rest.served import SETTINGS, SOURCE, Memory, error

SPENT = "Cannot complete request because of a conflicting operation (e.g. worker rebalance)"
UNKNOWN = "Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway."


@dataclass
class Follower(Memory):
    """A herder that leads nothing: whatever only a leader may do is another's."""

    leader: str | None = None
    asleep: threading.Event | None = None
    """Set by a request that it has begun to look at; it wakes up a little later."""
    awake: threading.Event = field(default_factory=threading.Event)

    stands: bool = True
    """Whether the leader still leads."""

    def _forward(self) -> Forward:
        return Forward(self.leader, lambda: self.stands)

    async def create(self, name: str, config: RawConfig, target: TargetState = TargetState.RUNNING) -> ConnectorInfo:
        raise self._forward()

    async def put(self, name: str, config: RawConfig) -> Created:
        raise self._forward()

    async def patch(self, name: str, changes: Any) -> ConnectorInfo:
        raise self._forward()

    async def delete(self, name: str) -> None:
        if self.asleep is not None:
            self.asleep.set()
            await asyncio.sleep(0.5)
            self.awake.set()
        raise self._forward()

    async def stop(self, name: str) -> None:
        raise self._forward()

    async def restart(self, name: str, include_tasks: bool, only_failed: bool) -> ConnectorStatus | None:
        raise self._forward()

    async def restart_task(self, name: str, task: int) -> None:
        raise self._forward()

    async def alter_offsets(self, name: str, offsets: Any) -> str:
        raise self._forward()

    async def reset_offsets(self, name: str) -> str:
        raise self._forward()

    async def put_task_configs(self, name: str, configs: Any, version: int | None) -> None:
        raise self._forward()


@dataclass
class Group:
    """A leader and a follower."""

    leader: Memory
    follower: Follower
    url: str
    """The follower's address."""

    def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        return httpx.request(method, self.url + path, timeout=60, **given)


@pytest.fixture(scope="module")
def workers() -> Iterator[tuple[Group, str]]:
    """Two workers for all tests of this file, and the leader's address."""
    with ExitStack() as stack:
        (first,), leader = stack.enter_context(listening({}))
        (second,), follower = stack.enter_context(listening({}, Follower))
        assert isinstance(follower, Follower)
        yield Group(leader, follower, second.url), f"{first.url}/"


@pytest.fixture
def group(workers: tuple[Group, str]) -> Group:
    group, leader = workers
    group.follower.leader = leader
    for herder in (group.leader, group.follower):
        herder.configs.clear()
        herder.task_configs.clear()
        herder.task_configs_of.clear()
        herder.fenced.clear()
        herder.signed_by = None
    return group


@pytest.fixture
def with_c(group: Group) -> Group:
    assert group.ask("POST", "/connectors", json={"name": "c", "config": SOURCE}).status_code == 201
    return group


def test_a_connector_is_created_by_the_leader(group: Group) -> None:
    answer = group.ask("POST", "/connectors", json={"name": "a/b", "config": SOURCE, "initial_state": "PAUSED"})
    assert (answer.status_code, answer.json()["config"]) == (201, {**SOURCE, "name": "a/b"})
    assert answer.headers["location"] == f"{group.url}/connectors/a%2Fb"  # whose address was asked
    assert group.leader.configs.keys() == {"a/b"}
    assert group.leader.states["a/b"] == "PAUSED"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/connectors/c/config", SOURCE, 200),
        ("PUT", "/connectors/d%20e/config", SOURCE, 201),
        ("PATCH", "/connectors/c/config", {"tasks.max": 2}, 200),
        ("DELETE", "/connectors/c", None, 204),
        ("PUT", "/connectors/c/stop", None, 204),
        ("POST", "/connectors/c/restart", None, 204),
        ("POST", "/connectors/c/restart?includeTasks=true&onlyFailed=False", None, 202),
        ("POST", "/connectors/c/tasks/0/restart", None, 204),
        ("PATCH", "/connectors/c/offsets", {"offsets": [{"partition": {"filename": "x"}, "offset": None}]}, 200),
        ("DELETE", "/connectors/c/offsets", None, 200),
        ("POST", "/connectors", {"name": "c", "config": SOURCE}, 409),
        ("DELETE", "/connectors/nobody", None, 404),
        ("POST", "/connectors/nobody/tasks/0/restart", None, 404),
        ("PUT", "/connectors/c/config", {"connector.class": "FileStreamSource"}, 400),
    ],
)
def test_the_leaders_answer_comes_back_unchanged(with_c: Group, method: str, path: str, body: Any, status: int) -> None:
    answer = with_c.ask(method, path, json=body)
    assert answer.status_code == status
    leader = with_c.follower.leader
    assert leader is not None
    if status >= 400:
        at_leader = httpx.request(method, leader.rstrip("/") + path, json=body)
        assert (answer.status_code, answer.content) == (at_leader.status_code, at_leader.content)
        assert answer.json()["error_code"] == status
    elif status in {204}:
        assert answer.content == b""


def test_what_the_query_says_is_passed_on(with_c: Group) -> None:
    answer = with_c.ask("POST", "/connectors/c/restart?includeTasks=true")
    assert [task["state"] for task in answer.json()["tasks"]] == ["RESTARTING"]


def test_task_configs_are_passed_on_with_their_signature(with_c: Group) -> None:
    key, content = b"k" * 32, b'[{"task.class": "T"}]'
    with_c.leader.signed_by = with_c.follower.signed_by = Session(key, ["HmacSHA256"])
    headers = signatures.sign(key, content, "HmacSHA256")
    answer = with_c.ask("POST", "/connectors/c/tasks?version=12", content=content, headers=headers)
    assert answer.status_code == 204
    assert with_c.leader.task_configs == {"c": [{"task.class": "T"}]}
    assert with_c.leader.task_configs_of == {"c": 12}


@pytest.mark.parametrize(
    ("forward", "status"),
    [
        ("", 204),
        ("?forward=true", 204),
        ("?forward=TRUE", 204),
        ("?forward=false", 409),
        ("?forward=", 409),
        ("?forward=x", 409),
    ],
)
def test_a_request_that_may_not_be_sent_on_is_refused(with_c: Group, forward: str, status: int) -> None:
    answer = with_c.ask("DELETE", f"/connectors/c{forward}")
    assert answer.status_code == status
    if status == 409:
        assert answer.json() == error(409, SPENT)


def test_nobody_knows_the_leader_while_there_is_none(group: Group) -> None:
    group.follower.leader = None
    answer = group.ask("DELETE", "/connectors/c")
    assert (answer.status_code, answer.json()) == (409, error(409, UNKNOWN))
    assert group.ask("DELETE", "/connectors/c?forward=false").json() == error(409, SPENT)


def test_two_workers_that_each_take_the_other_for_the_leader_end_after_two_hops() -> None:
    with ExitStack() as stack:
        workers = [stack.enter_context(listening({}, Follower)) for _ in range(2)]
        for (_, herder), ((other,), _) in zip(workers, reversed(workers), strict=True):
            assert isinstance(herder, Follower)
            herder.leader = other.url
        answer = httpx.delete(workers[0][0][0].url + "/connectors/c", timeout=60)
    assert (answer.status_code, answer.json()) == (409, error(409, SPENT))


def test_a_leader_that_does_not_answer_is_an_error_of_this_worker(group: Group) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        group.follower.leader = f"http://127.0.0.1:{gone.getsockname()[1]}/"
    answer = group.ask("DELETE", "/connectors/c")
    assert answer.status_code == 500
    assert "nothing listens at 127.0.0.1:" in answer.json()["message"]
    assert "rest.advertised.port of that worker" in answer.json()["message"]


class Peer(BaseHTTPRequestHandler):
    """Another worker that answers what it is told to, and remembers what it was asked."""

    answer: tuple[int, dict[str, str], bytes]
    asked: list[tuple[str, str, dict[str, str], bytes]]

    def _do(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.asked.append((self.command, self.path, headers, content))
        status, headers, body = self.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_DELETE = _do  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        pass


@dataclass
class Other:
    """A worker of another make that leads."""

    url: str
    handler: type[Peer]
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    def answers(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.handler.answer = (status, headers, body)


@pytest.fixture
def other(group: Group) -> Iterator[Other]:
    class Handler(Peer):
        answer, asked = (204, {}, b""), []

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        group.follower.leader = f"http://127.0.0.1:{server.server_port}/"
        yield Other(group.follower.leader, Handler, Handler.asked)
        server.shutdown()
        thread.join()


def test_method_body_and_authorization_are_passed_on_and_nothing_else(group: Group, other: Other) -> None:
    content = json.dumps({"name": "c", "config": SOURCE}).encode()
    headers = {"Authorization": "Basic YTpi", "Cookie": "a=b", "Content-Type": "application/json", "X-Mine": "x"}
    group.ask("POST", "/connectors?a=b%26c&forward=true&d", content=content, headers=headers)
    ((method, path, given, body),) = other.asked
    assert (method, path, body) == ("POST", "/connectors?forward=false&a=b%26c&d=", content)
    assert given["authorization"] == "Basic YTpi"
    assert given["content-type"] == "application/json"
    assert not {"cookie", "x-mine"} & given.keys()


def test_the_first_worker_lets_the_second_send_it_on_once_more(group: Group, other: Other) -> None:
    group.ask("DELETE", "/connectors/a%2Fb")
    ((method, path, given, body),) = other.asked
    assert (method, path, body) == ("DELETE", "/connectors/a%2Fb?forward=true", b"")
    assert "authorization" not in given


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (409, b'{"error_code":409,"message":"a rebalance"}', (409, b'{"error_code":409,"message":"a rebalance"}')),
        (401, b"User cannot access the resource.", (401, b"User cannot access the resource.")),
        (503, b"", (503, b"")),
    ],
)
def test_errors_of_the_other_worker_come_back_as_they_are(
    group: Group, other: Other, status: int, body: bytes, expected: tuple[int, bytes]
) -> None:
    other.answers(status, body)
    answer = group.ask("DELETE", "/connectors/c")
    assert (answer.status_code, answer.content) == expected


def test_a_redirection_is_not_followed(group: Group, other: Other) -> None:
    other.answers(302, Location=f"{group.url}/connectors")
    answer = group.ask("DELETE", "/connectors/c")
    text = "Unexpected status code when handling forwarded request: 302"
    assert (answer.status_code, answer.json()) == (500, error(500, text))
    assert len(other.asked) == 1


def test_an_answer_that_is_too_large_is_given_up(group: Group, other: Other, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding, "MAX_ANSWER_BYTES", 1000)
    other.answers(200, b"x" * 1001)
    answer = group.ask("DELETE", "/connectors/c")
    assert answer.status_code == 500
    assert "the answer is larger than 1000 bytes" in answer.json()["message"]


def test_an_answer_that_does_not_come_is_not_waited_for_without_end(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, "ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        group.follower.leader = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        answer = group.ask("DELETE", "/connectors/c")
    assert answer.status_code == 500
    assert answer.json()["message"].startswith("IO Error trying to forward REST request")


def test_no_proxy_of_the_environment_is_asked(group: Group, other: Other, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with httpx.Client(trust_env=False) as client:
        assert client.delete(group.url + "/connectors/c").status_code == 204


def forwarded_over_tls(keys: Mapping[str, str]) -> tuple[httpx.Response, Memory]:
    """What a follower that listens without TLS and has these keys answers, and the leader, which requires a client's
    certificate."""
    required = https(ssl_client_auth="required", ssl_truststore_location=AUTHORITY)
    with ExitStack() as stack:
        (first,), leader = stack.enter_context(listening({"listeners": "https://127.0.0.1:0"} | required))
        (second,), follower = stack.enter_context(listening({"listeners": "http://127.0.0.1:0", **keys}, Follower))
        assert isinstance(follower, Follower)
        follower.leader = f"{first.url}/"
        answer = httpx.post(second.url + "/connectors", json={"name": "c", "config": SOURCE}, timeout=60)
    return answer, leader


@pytest.mark.parametrize("prefix", ["listeners.https.", ""])
def test_workers_speak_tls_with_each_other_by_the_listeners_keys(prefix: str) -> None:
    answer, leader = forwarded_over_tls(https(prefix, ssl_truststore_location=AUTHORITY))
    assert (answer.status_code, list(leader.configs)) == (201, ["c"])


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({}, r"the certificate of 127.0.0.1:\d+ is not trusted: .*ssl.truststore.location of this worker"),
        (
            {"listeners.https.ssl.truststore.location": AUTHORITY},
            r"127.0.0.1:\d+ asks for a certificate .*listeners.https.ssl.keystore.location of this worker",
        ),
    ],
)
def test_a_worker_that_cannot_speak_to_another_says_by_which_key_to_mend_it(keys: dict[str, str], why: str) -> None:
    answer, _ = forwarded_over_tls(keys)
    assert answer.status_code == 500
    assert re.match("IO Error trying to forward REST request: " + why, answer.json()["message"])


async def _sent(url: str, key: bytes | None) -> None:
    workers = forwarding.OtherWorkers(settings.parse(SETTINGS))
    await workers.send_signed("PUT", f"{url.rstrip('/')}/connectors/c/fence", b"", key, "HmacSHA256")


def test_a_worker_signs_what_it_asks_of_its_leader(with_c: Group) -> None:
    assert with_c.follower.leader is not None
    with_c.leader.signed_by = Session(b"k" * 32, ["HmacSHA256"])
    asyncio.run(_sent(with_c.follower.leader, b"k" * 32))
    assert with_c.leader.fenced == ["c"]
    for key, status in ((b"x" * 32, 403), (None, 400)):
        with pytest.raises(RequestError) as caught:
            asyncio.run(_sent(with_c.follower.leader, key))
        assert caught.value.status == status
    assert "invalid signature" not in str(caught.value)


def test_offsets_are_altered_by_the_leader_to_the_letter(with_c: Group) -> None:
    entry = {"partition": {"a": 1}, "offset": {"b": 2.5}}
    answer = with_c.ask("PATCH", "/connectors/c/offsets", json={"offsets": [entry]})
    assert answer.json() == {"message": f"altered {[(entry['partition'], entry['offset'])]}"}


@pytest.mark.parametrize("waits", [True, False])
def test_a_request_is_not_sent_on_for_a_client_that_has_gone(with_c: Group, waits: bool) -> None:
    address = httpx.URL(with_c.url)
    with_c.follower.asleep, with_c.follower.awake = threading.Event(), threading.Event()
    try:
        with socket.create_connection((address.host, address.port)) as client:
            client.sendall(f"DELETE /connectors/c HTTP/1.1\r\nHost: {address.netloc.decode()}\r\n\r\n".encode())
            assert with_c.follower.asleep.wait(60)
            if waits:
                assert client.recv(100).startswith(b"HTTP/1.1 204")
    finally:
        with_c.follower.asleep = None
    assert with_c.follower.awake.wait(60)
    assert with_c.ask("POST", "/connectors", json={"name": "d", "config": SOURCE}).status_code == 201
    assert sorted(with_c.leader.configs) == (["d"] if waits else ["c", "d"])


def test_a_leader_that_sleeps_is_waited_for_only_while_it_leads(group: Group) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sleeper:
        group.follower.leader = f"http://127.0.0.1:{sleeper.getsockname()[1]}/"
        answers: list[httpx.Response] = []
        asking = threading.Thread(target=lambda: answers.append(group.ask("DELETE", "/connectors/c")))
        asking.start()
        try:
            connection, _ = sleeper.accept()
            with connection:
                assert connection.recv(100).startswith(b"DELETE /connectors/c")
                group.follower.stands = False
                asking.join(60)
                assert (answers[0].status_code, answers[0].json()) == (409, error(409, SPENT))
                while connection.recv(100):
                    """What it still had to say; then nobody is there any more."""
        finally:
            group.follower.stands = True
            asking.join(120)


def test_a_leader_that_sleeps_finds_no_request_any_more_whose_client_has_gone(group: Group) -> None:
    address = httpx.URL(group.url)
    with socket.create_server(("127.0.0.1", 0)) as sleeper:
        group.follower.leader = f"http://127.0.0.1:{sleeper.getsockname()[1]}/"
        with socket.create_connection((address.host, address.port)) as client:
            client.sendall(f"DELETE /connectors/c HTTP/1.1\r\nHost: {address.netloc.decode()}\r\n\r\n".encode())
            connection, _ = sleeper.accept()
        with connection:
            connection.settimeout(60)
            while connection.recv(100):
                """The request; then it is gone."""
