"""The S3 sink's way around the client: what succeeds is right, and what does not is left to the client."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import boto3
import pytest
from botocore.credentials import Credentials

from ferryman.connectors.s3.bucket.bucket import Bucket, Gone, InTheWay
from ferryman.connectors.s3.bucket.client import bucket
from ferryman.connectors.s3.bucket.direct_requests import Direct
from ferryman.connectors.s3.config.sink_config import S3SinkConfig
from tests.connectors.s3.s3_task import CONFLUENT, World, client

KEY = "topics/ä b+%2F~'&/kind=1=2/orders+0+0000000000.json"
PLAIN = {
    "name": "archive",
    "connector.class": CONFLUENT,
    "topics": "orders",
    "s3.bucket.name": "shop",
    "format.class": "JsonFormat",
    "flush.size": "1",
    "aws.access.key.id": "test",
    "aws.secret.access.key": "test",
}


class Answers(BaseHTTPRequestHandler):
    """Answers every request alike, over connections that stay open."""

    protocol_version = "HTTP/1.1"
    status, body = 200, b""
    asked: list[dict[str, str]]

    def answer(self) -> None:
        """One request."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(self.status)
        self.send_header("ETag", '"made"')
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(self.body)

    do_POST = do_PUT = do_HEAD = answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def answers() -> Iterator[tuple[str, type[Answers]]]:
    """A server's URL, and what it answers."""

    class Mine(Answers):
        asked: list[dict[str, str]] = []  # noqa: RUF012

    with ThreadingHTTPServer(("127.0.0.1", 0), Mine) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", Mine
        server.shutdown()


class Stopped:
    """The socket of a process that is stopped when it has sent the first piece of a request."""

    def __init__(self, sock: Any) -> None:
        self.sock, self.pieces = sock, 0

    def sendall(self, data: bytes) -> None:
        """Sends nothing more."""
        self.pieces += 1
        if self.pieces == 1:
            self.sock.sendall(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sock, name)


def direct(url: str, token: str | None = None, **creating: str) -> Direct:
    return Direct(url, "us-east-1", Credentials("test", "test", token), creating, None)


@pytest.fixture
def shop(s3_server: str, unique: str) -> Bucket:
    """A bucket whose client must not be needed."""
    World(s3_server, unique)
    return Bucket(None, unique, direct=direct(f"{s3_server}/{unique}"))


def test_an_object_is_made_without_the_client(shop: Bucket, s3_server: str) -> None:
    assert shop.metadata(KEY) is None
    upload = shop.begin(KEY, {"ferryman-file": "n"})
    parts = [b"x" * 5 * 1024 * 1024, b"y"]
    etags = [shop.part(KEY, upload, number, data) for number, data in enumerate(parts, 1)]
    shop.complete(KEY, upload, etags)
    found = client(s3_server).get_object(Bucket=shop.name, Key=KEY)
    assert found["Body"].read() == b"".join(parts)
    assert found["Metadata"] == {"ferryman-file": "n"}


def test_a_server_that_hung_up_is_called_again(shop: Bucket, s3_server: str) -> None:
    whole = Bucket(client(s3_server), shop.name, direct=shop.direct)
    assert whole.metadata(KEY) is None
    shop.direct._connection().sock.close()  # type: ignore[union-attr]
    upload = whole.begin(KEY, {})
    assert shop.part(KEY, upload, 1, b"x")


def test_what_is_gone_or_in_the_way_is_told_apart_by_the_client(shop: Bucket, s3_server: str) -> None:
    whole = Bucket(client(s3_server), shop.name, direct=shop.direct)
    upload = whole.begin(KEY, {"ferryman-file": "mine"})
    etag = whole.part(KEY, upload, 1, b"x")
    client(s3_server).put_object(Bucket=shop.name, Key=KEY, Body=b"other", Metadata={"a": "b"})
    assert whole.metadata(KEY) == {"a": "b"}
    with pytest.raises(InTheWay):
        whole.complete(KEY, upload, [etag])
    whole.abort(KEY, upload)
    with pytest.raises(Gone):
        whole.complete(KEY, upload, [etag])


