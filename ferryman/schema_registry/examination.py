"""A look at a registry for `ferryman doctor`: whether it lets us in, takes schemas, and has those of our topics."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ferryman.errors import FerrymanError, RefusedError
from ferryman.findings import Finding, left_out, mend, ok, warning
from ferryman.schema_registry.client import Registry
from ferryman.schema_registry.keys import RegistryConfig

_TAKES_NONE = ("READONLY", "READONLY_OVERRIDE", "FORWARD")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a converter wants of its registry."""

    prefix: str
    """Of the converter's keys: ``value.converter.``."""
    config: RegistryConfig
    subjects: Sequence[str]
    """The subjects that it will ask for, as far as they are known."""
    registers: bool
    """Whether it registers schemas."""


def findings(asked: Asked) -> Iterator[Finding]:
    """A finding for the registry, for its mode, and for each subject."""
    registry = Registry(asked.config)
    subject = f"registry {', '.join(asked.config.addresses())}"
    try:
        status, body = registry.answer("GET", "/subjects")
    except FerrymanError as error:
        yield mend(subject, str(error), f"correct {asked.prefix}schema.registry.url, or start the registry")
        return
    if status != 200 or not isinstance(body, list):
        yield _refused(asked, subject, status)
        return
    yield ok(subject, f"it lets us in, and has {len(body)} subjects")
    yield from _mode(asked, registry, subject)
    for each in asked.subjects:
        yield from _subject(asked, registry, each, known=each in body)


def _refused(asked: Asked, subject: str, status: int) -> Finding:
    if status in (401, 403):
        keys = f"{asked.prefix}basic.auth.credentials.source and {asked.prefix}basic.auth.user.info"
        return mend(subject, f"it refuses us: HTTP {status}", f"correct {keys}, or give that user the right to read")
    said = f"it answers GET /subjects with HTTP {status}: that is no registry"
    return mend(subject, said, f"correct {asked.prefix}schema.registry.url")


def _mode(asked: Asked, registry: Registry, subject: str) -> Iterator[Finding]:
    mode, compatibility = _setting(registry, "/mode", "mode"), _setting(registry, "/config", "compatibilityLevel")
    if mode is None and compatibility is None:
        yield left_out(subject, "it does not tell its mode and its compatibility")
        return
    said = f"mode {mode or 'not told'}, compatibility {compatibility or 'not told'}"
    if asked.registers and mode is not None and mode.upper() in _TAKES_NONE:
        elsewhere = f"register schemas elsewhere and set {asked.prefix}auto.register.schemas=false"
        what = f"set its mode to READWRITE, or {elsewhere}"
        yield mend(subject, f"{said}: it takes no new schemas", what)
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
        yield warning(subject, str(error), "look whether records of the topic are of another kind of schema")
        return
    yield ok(subject, f"its latest schema has the id {latest.number}, and can be read")
    if asked.registers:
        yield from _may_write(asked, registry, name, latest.text, bool(latest.references))


def _unknown(asked: Asked, subject: str) -> Finding:
    if not asked.registers:
        said = "it is not there: there is no record of that topic with such a schema yet, or it is named otherwise"
        return warning(subject, said, f"look at {asked.prefix}*.subject.name.strategy if there are records already")
    return ok(subject, "it is not there yet; the first record registers it")


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
        return mend(subject, "we may not register", f"{what}{asked.prefix}auto.register.schemas=false")
    if status == 200 and isinstance(body, dict) and body.get("is_compatible"):
        return ok(subject, "it compares schemas for us")
    return left_out(subject, f"whether we may register: it answers a comparison of schemas with HTTP {status}")
