"""Checks a registry for `ferryman doctor`: whether it accepts the login and new schemas, and has those of the
topics."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from ferryman.errors import FerrymanError, RefusedError, RetriableError, TaskError
from ferryman.findings import Finding, left_out, mend, ok, warning
from ferryman.reach import remedies
from ferryman.reach.remedies import Keys
from ferryman.schema_registry.client import Registry
from ferryman.schema_registry.keys import RegistryConfig
from ferryman.schema_registry.tls import tls_context

_LONGEST = 5.0
"""Seconds for each step of a way that has already failed once."""
_PATHS = ("", "/apis/ccompat/v7", "/apis/ccompat/v6")
"""Below which registries answer: Confluent's and Karapace, Apicurio's."""
_TAKES_NONE = ("READONLY", "READONLY_OVERRIDE", "FORWARD")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a converter wants of its registry."""

    prefix: str
    """What the converter's keys begin with: ``value.converter.``."""
    config: RegistryConfig
    subjects: Sequence[str]
    """The subjects that it will ask for, as far as they are known."""
    registers: bool
    """Whether it registers schemas."""
    seconds: float
    """How long one check may take."""

    @property
    def url_key(self) -> str:
        """The key of its addresses."""
        return f"{self.prefix}schema.registry.url"

    def at(self, urls: Sequence[str]) -> Registry:
        """The registry at these addresses, as patient as the look is."""
        patience = max(1, int(self.seconds * 1000))
        limits = {name: min(patience, getattr(self.config, name)) for name in _TIMEOUTS}
        return Registry(self.config.model_copy(update={**limits, "schema_registry_url": list(urls)}))


_TIMEOUTS = ("http_connect_timeout_ms", "http_read_timeout_ms")


def findings(asked: Asked) -> Iterator[Finding]:
    """A finding for the registry, for its mode, and for each subject."""
    registry = asked.at(asked.config.schema_registry_url)
    subject = f"registry {', '.join(asked.config.addresses())}"
    try:
        status, body = registry.answer("GET", "/subjects")
    except RetriableError as error:
        yield from _away(asked, subject, error)
        return
    except TaskError as error:
        yield mend(subject, str(error), f"correct {asked.prefix}schema.registry.ssl.*")
        return
    if status != 200 or not isinstance(body, list):
        yield _refused(asked, subject, status)
        return
    yield ok(subject, f"it accepts the login, and has {len(body)} subjects")
    yield from _mode(asked, registry, subject)
    for each in asked.subjects:
        yield from _subject(asked, registry, each, known=each in body)


def _away(asked: Asked, subject: str, error: RetriableError) -> Iterator[Finding]:
    """What is in the way to each of its addresses; what has been heard, if nothing is."""
    keys = Keys.of_url(asked.url_key, f"{asked.prefix}schema.registry.ssl.truststore.location")
    found = list[Finding]()
    if not asked.config.proxy_host:
        context, seconds = tls_context(asked.config), min(_LONGEST, asked.seconds)
        looked = (remedies.to_url(f"registry {url}", url, context, keys, seconds) for url in asked.config.addresses())
        found += [each for each in looked if each is not None]
    yield from found or [mend(subject, str(error), f"start the registry, or correct {asked.url_key}")]


def _refused(asked: Asked, subject: str, status: int) -> Finding:
    if status == 401:
        return mend(subject, "it requires a login, and does not accept this one: HTTP 401", _login(asked))
    if status == 403:
        return mend(
            subject,
            "it accepts the login, but forbids the request: HTTP 403",
            "give that user the right to read subjects",
        )
    if status == 407:
        return mend(subject, "a proxy requires a login: HTTP 407", "use a proxy that does not, or no proxy")
    said = f"it answers GET /subjects with HTTP {status} and without a list: that is not a registry"
    other = _elsewhere(asked)
    return mend(subject, said, f"{asked.url_key}={other}" if other else f"correct {asked.url_key}")


