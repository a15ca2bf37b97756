"""A bucket in memory, for what a restore decides: thousands of objects, and what a sink does between two pages."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from ferryman.api import SourceContext
from ferryman.connectors.s3.bucket.bucket import ListedObject, Part
from ferryman.connectors.s3.source import S3SourceConnector
from tests.connectors.s3.source_task import AIVEN, CONFLUENT

CREDENTIALS = {"aws.access.key.id": "test", "aws.secret.access.key": "test"}
USUAL = {"name": "restore", "connector.class": CONFLUENT, "s3.bucket.name": "archive", **CREDENTIALS}
AIVENS = {"name": "restore", "connector.class": AIVEN, "aws.s3.bucket.name": "archive", **CREDENTIALS}
JSON = {"format.class": "JsonFormat"}


def nothing(page: int) -> None:
    """What happens before a page is listed, usually."""


@dataclass
class PretendBucket:
    """Objects by name, listed in pages."""

    objects: dict[str, bytes] = field(default_factory=dict)
    page: int = 1000
    before_page: Callable[[int], None] = nothing
    """Called with the number of the page that is asked for, of all since the beginning."""
    name: str = "archive"
    pages: int = 0

    def listed(self, prefix: str, after: str = "") -> Iterator[ListedObject]:
        """As the real one: each page shows what is there when it is asked for."""
        while True:
            self.before_page(self.pages)
            self.pages += 1
            found = [key for key in sorted(self.objects) if key.startswith(prefix) and key > after]
            for key in found[: self.page]:
                data = self.objects[key]
                yield ListedObject(key, len(data), hashlib.sha256(data).hexdigest(), 1)
            if len(found) <= self.page:
                return
            after = found[self.page - 1]

    def part_of(self, key: str, tag: str, start: int, stop: int) -> Part:
        """Some of its bytes."""
        return Part(self.objects[key][start:stop], {})


def source_of(bucket: PretendBucket, raw: Mapping[str, str]) -> S3SourceConnector:
    """A task that reads it from the beginning, and whose waiting takes no time."""
    config = S3SourceConnector.config_class.parse(raw)
    context = SourceContext(
        connector="restore",
        task=0,
        cluster="c",
        raw=raw,
        offset=lambda partition: None,
        stopping=lambda seconds: False,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ferryman.connectors.s3.source.bucket_to_read", lambda config: bucket)
        return S3SourceConnector(config, context)
