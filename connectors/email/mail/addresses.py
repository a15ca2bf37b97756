"""E-mail addresses and header texts made of data: one address where one is meant, and never a line of its own."""

import re
import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from email.header import Header
from email.utils import formataddr

import idna

from ferryman.errors import DataError

LONGEST_NAME = 200
LONGEST_LOCAL, LONGEST_DOMAIN = 64, 253
_FORM = re.compile(r"(?:(?P<name>[^<>]*)<(?P<angle>[^<>]*)>|(?P<bare>[^<>]*))")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_LINES = frozenset({"Cc", "Zl", "Zp", "Cs"})
_SEPARATOR = f"\x1f{secrets.token_hex(8)}\x1f"
"""Stands between the addresses of a list. No record can know it, so that none can make two addresses of one."""


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox."""

    spec: str
    """What the server is given, in ASCII: a@b.example."""
    name: str = ""
    """What is shown; may be empty."""

    @property
    def domain(self) -> str:
        """What follows the @."""
        return self.spec.rpartition("@")[2]

    def header(self) -> str:
        """The mailbox as a header says it, in ASCII."""
        if self.name.isascii() and "=?" not in self.name:
            return formataddr((self.name, self.spec))
        return f"{encoded_words(self.name)} <{self.spec}>"


def encoded_words(text: str) -> str:
    """Text as RFC 2047's encoded words, on one line with blanks between them."""
    return Header(text, "utf-8", maxlinelen=60).encode(splitchars="", linesep="")


def one_line(key: str, text: str, longest: int = 1000) -> str:
    """A header's text. Raises DataError if it has several lines or control characters, or is too long."""
    if len(text) > longest:
        raise DataError(f"{key}: {len(text)} characters, at most {longest} are allowed")
    if wrong := next(
        (character for character in text if unicodedata.category(character) in _LINES and character != "\t"), None
    ):
        raise DataError(f"{key}: the character {_shown(wrong)} must not be in a header")
    return text.replace("\t", " ").strip()


def _shown(character: str) -> str:
    return f"U+{ord(character):04X}"


def one_address(key: str, text: str) -> Address:
    """Exactly one address, ``a@b.example`` or ``Name <a@b.example>``. Raises DataError for none, several or a bad one.

    The local part is ASCII and not quoted; a domain in other letters becomes its IDNA form.
    """
    line = one_line(key, text)
    found = _FORM.fullmatch(line)
    spec = "" if found is None else (found["angle"] if found["angle"] is not None else found["bare"]).strip()
    local, at, domain = spec.rpartition("@")
    if found is None or not at or not _LOCAL.fullmatch(local) or len(local) > LONGEST_LOCAL:
        raise DataError(f"{key}: {_wrong(line, found, spec, local)}")
    return Address(f"{local}@{_domain(key, domain)}", _name(key, found["name"] or ""))


def _wrong(line: str, found: re.Match[str] | None, spec: str, local: str) -> str:
    """What is wrong with a text that is not an address."""
    shown = _excerpt(line)
    if not line:
        return "not an e-mail address: the text is empty"
    if line.count("@") > 1 and (any(mark in line for mark in ",; ") or 0 <= line.find(">") < line.rfind("<")):
        several = "there are several; the filter addresses turns a list in the record into several recipients"
        return f"{shown} is not exactly one e-mail address: {several}"
    if found is None:
        return f"{shown} is not exactly one e-mail address: its <> must enclose one, as in Name <a@b.example>"
    if "@" not in spec:
        return f"{shown} is not exactly one e-mail address: it has no @"
    if not local:
        return f"{shown} is not an e-mail address: there is nothing before its @"
    if len(local) > LONGEST_LOCAL:
        return (
            f"{shown} is not an e-mail address: it has {len(local)} characters before its @, at most "
            f"{LONGEST_LOCAL} are allowed"
        )
    if wrong := next((character for character in local if not _LOCAL.fullmatch(character) and character != "."), None):
        name = "a blank" if wrong == " " else f"the character {_character(wrong)}"
        return f"{shown} is not an e-mail address: {name} is not allowed before its @"
    return f"{shown} is not an e-mail address: a dot before its @ must be between two other characters"


def _character(character: str) -> str:
    return character if character.isascii() and character.isprintable() else f"{character} ({_shown(character)})"


def _domain(key: str, domain: str) -> str:
    try:
        # Not Python's own codec, by which straße.de is strasse.de, which may be somebody else's.
        ascii_form = domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        ascii_form = ""
    if len(ascii_form) > LONGEST_DOMAIN or not all(map(_LABEL.fullmatch, ascii_form.split("."))):
        what = (
            f"{_excerpt(domain)} is not the domain of an e-mail address" if domain else "there is nothing after the @"
        )
        raise DataError(f"{key}: {what}")
    return ascii_form


def _name(key: str, text: str) -> str:
    name = text.strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    if len(name) > LONGEST_NAME:
        raise DataError(f"{key}: a name of {len(name)} characters, at most {LONGEST_NAME} are allowed")
    return name


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")


def join_addresses(values: Iterable[object]) -> str:
    """The template filter ``addresses``: a list of the record's as several addresses, each of which is one."""
    return _SEPARATOR.join(map(str, values))


def several(key: str, text: str) -> list[Address]:
    """What one entry of a list of recipients was rendered to: one address, none if it is blank, or a list's."""
    return [one_address(key, part) for part in text.split(_SEPARATOR) if part.strip(" ")]
