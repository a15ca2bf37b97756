"""`ferryman doctor` looks at buckets: with rights taken away, and with conditional writes that are not obeyed."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import pytest

from ferryman.connectors.s3.bucket import probes
from ferryman.findings import Finding
from tests.cli_calls import Place
from tests.connectors.s3.meddling_proxy import Fate, meddling, no_abort, no_comparison, no_delete, refusing
from tests.connectors.s3.s3_task import client
from tests.doctor.looks import about, at, system, written
from tests.running import until

FORMER = "objects of an earlier check"
WRITES = ("PUT", "POST", "DELETE")


class Bucket:
    """A bucket of the test's own, and a sink's config for it."""

    def __init__(self, folder: Path, url: str, name: str) -> None:
        self.folder, self.url, self.name, self.direct = folder, url, name, client(url)

    def objects(self) -> list[str]:
        return [each["Key"] for each in self.direct.list_objects_v2(Bucket=self.name).get("Contents", [])]

    def looked(self, read_only: bool = False, **more: Any) -> list[Finding]:
        return system(self.folder, self.config(**more), read_only)

    def file(self) -> Path:
        return written(self.folder, self.config())

    def config(self, **more: Any) -> dict[str, Any]:
        return {
            "name": "archive",
            "connector.class": "io.confluent.connect.s3.S3SinkConnector",
            "topics": "orders",
            "s3.bucket.name": self.name,
            "store.url": self.url,
            "aws.access.key.id": "an-access-key",
            "aws.secret.access.key": "an-obol",
            "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
            "flush.size": "3",
            **{name.replace("_", "."): text for name, text in more.items()},
        }


@pytest.fixture
def bucket(s3_server: str, tmp_path: Path, unique: str) -> Bucket:
    httpx.put(f"{s3_server}/{unique}").raise_for_status()
    return Bucket(tmp_path, s3_server, unique)


def no_condition(method: str, path: str, headers: dict[str, str]) -> Fate:
    """A server that does not know If-None-Match."""
    for name in [name for name in headers if name.lower() == "if-none-match"]:
        del headers[name]
    return "pass"


@contextmanager
def answering(status: int, headers: Mapping[str, str], body: bytes) -> Iterator[str]:
    """The URL of a server that has one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_bucket_is_well_and_nothing_is_left_in_it(bucket: Bucket) -> None:
    found = bucket.looked()
    assert {each.level for each in found} == {"ok"}
    assert about("conditional writes (If-None-Match)", found).said == "an upload over an object is refused"
    assert about("conditional writes (If-Match)", found).said == "a write over another state is refused"
    assert bucket.objects() == []


def test_a_bucket_that_is_missing_is_to_be_made(bucket: Bucket, unique: str) -> None:
    bucket.name = f"{unique}-too"
    (finding,) = bucket.looked()
    assert (finding.level, f"create-bucket --bucket {unique}-too" in finding.mend) == ("mend", True)


@pytest.mark.parametrize(
    ("url", "said", "mended"),
    [
        (
            "http://127.0.0.1:1",
            "nothing listens at 127.0.0.1:1",
            "start the server, or correct host and port in store.url",
        ),
        ("http://nobody.invalid:9000", "the host name nobody.invalid is not known", "correct the host in store.url"),
        ("https://SERVER", "does not accept TLS", "http:// in place of https:// in store.url"),
    ],
)
def test_what_is_wrong_on_the_way_names_its_key(bucket: Bucket, url: str, said: str, mended: str) -> None:
    bucket.url = url.replace("SERVER", bucket.url.removeprefix("http://"))
    (finding,) = bucket.looked()
    assert (finding.level, said in finding.said, finding.mend.startswith(mended)) == ("mend", True, True), finding


def test_a_bucket_in_the_hosts_name_that_nobody_knows_is_told_the_other_style(bucket: Bucket) -> None:
    bucket.url = "http://s3.invalid"
    (finding,) = bucket.looked(s3_path_style_access_enabled="false")
    assert f"{bucket.name}.s3.invalid" in finding.said
    assert finding.mend.startswith("s3.path.style.access.enabled=true; or ")


@pytest.mark.parametrize(
    ("status", "code", "mended"),
    [
        (403, "InvalidAccessKeyId", "correct aws.access.key.id"),
        (403, "SignatureDoesNotMatch", "correct aws.secret.access.key"),
        (403, "AccessDenied", 'allow it by a policy: {"Effect": "Allow", "Action": "s3:ListBucket"'),
        (403, "ExpiredToken", "give credentials that have not expired"),
        (403, "RequestTimeTooSkewed", "synchronise both with NTP"),
        (503, "SlowDown", "try again later"),
    ],
)
def test_what_a_server_says_to_the_first_request_is_told(bucket: Bucket, status: int, code: str, mended: str) -> None:
    said = f"<Error><Code>{code}</Code><Message>So it is</Message></Error>".encode()
    with answering(status, {"x-amz-request-id": "1"}, said) as bucket.url:
        (finding,) = bucket.looked()
    assert (code in finding.said, finding.mend.startswith(mended)) == (True, True), finding
    assert "an-obol" not in repr(finding)


