"""The requests that every object costs, sent directly: through the client each takes three to four times the CPU.

Only what succeeds counts here. Whatever else happens, the client is asked, which knows redirections, retries, errors.
"""

import threading
from collections.abc import Mapping, Sequence
from html import unescape
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPSConnection
from re import compile as compiled
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit
from xml.sax.saxutils import escape

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError

from ferryman.tls.trusting import trusting

_UPLOAD_ID = compiled(rb"<UploadId>([^<]+)</UploadId>")
_UNFIT = frozenset({301, 302, 303, 307, 308, 400, 401, 403, 405, 411, 501})
"""Statuses after which the client does it all: another region, credentials or dialect than is known here."""
_CONNECT_SECONDS, _READ_SECONDS = 10, 60
_SMALL_BYTES = 1024 * 1024
"""Bytes of a request that are put together before they are sent."""


class Answer(NamedTuple):
    """What the server said."""

    status: int
    headers: HTTPMessage
    body: bytes


class _Pieces:
    """What a connection sends of a request, piece by piece, as it were its socket."""

    def __init__(self) -> None:
        self._sent: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        """Takes a piece."""
        self._sent.append(data)

    def joined(self) -> Sequence[bytes]:
        """All as one, unless it is large: then a copy would cost more than it is worth."""
        return self._sent if sum(map(len, self._sent)) > _SMALL_BYTES else [b"".join(self._sent)]


class Direct:
    """A bucket, addressed by path, with a connection for each thread.

    A request leaves in one piece. Some servers (S3Proxy) compare ETags when a request's headers have come, and write
    when its body has: a task stopped between the two would write whenever it goes on, over what its successor wrote.

    ``creating`` are headers for every object's creation. ``certificates`` is a file of authorities, for HTTPS.
    """

    def __init__(
        self, url: str, region: str, credentials: Any, creating: Mapping[str, str], certificates: str | None
    ) -> None:
        self._url, self._region, self._credentials, self._creating = url, region, credentials, creating
        self._server = urlsplit(url)
        self._tls = trusting(certificates) if self._server.scheme == "https" else None
        self._local = threading.local()
        self._unfit = False

    def is_free(self, key: str) -> bool:
        """Whether the server says that no object has the name."""
        answer = self._asked("HEAD", key)
        return answer is not None and answer.status == 404

    def begin(self, key: str, metadata: Mapping[str, str]) -> str | None:
        """Opens a multipart upload; its id."""
        headers = {f"x-amz-meta-{name}": value for name, value in metadata.items()} | dict(self._creating)
        answer = self._asked("POST", key, "uploads", headers=headers)
        found = _UPLOAD_ID.search(answer.body) if answer is not None and answer.status == 200 else None
        return None if found is None else unescape(found[1].decode())

    def part(self, key: str, upload: str, number: int, data: bytes) -> str | None:
        """Uploads a part; its ETag."""
        answer = self._asked("PUT", key, f"partNumber={number}&uploadId={quote(upload, safe='')}", data)
        return answer.headers["ETag"] if answer is not None and answer.status == 200 else None

    def put(self, key: str, data: bytes, condition: Mapping[str, str]) -> str | None:
        """Writes an object if the headers of the condition hold; its ETag, which is empty if they do not."""
        answer = self._asked("PUT", key, body=data, headers={**condition, **self._creating})
        if answer is not None and (answer.status == 412 or b"<Code>NoSuchKey</Code>" in answer.body):
            return ""
        return answer.headers["ETag"] if answer is not None and answer.status == 200 else None

    def complete(self, key: str, upload: str, etags: Sequence[str], conditional: bool) -> bool:
        """Makes the object visible; whether that is certain."""
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(etag)}</ETag></Part>"
            for number, etag in enumerate(etags, 1)
        )
        name = "CompleteMultipartUpload"
        body = f'<{name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{parts}</{name}>'.encode()
        headers = {"If-None-Match": "*"} if conditional else {}
        answer = self._asked("POST", key, f"uploadId={quote(upload, safe='')}", body, headers)
        # A failure may come behind the status 200.
        return answer is not None and answer.status == 200 and b"<CompleteMultipartUploadResult" in answer.body

    def _asked(
        self, method: str, key: str, query: str = "", body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer | None:
        if self._unfit:
            return None
        try:
            answer = self._sent(method, f"/{quote(key, safe='/~')}{query and '?'}{query}", body, headers or {})
        except (BotoCoreError, HTTPException, OSError):
            self._hang_up()
            return None
        self._unfit = self._unfit or answer.status in _UNFIT
        return answer

    def _sent(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        request = AWSRequest(method, self._url + path, dict(headers), body)
        S3SigV4Auth(self._credentials.get_frozen_credentials(), "s3", self._region).add_auth(request)
        connection = self._connection()
        sock, pieces = connection.sock, _Pieces()
        connection.sock = pieces
        try:
            connection.request(method, self._server.path + path, body or None, dict(request.headers.items()))
        finally:
            connection.sock = sock
        for piece in pieces.joined():
            sock.sendall(piece)
        with connection.getresponse() as response:
            return Answer(response.status, response.headers, response.read())

    def _connection(self) -> Any:
        found: Any = getattr(self._local, "connection", None)
        if found is None:
            host = self._server.netloc
            if self._tls is None:
                found = HTTPConnection(host, timeout=_CONNECT_SECONDS)
            else:
                found = HTTPSConnection(host, timeout=_CONNECT_SECONDS, context=self._tls)
            self._local.connection = found
        if found.sock is None:
            found.connect()
            opened: Any = found.sock
            opened.settimeout(_READ_SECONDS)
        return found

    def _hang_up(self) -> None:
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
