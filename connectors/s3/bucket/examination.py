"""Checks a bucket for `ferryman doctor`: whether it exists, whether the rights suffice, whether conditional writes are
obeyed.

What is written is called so that no reader of archives takes it for one, and is deleted at the end.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from ferryman.connectors.s3.bucket import access_refused
from ferryman.connectors.s3.bucket.bucket import Bucket, Gone, InTheWay, NotAllowed, NotKnown, classified
from ferryman.connectors.s3.bucket.probes import Probes
from ferryman.errors import FerrymanError
from ferryman.findings import Finding, left_out, mend, ok, warning

_DATA = b"ferryman doctor\n"
_SKEWED_SECONDS = 60.0
_REFUSED_SKEW_SECONDS = 900.0
"""Seconds: what S3 takes for a request of another time."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where a sink writes."""

    objects: str
    """What the names of objects begin with."""
    own: str
    """What the names of heads and manifests begin with."""
    tags: bool = False
    """Whether objects get tags."""


@dataclass
class Look:
    """The check of one bucket."""

    bucket: Bucket
    seconds: float
    """How long one check may take."""
    probes: Probes = field(init=False)
    """The objects that we write."""

    def __post_init__(self) -> None:
        self.probes = Probes(self.bucket)

    @property
    def subject(self) -> str:
        """What the report calls it."""
        return f"bucket {self.bucket.name}"

    def all_of(self, places: Places, read_only: bool) -> Iterator[Finding]:
        """All findings for a sink."""
        well = True
        for finding in self.reads(places.objects):
            well = well and not (finding.level == "mend" and finding.subject == self.subject)
            yield finding
        if not well:
            return
        yield from self.versions()
        if read_only:
            yield left_out(
                "rights to write, conditional writes", "--read-only: no object was written and deleted again"
            )
        else:
            yield from self.writes(places)

    def reads(self, prefix: str) -> Iterator[Finding]:
        """Is it there, in that region, on time; may it be listed and read?"""
        answer = access_refused.headers_or_refusal(self.bucket, self.subject, self.seconds)
        if isinstance(answer, Finding):
            yield answer
            return
        if not access_refused.is_of_s3(self.bucket):
            yield access_refused.no_s3_server(self.subject, self.bucket)
            return
        yield ok(self.subject, "it exists, and accepts the credentials")
        yield from self._clock(answer)
        yield from self._listed(prefix)

    def _clock(self, headers: Mapping[str, str]) -> Iterator[Finding]:
        with suppress(ValueError, TypeError):
            skew = abs(parsedate_to_datetime(headers.get("date", "")).timestamp() - time.time())
            said = f"{skew:.0f} seconds apart"
            if skew > _SKEWED_SECONDS:
                limit = f"requests are refused from {_REFUSED_SKEW_SECONDS:.0f} seconds on"
                yield warning("clocks of the server and here", f"{said}: {limit}", "synchronise both with NTP")
            else:
                yield ok("clocks of the server and here", said)
        region = headers.get("x-amz-bucket-region")
        ours = self.bucket.client.meta.region_name
        if region and region != ours:
            said = f"the bucket is in {region}, and requests are signed for {ours}"
            yield mend(self.subject, said, f"s3.region={region}")

    def _listed(self, prefix: str) -> Iterator[Finding]:
        try:
            found = next(self.bucket.listed(prefix), None)
        except FerrymanError as error:
            yield mend("right to list", str(error), _policy(self.bucket.name, "s3:ListBucket", ""))
            return
        yield ok("right to list", f"{prefix or 'the bucket'} holds {'objects' if found else 'nothing yet'}")
        if found is not None:
            yield self._allowed("right to read", "s3:GetObject", found.key, lambda: self.bucket.metadata(found.key))

    def _allowed(self, subject: str, action: str, key: str, do: Callable[[], object]) -> Finding:
        try:
            do()
        except NotAllowed as error:
            return mend(subject, str(error), _policy(self.bucket.name, action, "/*"))
        except FerrymanError as error:
            return mend(subject, str(error), "check what the server says")
        except (Gone, InTheWay) as error:
            return warning(subject, f"{key}: {error}")
        return ok(subject, action)

    def versions(self) -> Iterator[Finding]:
        """What the bucket does with objects that are replaced or deleted."""
        versioned = self._setting("get_bucket_versioning")
        if versioned is None:
            yield left_out("versioning", "the user may not ask for it, or the server does not know it")
        elif versioned.get("Status") == "Enabled":
            said = "each state of a head and each manifest is kept as a version for ever"
            yield warning("versioning", said, "a lifecycle rule with NoncurrentVersionExpiration")
        else:
            yield ok("versioning", "off")
        locked = self._setting("get_object_lock_configuration")
        if locked is not None and locked.get("ObjectLockConfiguration", {}).get("Rule"):
            said = "objects are locked by default: heads and manifests cannot be deleted, so their versions accumulate"
            yield warning("object lock", said, "a bucket without a default retention")

    def _setting(self, name: str) -> dict[str, Any] | None:
        try:
            with classified(name):
                found: dict[str, Any] = getattr(self.bucket.client, name)(Bucket=self.bucket.name)
        except (FerrymanError, Gone):
            return None
        return found

    def writes(self, places: Places) -> Iterator[Finding]:
        """All that a sink does, with objects of our own."""
        for place in (places.objects, places.own):
            yield from self.probes.former(place)
        try:
            yield from self._uploads(places)
            yield from self._own(places)
        finally:
            taken_away, left = self.probes.take_away()
        if left:
            said = (
                f"the user may not delete, so these are left behind: {', '.join(left)}; a sink empties what it "
                "cannot delete"
            )
            yield warning("right to delete", said, _policy(self.bucket.name, "s3:DeleteObject", "/*"))
        elif taken_away:
            yield ok("right to delete", f"what was written is deleted: {', '.join(taken_away)}")
        else:
            yield left_out("right to delete", "nothing could be written, so nothing had to be deleted")

    def _uploads(self, places: Places) -> Iterator[Finding]:
        """An object, as a sink makes it; then another in its place, which must be refused."""
        key = self.probes.named(places.objects)
        try:
            self._upload(key)
        except NotAllowed as error:
            self.probes.forget(key)
            yield mend("right to write objects", str(error), _policy(self.bucket.name, "s3:PutObject", "/*"))
            return
        except NotKnown as error:
            yield mend("conditional writes (If-None-Match)", str(error), "enable.conditional.writes=false")
            return
        except (FerrymanError, Gone, InTheWay) as error:
            yield mend("right to write objects", str(error), "check what the server says")
            return
        yield ok("right to write objects", "s3:PutObject, in parts")
        yield self._read_after_write(key)
        yield from self._refused_in_place(key)
        yield self._aborted(key)
        if places.tags:
            tagging = "s3:PutObjectTagging"
            yield self._allowed("right to tag", tagging, key, lambda: self.bucket.tag(key, {"ferryman": "doctor"}))

    def _upload(self, key: str) -> None:
        upload = self.bucket.begin(key, {})
        try:
            self.bucket.complete(key, upload, [self.bucket.part(key, upload, 1, _DATA)])
        except BaseException:
            with suppress(FerrymanError):
                self.bucket.abort(key, upload)
            raise

    def _read_after_write(self, key: str) -> Finding:
        try:
            found = self.bucket.get(key)
        except FerrymanError as error:
            return mend("right to read", str(error), _policy(self.bucket.name, "s3:GetObject", "/*"))
        listed = [key]
        with suppress(FerrymanError):  # who may not list has been told so
            listed = [each.key for each in self.bucket.listed(key)]
        if found == _DATA and key in listed:
            return ok("read after write", "what is written can be read and listed at once")
        said = "what is written cannot be read or listed at once: a sink could take it to be missing"
        return mend("read after write", said, "a server with strong consistency, as Amazon's")

    def _refused_in_place(self, key: str) -> Iterator[Finding]:
        subject = "conditional writes (If-None-Match)"
        if not self.bucket.conditional:
            yield left_out(subject, "enable.conditional.writes=false: an archive relies on the group's offsets alone")
            return
        try:
            self._upload(key)
        except InTheWay:
            yield ok(subject, "an upload over an object is refused")
        except FerrymanError as error:
            yield mend(subject, str(error), "enable.conditional.writes=false")
        else:
            said = "an upload over an object is not refused: a frozen task could replace what its successor wrote"
            yield mend(subject, said, "enable.conditional.writes=false, or a server that obeys If-None-Match")

    def _aborted(self, key: str) -> Finding:
        def abort() -> None:
            upload = self.bucket.begin(key, {})
            with classified(f"abort the upload of {key}"):
                self.bucket.client.abort_multipart_upload(Bucket=self.bucket.name, Key=key, UploadId=upload)

        return self._allowed("right to abort uploads", "s3:AbortMultipartUpload", key, abort)

    def _own(self, places: Places) -> Iterator[Finding]:
        """A head, as it is moved by compare-and-set."""
        if not self.bucket.conditional:
            return
        key = self.probes.named(places.own)
        subject = "conditional writes (If-Match)"
        by_group = (
            "the group's offsets then record how far an archive has got; with group.protocol=classic that is safe"
        )
        try:
            first = self.bucket.put_instead(key, _DATA, None)
            second = self.bucket.put_instead(key, _DATA * 2, first)
            obeyed = self._is_refused(key, first)
        except NotAllowed as error:
            self.probes.forget(key)
            yield mend("right to write heads", str(error), _policy(self.bucket.name, "s3:PutObject", "/*"))
        except (NotKnown, Gone, InTheWay) as error:
            yield warning(subject, f"{error}: {by_group}", "a server that obeys If-Match")
        except FerrymanError as error:
            yield mend("right to write heads", str(error), "check what the server says")
        else:
            if obeyed and second != first:
                yield ok(subject, "a write over another state is refused")
            else:
                yield warning(subject, f"the server does not obey it: {by_group}", "a server that obeys If-Match")

    def _is_refused(self, key: str, tag: str) -> bool:
        try:
            self.bucket.put_instead(key, _DATA, tag)
        except (Gone, InTheWay):
            return True
        return False


def _policy(bucket: str, action: str, below: str) -> str:
    statement = f'"Action": "{action}", "Resource": "arn:aws:s3:::{bucket}{below}"'
    return f'allow it by a policy: {{"Effect": "Allow", {statement}}}'