def test_a_bucket_of_another_region_names_it(bucket: Bucket) -> None:
    with answering(400, {"x-amz-bucket-region": "eu-central-1"}, b"") as bucket.url:
        (finding,) = bucket.looked()
    assert finding.mend == "s3.region=eu-central-1"


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, {}, b"<html>hello</html>"),
        (200, {}, b"<p>hello"),
        (404, {}, b"<html>not here</html>"),
        (302, {"Location": "/login"}, b""),
    ],
    ids=["a page", "no XML", "none", "a redirection"],
)
def test_a_web_server_is_no_s3_server(bucket: Bucket, status: int, headers: dict[str, str], body: bytes) -> None:
    with answering(status, headers, body) as bucket.url:
        (finding,) = bucket.looked()
    assert "is not an S3 server" in finding.said
    assert finding.mend.startswith("correct store.url")


def test_a_server_without_if_none_match_could_lose_what_a_successor_wrote(bucket: Bucket) -> None:
    with meddling(bucket.url, no_condition) as bucket.url:
        finding = about("conditional writes (If-None-Match)", bucket.looked())
        assert (finding.level, "enable.conditional.writes=false" in finding.mend) == ("mend", True)
        assert at("mend", bucket.looked(enable_conditional_writes="false")) == []
    assert bucket.objects() == []


def test_a_server_without_if_match_leaves_the_truth_to_the_group(bucket: Bucket) -> None:
    with meddling(bucket.url, no_comparison) as bucket.url:
        found = bucket.looked()
    assert about("conditional writes (If-Match)", found).level == "warning"
    assert at("mend", found) == []


def test_what_may_not_be_deleted_is_named(bucket: Bucket) -> None:
    with refusing(bucket.url, no_delete) as bucket.url:
        finding = about("right to delete", bucket.looked())
    assert (finding.level, "s3:DeleteObject" in finding.mend) == ("warning", True)
    left = bucket.objects()
    assert left != []
    assert all(key in finding.said for key in left)


def test_uploads_that_may_not_be_aborted_are_told(bucket: Bucket) -> None:
    with refusing(bucket.url, no_abort) as bucket.url:
        finding = about("right to abort uploads", bucket.looked())
    assert (finding.level, "s3:AbortMultipartUpload" in finding.mend) == ("mend", True)


def test_nothing_that_may_be_written_is_to_be_mended(bucket: Bucket) -> None:
    with refusing(bucket.url, lambda method, path: method in WRITES) as bucket.url:
        found = bucket.looked()
    finding = about("right to write objects", found)
    assert (finding.level, "s3:PutObject" in finding.mend) == ("mend", True)
    assert about("right to delete", found).level == "left out"


def test_who_may_not_list_is_told_so_and_not_that_reading_fails(bucket: Bucket) -> None:
    with refusing(bucket.url, lambda method, path: "list-type" in path) as bucket.url:
        found = bucket.looked()
    assert "s3:ListBucket" in about("right to list", found).mend
    assert about("read after write", found).level == "ok"


def test_what_a_killed_look_has_left_is_taken_away_by_a_later_one(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [f"topics/{probes.PREFIX}1", f"_ferryman-heads/archive/{probes.PREFIX}2"]
    for key in left:
        bucket.direct.put_object(Bucket=bucket.name, Key=key, Body=b"")
    # These may be of a look that is under way.
    assert {each.level for each in bucket.looked() if each.subject == FORMER} == {"warning"}
    assert sorted(bucket.objects()) == sorted(left)
    monkeypatch.setattr(probes, "STALE_SECONDS", -60.0)
    told = [each for each in bucket.looked() if each.subject == FORMER]
    assert [(each.level, key in each.said) for each, key in zip(told, left, strict=True)] == [("ok", True)] * 2
    assert bucket.objects() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_look_that_is_broken_off_takes_away_what_it_has_written(bucket: Bucket, number: signal.Signals) -> None:
    written, goes_on = Event(), Event()

    def held(method: str, path: str, headers: dict[str, str]) -> Fate:
        if method == "GET" and probes.PREFIX in path.partition("?")[0]:
            written.set()
            goes_on.wait(60)
        return "pass"

    with meddling(bucket.url, held) as bucket.url:
        calling = Place().begin("doctor", str(bucket.file()), "--seconds", "60")
        assert written.wait(60)
        assert len(bucket.objects()) == 1
        calling.process.send_signal(number)
        goes_on.set()
        until(lambda: bucket.objects() == [], what="nothing to be left")
        assert calling.ended().code in (130, -number)


def test_read_only_sends_nothing_that_writes_and_says_what_it_left_out(bucket: Bucket) -> None:
    sent: list[str] = []

    def listen(method: str, path: str, headers: dict[str, str]) -> Fate:
        sent.append(method)
        return "pass"

    with meddling(bucket.url, listen) as bucket.url:
        found = bucket.looked(read_only=True)
    assert sent != []
    assert not set(sent) & set(WRITES)
    assert about("rights to write, conditional writes", found).level == "left out"


def test_the_source_needs_no_more_than_to_read(bucket: Bucket) -> None:
    bucket.direct.put_object(Bucket=bucket.name, Key="topics/orders/one.json", Body=b"{}")
    config = {
        "name": "restore",
        "connector.class": "io.confluent.connect.s3.source.S3SourceConnector",
        "s3.bucket.name": bucket.name,
        "aws.access.key.id": "an-access-key",
        "aws.secret.access.key": "an-obol",
        "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
    }
    with refusing(bucket.url, lambda method, path: method in WRITES) as url:
        found = system(bucket.folder, {**config, "store.url": url})
    assert about("right to read", found).said == "s3:GetObject"
    assert {each.level for each in found} == {"ok"}
