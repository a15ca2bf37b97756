"""The bucket: the few requests that the sink and the source make, and whose fault it is when one fails."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    UnsupportedS3ConfigurationError,
)
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from ferryman.connectors.s3.bucket.direct_requests import Direct
from ferryman.errors import RefusedError, RetriableError, TaskError

log = logging.getLogger(__name__)

_GONE = frozenset({"NoSuchUpload", "NoSuchKey", "404", "NotFound"})
_IN_THE_WAY = frozenset({"PreconditionFailed", "412"})
_UNKNOWN = frozenset({"InvalidArgument", "InvalidRequest"})
"""What a server may say to a header or a parameter that it does not know."""
_NEIGHBOUR = frozenset(
    {
        "ConditionalRequestConflict",
        "ExpiredToken",
        "InternalError",
        "OperationAborted",
        "RequestTimeTooSkewed",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


class NotAllowed(TaskError):
    """The credentials may not do that."""


class NotKnown(TaskError):
    """The server does not know such a request."""


class Gone(Exception):
    """The upload or object is not there."""


class InTheWay(Exception):
    """Another object has the name."""


class ListedObject(NamedTuple):
    """An object as a listing shows it."""

    key: str
    size: int
    """In bytes."""
    tag: str
    """Its ETag, which changes with its bytes."""
    modified: int
    """When it was written, in milliseconds since the epoch."""


class Part(NamedTuple):
    """Some bytes of an object."""

    data: bytes
    metadata: Mapping[str, str]
    """The object's own."""


@contextmanager
def classified(doing: str) -> Iterator[None]:
    """Turns errors of the client into ours; ``doing`` continues "Cannot". Raises Gone and InTheWay for those two."""
    try:
        yield
    except ClientError as error:
        raise _fault(error, doing) from None
    except NoCredentialsError as error:
        raise TaskError(f"Cannot {doing}: {error}. Set aws.access.key.id and aws.secret.access.key") from None
    except (ParamValidationError, PartialCredentialsError, UnsupportedS3ConfigurationError) as error:
        raise TaskError(f"Cannot {doing}: {error}") from None
    except BotoCoreError as error:
        raise RetriableError(f"Cannot {doing}: {error}") from None
    except ResponseParserError as error:
        raise RetriableError(f"Cannot {doing}: what answers is not an S3 server: {error}") from None
    except RecursionError:  # the client follows a redirection by a request that is redirected in turn
        raise TaskError(f"Cannot {doing}: what answers keeps redirecting (see store.url)") from None


