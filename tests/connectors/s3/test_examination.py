"""`ferryman doctor` looks at buckets: with rights taken away, and with conditional writes that are not obeyed."""

from pathlib import Path
from typing import Any

import pytest

from ferryman.findings import Finding
from ferryman.stack.servers.s3 import create_bucket
from tests.connectors.s3.meddling_proxy import Fate, meddling, no_abort, no_comparison, no_delete, refusing
from tests.connectors.s3.s3_task import client
from tests.doctor.looks import about, at, system

WRITES = ("PUT", "POST", "DELETE")


class Bucket:
    """A bucket of the test's own, and a sink's config for it."""

    def __init__(self, folder: Path, url: str, name: str) -> None:
        self.folder, self.url, self.name, self.direct = folder, url, name, client(url)

    def objects(self) -> list[str]:
        return [each["Key"] for each in self.direct.list_objects_v2(Bucket=self.name).get("Contents", [])]

    def looked(self, read_only: bool = False, **more: Any) -> list[Finding]:
        config = {
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
        return system(self.folder, config, read_only)


@pytest.fixture
def bucket(s3_server: str, tmp_path: Path, unique: str) -> Bucket:
    create_bucket(s3_server, unique)
    return Bucket(tmp_path, s3_server, unique)


def no_condition(method: str, path: str, headers: dict[str, str]) -> Fate:
    """A server that does not know If-None-Match."""
    for name in [name for name in headers if name.lower() == "if-none-match"]:
        del headers[name]
    return "pass"


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


def test_a_server_that_is_away_names_its_key(bucket: Bucket) -> None:
    bucket.url = "http://127.0.0.1:1"
    (finding,) = bucket.looked()
    assert (finding.level, "store.url" in finding.mend) == ("mend", True)


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
        finding = about("right to write objects", bucket.looked())
    assert (finding.level, "s3:PutObject" in finding.mend) == ("mend", True)


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
