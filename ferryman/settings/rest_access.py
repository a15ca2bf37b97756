"""Who may use the REST API: ``rest.auth``, and the JAAS configuration of Kafka's basic authentication extension."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from ferryman.config import split_list, trim
from ferryman.java import jaas, properties

LOGIN_CONFIG = "java.security.auth.login.config"
"""Java's system property, and the worker's key, that names the file."""
ENTRY = "KafkaConnect"
_EXTENSION = "org.apache.kafka.connect.rest.basic.auth.extension."
EXTENSIONS = frozenset({f"{_EXTENSION}BasicAuthSecurityRestExtension", "BasicAuthSecurityRestExtension"})
"""The names of the one extension that there is: its class, and its simple name."""
_MODULE = f"{_EXTENSION}PropertyFileLoginModule"
_FORMS = "basic:USER:PASSWORD, token:TOKEN or file:PATH"


@dataclass(frozen=True, slots=True)
class Access:
    """The users that ``rest.auth`` lets in."""

    users: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Names and passwords."""
    tokens: tuple[str, ...] = field(default=(), repr=False)
    """What stands behind ``Authorization: Bearer``."""
    files: tuple[str, ...] = ()
    """Property files of more names and passwords, read again when they change."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The rules in a text. Raises ValueError, which shows none of it."""
        users, tokens, files = list[tuple[str, str]](), list[str](), list[str]()
        for rule in split_list(text):
            kind, _, rest = rule.partition(":")
            user, colon, password = rest.partition(":")
            if kind == "basic" and user and colon and password:
                users.append((user, password))
            elif kind == "token" and rest:
                tokens.append(rest)
            elif kind == "file" and rest:
                files.append(rest)
            else:
                raise ValueError(f"it is a list of {_FORMS}")
        if not (users or tokens or files):
            raise ValueError(f"it names no user; it is a list of {_FORMS}")
        return cls(tuple(users), tuple(tokens), tuple(files))

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return (*self.tokens, *(password for _, password in self.users))


def credentials(path: str) -> dict[str, str]:
    """The names and passwords in a property file. Raises ValueError with what is wrong; an empty one is wrong."""
    try:
        found = properties.load(Path(path).read_bytes())
    except OSError as error:
        raise ValueError(f"the file {path} cannot be read: {error.strerror}") from None
    if not found:
        raise ValueError(f"the file {path} names no user; a line is USER=PASSWORD")
    return found


def login_files(path: str) -> tuple[str, ...]:
    """The property files that the entry KafkaConnect of a login configuration names.

    Raises ValueError with what is wrong: a file, entry, module or option. Whoever is in one of the files may come in:
    Java's flags between several modules change nothing, since a PropertyFileLoginModule that does not know somebody
    asks to be ignored.
    """
    try:
        found = jaas.entries(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ValueError(f"the login configuration {path} cannot be read: {reason}") from None
    except ValueError as error:
        raise ValueError(f"the login configuration {path} cannot be read: {error}") from None
    modules = found.get(ENTRY)
    if not modules:
        raise ValueError(f"the login configuration {path} has no entry {ENTRY}")
    return tuple(_file(path, module) for module in modules)


def _file(path: str, module: jaas.LoginModule) -> str:
    if module.name != _MODULE:
        raise ValueError(f"the login module {module.name} of {path} is Java code; only {_MODULE} is supported")
    file = trim(module.options.get("file", ""))
    if not file:
        raise ValueError(f"the login module of the entry {ENTRY} in {path} lacks the option file")
    credentials(file)
    return file