def test_a_small_object_is_put_in_place_of_the_one_that_is_known(shop: Bucket, s3_server: str) -> None:
    first = shop.put_instead(KEY, b"first", None)
    second = shop.put_instead(KEY, b"second", first)
    assert client(s3_server).head_object(Bucket=shop.name, Key=KEY)["ETag"] == second
    whole = Bucket(client(s3_server), shop.name, direct=shop.direct)
    for stale in (first, None):
        with pytest.raises(InTheWay):
            whole.put_instead(KEY, b"late", stale)
    assert whole.read(KEY) == (b"second", second)


def test_what_a_stopped_process_has_begun_to_put_arrives_whole(shop: Bucket, s3_server: str) -> None:
    assert shop.direct is not None
    connection = shop.direct._connection()
    connection.sock = Stopped(connection.sock)
    etag = shop.put_instead(KEY, b"x" * 10_000, None)
    assert client(s3_server).head_object(Bucket=shop.name, Key=KEY)["ETag"] == etag


@pytest.mark.parametrize("around", [True, False])
def test_no_body_waits_for_the_servers_leave_after_it_may_have_compared(
    answers: tuple[str, type[Answers]], around: bool
) -> None:
    url, server = answers
    made = bucket(S3SinkConfig.parse({**PLAIN, "store.url": url, "s3.send.digest": str(not around).lower()}))
    assert (made.direct is not None) is around
    assert made.put_instead("k", b"state", '"former"') == '"made"'
    (asked,) = server.asked
    assert asked["if-match"] == '"former"'
    assert "expect" not in asked


def test_a_failure_behind_the_status_200_is_no_success(answers: tuple[str, type[Answers]]) -> None:
    url, server = answers
    server.body = b"<Error><Code>InternalError</Code></Error>"
    assert direct(url).complete("k", "u", ["e"], True) is False
    server.body = b"<CompleteMultipartUploadResult/>"
    assert direct(url).complete("k", "u", ["e"], True) is True
    assert [each.get("if-none-match") for each in server.asked] == ["*", "*"]


def test_requests_are_signed_and_say_how_to_create(answers: tuple[str, type[Answers]]) -> None:
    url, server = answers
    server.body = b"<UploadId>a&amp;b</UploadId>"
    headers = {"x-amz-acl": "private", "x-amz-server-side-encryption": "aws:kms"}
    assert direct(url, "token", **headers).begin("k", {"n": "1"}) == "a&b"
    (asked,) = server.asked
    assert asked.items() >= {**headers, "x-amz-meta-n": "1", "x-amz-security-token": "token"}.items()
    signed = asked["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {"host", "x-amz-acl", "x-amz-meta-n", "x-amz-security-token", "x-amz-server-side-encryption"} <= {*signed}


@pytest.mark.parametrize(("status", "more"), [(503, True), (403, False), (301, False), (400, False)])
def test_where_another_dialect_is_spoken_the_client_is_left_alone_with_it(
    answers: tuple[str, type[Answers]], status: int, more: bool
) -> None:
    url, server = answers
    server.status = status
    made = direct(url)
    assert made.begin("k", {}) is None
    assert made.is_free("k") is False
    assert len(server.asked) == (2 if more else 1)


@pytest.mark.parametrize(
    ("more", "there"),
    [
        ({}, True),
        ({"store.url": "http://localhost:9000/", "s3.ssea.name": "AES256", "s3.acl.canned": "private"}, True),
        ({"s3.path.style.access.enabled": "false"}, False),
        ({"s3.send.digest": "true"}, False),
        ({"s3.proxy.url": "http://proxy:3128"}, False),
        ({"s3.sse.customer.key": "0123456789abcdef0123456789abcdef"}, False),
        ({"s3.bucket.name": "arn:aws:s3:us-west-2:1:accesspoint/a"}, False),
    ],
)
def test_it_is_taken_where_addresses_and_signatures_are_the_plain_ones(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, str], there: bool
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert (bucket(S3SinkConfig.parse({**PLAIN, **more})).direct is not None) is there


def test_a_proxy_of_the_environment_is_for_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    assert bucket(S3SinkConfig.parse(PLAIN)).direct is None


def test_without_credentials_there_is_only_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3.Session, "get_credentials", lambda self: None)
    assert bucket(S3SinkConfig.parse(PLAIN)).direct is None