def _login(asked: Asked) -> str:
    config, prefix = asked.config, asked.prefix
    if config.bearer_auth_credentials_source is not None:
        return f"correct {prefix}bearer.auth.token"
    if config.basic_auth_credentials_source == "USER_INFO":
        return f"correct {prefix}basic.auth.user.info"
    if config.basic_auth_credentials_source == "SASL_INHERIT":
        return f"correct {prefix}sasl.jaas.config"
    if any(config.credentials()):
        return f"correct user and password in {asked.url_key}"
    return f"set {prefix}basic.auth.credentials.source=USER_INFO and {prefix}basic.auth.user.info"


def _elsewhere(asked: Asked) -> str | None:
    """The address of a registry on the same host and port, without a user; None if there is none, or there are several
    addresses."""
    given = asked.config.schema_registry_url
    if len(given) != 1:
        return None
    parts = urlsplit(given[0])
    for path in _PATHS:
        url = urlunsplit((parts.scheme, parts.netloc, path, "", ""))
        try:
            status, body = asked.at([url]).answer("GET", "/subjects")
        except FerrymanError:
            continue
        if status == 200 and isinstance(body, list):
            return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, "", ""))
    return None


def _mode(asked: Asked, registry: Registry, subject: str) -> Iterator[Finding]:
    mode, compatibility = _setting(registry, "/mode", "mode"), _setting(registry, "/config", "compatibilityLevel")
    if mode is None and compatibility is None:
        yield left_out(subject, "it does not give its mode and its compatibility")
        return
    said = f"mode {mode or 'not told'}, compatibility {compatibility or 'not told'}"
    if asked.registers and mode is not None and mode.upper() in _TAKES_NONE:
        elsewhere = f"register schemas elsewhere and set {asked.prefix}auto.register.schemas=false"
        what = f"set its mode to READWRITE, or {elsewhere}"
        yield mend(subject, f"{said}: it accepts no new schemas", what)
    else:
        yield ok(subject, said)


def _setting(registry: Registry, path: str, name: str) -> str | None:
    try:
        status, body = registry.answer("GET", path)
    except FerrymanError:
        return None
    return str(body[name]) if status == 200 and isinstance(body, dict) and name in body else None


def _subject(asked: Asked, registry: Registry, name: str, known: bool) -> Iterator[Finding]:
    subject = f"subject {name}"
    if not known:
        yield _unknown(asked, subject)
        return
    try:
        latest = registry.latest(name)
    except RefusedError as error:
        yield mend(subject, str(error), "give that user the right to read the subject")
        return
    except FerrymanError as error:
        yield warning(subject, str(error), "check whether records of the topic have another kind of schema")
        return
    yield ok(subject, f"its latest schema has the id {latest.number}, and can be read")
    if asked.registers:
        yield from _may_write(asked, registry, name, latest.text, bool(latest.references))


def _unknown(asked: Asked, subject: str) -> Finding:
    if not asked.registers:
        said = "it does not exist: no record of that topic has such a schema yet, or the subject has another name"
        return warning(subject, said, f"check {asked.prefix}*.subject.name.strategy if there are records already")
    return ok(subject, "it does not exist yet; the first record registers it")


def _may_write(asked: Asked, registry: Registry, name: str, text: str, refers: bool) -> Iterator[Finding]:
    """By asking whether the latest schema could follow itself: that changes nothing."""
    subject = f"subject {name}"
    if refers:
        yield left_out(subject, "whether we may register: its schema refers to others")
        return
    path = f"/compatibility/subjects/{quote(name, safe='')}/versions/latest"
    try:
        status, body = registry.answer("POST", path, {"schema": text})
    except FerrymanError as error:
        yield left_out(subject, f"whether we may register: {error}")
        return
    yield _judged(asked, subject, status, body)


def _judged(asked: Asked, subject: str, status: int, body: Any) -> Finding:
    if status in (401, 403):
        what = f"give the user of {asked.prefix}basic.auth.user.info the right to register, or set "
        return mend(subject, "the user may not register schemas", f"{what}{asked.prefix}auto.register.schemas=false")
    if status == 200 and isinstance(body, dict) and body.get("is_compatible"):
        return ok(subject, "it compares schemas for this user")
    return left_out(subject, f"whether we may register: it answers a comparison of schemas with HTTP {status}")
