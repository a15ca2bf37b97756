"""Contexts: where workers are and how to log in there, remembered by name, one of them the current one (as kubectl's
and kcctl's). Passwords and tokens are not kept: a context names the file that holds one."""

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from ferryman.client.errors import UnusableContextError
from ferryman.files import documents

VARIABLE, TOKEN = "FERRYMAN_PASSWORD", "FERRYMAN_TOKEN"
"""The environment variables with the password or a token, where there is no file."""
DEFAULT_URL = "http://127.0.0.1:8083"


@dataclass(frozen=True, slots=True)
class Context:
    """A worker, or a group of them."""

    url: str = DEFAULT_URL
    user: str | None = None
    password_file: str | None = None
    """The file whose first line is the password; None where FERRYMAN_PASSWORD holds it."""
    token_file: str | None = None
    """The file whose first line is a token, where there is no user; None where FERRYMAN_TOKEN may hold one."""
    ca: str | None = None
    """PEM file of those to trust; None for the system's."""
    certificate: str | None = None
    """PEM file of the client's certificate, with its key or without."""
    key: str | None = None
    """PEM file of its key."""

    def checked(self) -> "Context":
        """Itself. Raises UnusableContextError if the address is none."""
        try:
            parts = urlsplit(self.url)
            _ = parts.port
        except ValueError as error:
            raise UnusableContextError(f"{self.url!r} is not a URL: {error}") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UnusableContextError(f"{self.url!r} is not a worker's address: write http://host:port")
        if parts.username is not None or parts.password is not None:
            text = f"a URL shows its password to everybody: give the user with --user, and the password in {VARIABLE}"
            raise UnusableContextError(text)
        return self

    def authorization(self) -> tuple[str, str] | str | None:
        """User and password, or a token, or nothing. Raises UnusableContextError if there is a user and no password."""
        if self.user is None:
            return os.environ.get(TOKEN) if self.token_file is None else _first_line("token", self.token_file)
        if self.password_file is not None:
            return self.user, _first_line("password", self.password_file)
        if VARIABLE not in os.environ:
            raise UnusableContextError(f"the user {self.user} needs a password in {VARIABLE}, or --password-file")
        return self.user, os.environ[VARIABLE]

    def changed(self, **given: str | None) -> "Context":
        """With those of the values that are given."""
        return replace(self, **{name: value for name, value in given.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Contexts:
    """What is remembered."""

    known: Mapping[str, Context]
    current: str | None = None
    """The name of the context that commands use by default; None for DEFAULT_URL."""

    def of(self, name: str | None) -> Context:
        """The context of that name, or the current one. Raises UnusableContextError if it is not known."""
        wanted = name or self.current
        if wanted is None:
            return Context()
        if wanted not in self.known:
            there = ", ".join(sorted(self.known)) or "none"
            raise UnusableContextError(f"there is no context {wanted}; there is {there} (ferryman contexts list)")
        return self.known[wanted]


def file() -> Path:
    """Where contexts are kept."""
    return Path(click.get_app_dir("ferryman")) / "contexts.json"


def load() -> Contexts:
    """What is remembered; nothing, if nothing ever was. Raises UnusableContextError."""
    path = file()
    try:
        content = documents.loads(path.read_bytes())
    except FileNotFoundError:
        return Contexts({})
    except (OSError, ValueError) as error:
        raise UnusableContextError(f"{path}: {_why(error)}") from None
    try:
        known = {str(name): _context(each) for name, each in content["contexts"].items()}
        return Contexts(known, content.get("current"))
    except (TypeError, KeyError, AttributeError) as error:
        raise UnusableContextError(f"{path} is not a file of contexts: {error!r}") from None


def save(contexts: Contexts) -> None:
    """Remembers these, and nothing else. Whole or not at all, for its owner's eyes only."""
    path = file()
    known = {name: _filled(each) for name, each in sorted(contexts.known.items())}
    text = json.dumps({"current": contexts.current, "contexts": known}, indent=2)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as new:  # mkstemp's mode is 0600
            new.write(f"{text}\n")
        os.replace(new.name, path)
    except OSError as error:
        raise UnusableContextError(f"{path}: {_why(error)}") from None


def _first_line(what: str, path: str) -> str:
    try:
        text = Path(path).expanduser().read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableContextError(f"the {what} file {path}: {_why(error)}") from None
    return text.partition("\n")[0].rstrip("\r")


def _context(content: Mapping[str, Any]) -> Context:
    names = {each.name for each in fields(Context)}
    return Context(**{name: str(value) for name, value in content.items() if name in names and value is not None})


def _filled(context: Context) -> dict[str, str]:
    return {name: value for name, value in asdict(context).items() if value is not None}


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
