"""The demo's own eyes on the archive: which objects are visible, what is in them, and that none changes."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import boto3
import polars as pl
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ferryman.demo.facts import flows
from ferryman.demo.facts.errors import DemoError

FAILURES = (BotoCoreError, ClientError)
_ENDING = ".parquet"
_FOLDER = "topics/"


@dataclass
class Archive:
    """The bucket of an S3 server. For one thread. Its server's failures are raised as FAILURES."""

    address: str
    broken: dict[str, str] = field(default_factory=dict)
    """Objects that have changed or gone since they were first seen, and how."""
    _client: Any = None
    _tags: dict[str, str] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def create(self) -> None:
        self._s3.create_bucket(Bucket=flows.BUCKET)

    def counts(self) -> Mapping[str, int]:
        """How many records of each topic can be read."""
        found: dict[str, int] = {}
        for key in self._visible_keys():
            if key not in self._counts:
                self._counts[key] = pl.scan_parquet(self._bytes(key)).select(pl.len()).collect().item()
            found[_topic(key)] = found.get(_topic(key), 0) + self._counts[key]
        return found

    def lasts(self) -> set[str]:
        """The objects that nothing follows in their folder and partition."""
        last = {key.rpartition("+")[0]: key for key in sorted(self._visible_keys(), key=_start)}
        return set(last.values())

    def rows(self, topic: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """All records of a topic. Raises DemoError for an object that is no Parquet file with these columns."""
        for key in self._visible_keys():
            if _topic(key) == topic:
                try:
                    yield from pl.read_parquet(self._bytes(key), columns=list(columns)).select(columns).iter_rows()
                except pl.exceptions.PolarsError as error:
                    raise DemoError(f"the object {key} cannot be read: {error}") from error

    def _visible_keys(self) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=flows.BUCKET, Prefix=_FOLDER)
        tags = {each["Key"]: each.get("ETag") for page in pages for each in page.get("Contents", ())}
        for key, tag in self._tags.items():
            if tags.get(key) != tag:
                self.broken[key] = "changed" if key in tags else "gone"
        # S3Proxy also lists the file that it is writing, under its name and a number, and for a moment without a tag.
        visible = {key: tag for key, tag in tags.items() if key.endswith(_ENDING) and tag is not None}
        self._tags |= visible
        return list(visible)

    def _bytes(self, key: str) -> io.BytesIO:
        return io.BytesIO(self._s3.get_object(Bucket=flows.BUCKET, Key=key)["Body"].read())

    @property
    def _s3(self) -> Any:
        if self._client is None:
            self._client = boto3.client(
                "s3",
                endpoint_url=self.address,
                region_name="us-east-1",
                aws_access_key_id=flows.ARCHIVE_KEY,
                aws_secret_access_key=flows.ARCHIVE_SECRET,
                config=Config(s3={"addressing_style": "path"}, proxies={}),
            )
        return self._client


def _start(key: str) -> int:
    """The first offset in an object, as its name has it."""
    return int(key.rpartition("+")[2].partition(".")[0])


def _topic(key: str) -> str:
    return key.removeprefix(_FOLDER).split("/", 1)[0]