def _fault(error: ClientError, doing: str) -> Exception:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    text = f"Cannot {doing}: {code} {error.response.get('Error', {}).get('Message', '')}".rstrip()
    if code in _GONE:
        return Gone(text)
    if code in _IN_THE_WAY:
        return InTheWay(text)
    if status == 501 or code == "NotImplemented":
        hint = ". If the server has no conditional writes, set enable.conditional.writes=false"
        return NotKnown(text + hint if doing.startswith("complete") else text)
    if code in _UNKNOWN:
        return NotKnown(text)
    if code == "AccessDenied" or (status == 403 and not code):
        return NotAllowed(text)
    if code in _NEIGHBOUR or status >= 500 or status in (408, 409, 429):
        return RetriableError(text)
    if code == "NoSuchBucket" or status in (401, 403):
        return RefusedError(text, key="s3.bucket.name" if code == "NoSuchBucket" else "aws.access.key.id")
    return TaskError(text)


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket. What every object needs is tried directly; where that does not succeed, the client does it.

    All methods raise RetriableError while the server is away, slow or throttling, and TaskError when it refuses.
    """

    client: Any = field(repr=False)
    """boto3's client."""
    name: str
    """The bucket's name."""
    creating: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What goes with every object's creation: an ACL, the server's encryption."""
    encryption: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What goes with every request for an object's bytes: the customer's key."""
    conditional: bool = True
    """Whether an upload is completed only where no object is in the way."""
    direct: Direct | None = field(default=None, repr=False)
    """The way around the client, if there is one."""
    warned: set[str] = field(default_factory=set, repr=False)
    """What is not allowed and has been warned of."""

    def begin(self, key: str, metadata: Mapping[str, str]) -> str:
        """Opens a multipart upload; its id."""
        if self.direct is not None and (upload := self.direct.begin(key, metadata)) is not None:
            return upload
        with classified(f"begin to upload {key}"):
            answer = self.client.create_multipart_upload(
                Bucket=self.name, Key=key, Metadata=dict(metadata), **self.creating, **self.encryption
            )
        return str(answer["UploadId"])

    def part(self, key: str, upload: str, number: int, data: bytes) -> str:
        """Uploads a part; its ETag. Raises Gone."""
        if self.direct is not None and (etag := self.direct.part(key, upload, number, data)) is not None:
            return etag
        with classified(f"upload part {number} of {key}"):
            answer = self.client.upload_part(
                Bucket=self.name, Key=key, UploadId=upload, PartNumber=number, Body=data, **self.encryption
            )
        return str(answer["ETag"])

    def complete(self, key: str, upload: str, etags: Sequence[str]) -> None:
        """Makes the object visible. Raises Gone for an upload that is not open, InTheWay if the name is taken."""
        if self.direct is not None and self.direct.complete(key, upload, etags, self.conditional):
            return
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
        condition = {"IfNoneMatch": "*"} if self.conditional else {}
        with classified(f"complete the upload of {key}"):
            self.client.complete_multipart_upload(
                Bucket=self.name,
                Key=key,
                UploadId=upload,
                MultipartUpload={"Parts": parts},
                **condition,
                **self.encryption,
            )

    def abort(self, key: str, upload: str) -> None:
        """Throws an open upload away; nothing if it is not open, or if that is not allowed."""
        try:
            with classified(f"abort the upload of {key}"):
                self.client.abort_multipart_upload(Bucket=self.name, Key=key, UploadId=upload)
        except Gone:
            pass
        except NotAllowed as error:
            self._once("abort", f"{error}. Open uploads are left to the bucket's rules")

    def _once(self, what: str, warning: str) -> None:
        if what not in self.warned:
            self.warned.add(what)
            log.warning("%s", warning)

    def is_open(self, key: str, upload: str) -> bool:
        """Whether an upload is open and has parts."""
        try:
            with classified(f"look at the upload of {key}"):
                return bool(self.client.list_parts(Bucket=self.name, Key=key, UploadId=upload).get("Parts"))
        except Gone:
            return False

    def metadata(self, key: str) -> Mapping[str, str] | None:
        """An object's metadata; None if it is not there."""
        if self.direct is not None and self.direct.is_free(key):
            return None
        try:
            with classified(f"look at {key}"):
                answer = self.client.head_object(Bucket=self.name, Key=key, **self.encryption)
        except Gone:
            return None
        return dict(answer.get("Metadata", {}))

    def tag(self, key: str, tags: Mapping[str, str]) -> None:
        """Gives an object these tags instead of those it has. Raises Gone."""
        found = [{"Key": name, "Value": value} for name, value in tags.items()]
        with classified(f"tag {key}"):
            self.client.put_object_tagging(Bucket=self.name, Key=key, Tagging={"TagSet": found})

    def put(self, key: str, data: bytes) -> None:
        """Writes a small object of our own."""
        with classified(f"write {key}"):
            self.client.put_object(Bucket=self.name, Key=key, Body=data, **self.creating, **self.encryption)

    def put_instead(self, key: str, data: bytes, etag: str | None) -> str:
        """Writes a small object of our own in place of one with this ETag, or (None) of nothing; its ETag.

        Raises Gone or InTheWay if there is something else, which is also what a request meets that was sent twice.
        """
        headers = {"If-None-Match": "*"} if etag is None else {"If-Match": etag}
        if self.direct is not None and (made := self.direct.put(key, data, headers)) is not None:
            if not made:
                raise InTheWay(f"Cannot write {key}: it has been changed meanwhile")
            return made
        condition = {name.replace("-", ""): value for name, value in headers.items()}
        with classified(f"write {key}"):
            answer = self.client.put_object(
                Bucket=self.name, Key=key, Body=data, **condition, **self.creating, **self.encryption
            )
        return str(answer["ETag"])

    def compares(self, key: str) -> bool:
        """Whether the server compares ETags before it writes; ``key`` must never have any object."""
        try:
            self.put_instead(key, b"", '"0"')
        except (Gone, InTheWay):
            return True
        except NotKnown:
            return False
        self.remove(key)
        return False

    def get(self, key: str) -> bytes | None:
        """Reads a small object of our own; None if it is not there."""
        found = self.read(key)
        return None if found is None else found[0]

    def read(self, key: str) -> tuple[bytes, str] | None:
        """Reads a small object of our own, and its ETag; None if it is not there."""
        try:
            with classified(f"read {key}"):
                answer = self.client.get_object(Bucket=self.name, Key=key, **self.encryption)
                return bytes(answer["Body"].read()), str(answer["ETag"])
        except Gone:
            return None

    def remove(self, key: str) -> None:
        """Deletes an object of our own, or empties it where the credentials may not delete."""
        try:
            with classified(f"delete {key}"):
                self.client.delete_object(Bucket=self.name, Key=key)
        except Gone:
            pass
        except NotAllowed as error:
            self._once("delete", f"{error}. It is emptied instead, and so are all others like it")
            self.put(key, b"")

    def keys(self, prefix: str) -> list[str]:
        """The names that begin so, of objects that are not empty."""
        with classified(f"list {prefix}"):
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
            found = [each for page in pages for each in page.get("Contents", [])]
            return [str(each["Key"]) for each in found if each.get("Size") != 0]

    def listed(self, prefix: str, after: str = "") -> Iterator[ListedObject]:
        """The objects whose names begin so, by name; those behind ``after`` only, if it is given."""
        more: dict[str, str] = {"StartAfter": after} if after else {}
        while True:
            with classified(f"list {prefix or 'the bucket'}"):
                page = self.client.list_objects_v2(Bucket=self.name, Prefix=prefix, **more)
            for each in page.get("Contents", []):
                # What S3Proxy is still writing has no ETag.
                if "ETag" in each:
                    modified = int(each["LastModified"].timestamp() * 1000)
                    yield ListedObject(str(each["Key"]), int(each["Size"]), str(each["ETag"]), modified)
            if not page.get("IsTruncated"):
                return
            more["ContinuationToken"] = page["NextContinuationToken"]

    def part_of(self, key: str, tag: str, start: int, stop: int) -> Part:
        """An object's bytes from start up to stop. Raises Gone, and InTheWay if its bytes are not those of the ETag."""
        with classified(f"read {key}"):
            answer = self.client.get_object(
                Bucket=self.name, Key=key, Range=f"bytes={start}-{stop - 1}", IfMatch=tag, **self.encryption
            )
            try:
                data = bytes(answer["Body"].read())
            except (HTTPError, OSError) as error:
                raise RetriableError(f"Cannot read {key}: {error}") from None
        return Part(data, dict(answer.get("Metadata", {})))
