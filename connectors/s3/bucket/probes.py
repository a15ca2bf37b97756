"""The objects that a look writes into a bucket, and takes away again; those of a look that was killed too."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from secrets import token_hex

from ferryman.connectors.s3.bucket.bucket import Bucket, Gone, classified
from ferryman.errors import FerrymanError
from ferryman.findings import Finding, ok, warning

PREFIX = "_ferryman-doctor-"
"""What their names begin with, below the prefix of whatever a sink writes."""
STALE_SECONDS = 600.0
"""Seconds after which one is of a look that was killed, by the server's clock; a younger one may be of a look that is
under way."""


@dataclass
class Probes:
    """The objects that one look writes."""

    bucket: Bucket
    _written: list[str] = field(default_factory=list)

    def named(self, place: str) -> str:
        """The name of a new one below a prefix. It counts as written from now on."""
        key = f"{place}{PREFIX}{token_hex(8)}"
        self._written.append(key)
        return key

    def forget(self, key: str) -> None:
        """It was refused, so that it cannot be there."""
        self._written.remove(key)

    def take_away(self) -> tuple[list[str], list[str]]:
        """Deletes what was written; which of it is deleted, and which is left behind."""
        left = [key for key in self._written if not self._deleted(key)]
        return [key for key in self._written if key not in left], left

    def former(self, place: str) -> Iterator[Finding]:
        """Deletes what a check that was killed has left below a prefix, and reports it."""
        subject = "objects of an earlier check"
        try:
            found = self._found(f"{place}{PREFIX}")
            self._abort_uploads(f"{place}{PREFIX}")
        except FerrymanError:
            return  # who may not list has been told so
        old = [key for key, age in found if age >= STALE_SECONDS]
        deleted = [key for key in old if self._deleted(key)]
        if deleted:
            yield ok(subject, f"it was killed, and what it had left behind has been deleted: {', '.join(deleted)}")
        if left := [key for key, _ in found if key not in deleted]:
            said = f"it was killed, or is still running: it has left {', '.join(left)}"
            yield warning(
                subject, said, f"check again in {STALE_SECONDS / 60:.0f} minutes, which deletes them, or delete them"
            )

    def _found(self, prefix: str) -> list[tuple[str, float]]:
        """Names, and how many seconds ago they were written."""
        found: list[tuple[str, float]] = []
        with classified(f"list {prefix}"):
            page = self.bucket.client.list_objects_v2(Bucket=self.bucket.name, Prefix=prefix)
        now = datetime.now(UTC)
        with suppress(ValueError, TypeError):
            now = parsedate_to_datetime(page["ResponseMetadata"]["HTTPHeaders"].get("date", ""))
        for each in page.get("Contents", []):
            found.append((str(each["Key"]), (now - each["LastModified"]).total_seconds()))
        return found

    def _abort_uploads(self, prefix: str) -> None:
        """Uploads that are as old are no longer anybody's. Who may not see them leaves them to the bucket's rules."""
        with suppress(FerrymanError, Gone), classified(f"list uploads of {prefix}"):
            page = self.bucket.client.list_multipart_uploads(Bucket=self.bucket.name, Prefix=prefix)
            for each in page.get("Uploads", []):
                if (datetime.now(UTC) - each["Initiated"]).total_seconds() >= STALE_SECONDS:
                    self.bucket.abort(str(each["Key"]), str(each["UploadId"]))

    def _deleted(self, key: str) -> bool:
        try:
            with classified(f"delete {key}"):
                self.bucket.client.delete_object(Bucket=self.bucket.name, Key=key)
        except FerrymanError:
            return False
        except Gone:
            pass
        return True
