"""Who may use the REST API: by ``rest.auth``, or by Kafka's basic authentication extension and its JAAS entry."""

import base64
import binascii
import hmac
import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request

from ferryman.rest.http_messages import Answer, PlainText
from ferryman.settings import rest_access
from ferryman.settings.settings import Settings
from ferryman.telemetry import redaction
from ferryman.worker.pool import Pool

log = logging.getLogger(__name__)

_REFUSED = "User cannot access the resource."
_CHALLENGE = 'Basic realm="kafka-connect", charset="UTF-8"'


class UserFile:
    """A property file of names and passwords, read again when it has changed. What cannot be read any more leaves
    those in who were."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._mark: object = ()
        self._users: Mapping[str, str] = {}

    def users(self) -> Mapping[str, str]:
        """Names and passwords. It reads files."""
        try:
            found = os.stat(self._path)
            mark: object = (found.st_mtime_ns, found.st_size, found.st_ino)
        except OSError:
            mark = None
        if mark != self._mark:
            self._mark = mark
            try:
                self._users = rest_access.credentials(self._path)
            except ValueError as error:
                log.warning("%s; the users that it named before may still use the REST API", error)
            for password in self._users.values():
                redaction.protect(password)
        return self._users


@dataclass(frozen=True, slots=True)
class _Credentials:
    """What a request says about who sends it."""

    user: str | None = None
    password: str = field(default="", repr=False)
    token: str | None = field(default=None, repr=False)

    @classmethod
    def read(cls, header: str | None) -> "_Credentials":
        scheme, _, rest = (header or "").partition(" ")
        if scheme.lower() == "bearer":
            return cls(token=rest.strip())
        if scheme.lower() != "basic":
            return cls()
        try:
            user, colon, password = base64.b64decode(rest, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return cls()
        return cls(user, password) if user and colon else cls()


class Authentication:
    """Asks requests who sends them. One for all listeners of a worker."""

    def __init__(self, settings: Settings) -> None:
        security = settings.rest
        self._own, self._extension = security.access, security.login_files is not None
        self._health = settings.config.rest_auth_health
        paths = (self._own.files if self._own else ()) + (security.login_files or ())
        self._files = [UserFile(path) for path in paths]
        self._pool = Pool("access", 2, 256)

    def spares_internal(self, *, signed: bool) -> bool:
        """Whether requests of workers among themselves need no password: those that are signed, and with Kafka's
        extension also the others, as there."""
        return signed or self._own is None

    async def refuses(self, request: Request, path: tuple[str, ...], *, admin: bool) -> Answer | None:
        """The answer to a request that may not be met; None for one that may. ``admin`` listeners are not guarded by
        Kafka's extension, as there."""
        if self._own is None and (admin or not self._extension):
            return None
        if self._own is not None and path == ("health",) and not self._health:
            return None
        given = _Credentials.read(request.headers.get("authorization"))
        if await self._known(given):
            return None
        if self._own is None:  # in Kafka's words: its text is no JSON, whatever the type says
            return Answer(401, PlainText(_REFUSED), {"WWW-Authenticate": _CHALLENGE})
        challenge = _CHALLENGE if self._own.users or self._own.files else 'Bearer realm="kafka-connect"'
        return Answer(401, {"error_code": 401, "message": _REFUSED}, {"WWW-Authenticate": challenge})

    async def _known(self, given: _Credentials) -> bool:
        tokens = self._own.tokens if self._own else ()
        if given.token is not None:
            return _any_equal(given.token, tokens)
        if given.user is None:
            return False
        users = list(self._own.users if self._own else ())
        if self._files:
            read = await self._pool.run("reading who may use the REST API", lambda: [f.users() for f in self._files])
            users += [pair for each in read for pair in each.items()]
        return _any_equal(given.password, [password for user, password in users if user == given.user])


def _any_equal(given: str, accepted: Iterable[str]) -> bool:
    """Compares with each one in constant time."""
    found = [hmac.compare_digest(given.encode(), each.encode()) for each in accepted]
    return any(found)
