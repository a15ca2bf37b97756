r"""A place in a pattern whose quotes (``\Q…\E``) are taken out, and the escapes that mean one character everywhere."""

import re
from dataclasses import dataclass

from ferryman.errors import ConfigError
from ferryman.java.regex.code_points import POSIX, CodePoints, either_case

NAME = re.compile("[A-Za-z][A-Za-z0-9]*")
_HEXADECIMAL = "0123456789abcdefABCDEF"
_CONTROLS = {"a": "\x07", "e": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def refuse(reason: str) -> ConfigError:
    """The error for a pattern that Java or this class refuses."""
    return ConfigError.for_key("regex", f"Invalid regex: {reason}")


@dataclass(frozen=True, slots=True)
class Flags:
    """What ``(?i)``, ``(?m)`` and ``(?s)`` have switched on."""

    either: bool = False
    lines: bool = False
    all: bool = False

    def spread(self, members: CodePoints) -> CodePoints:
        """The code points, in both cases if case does not count."""
        return either_case(members) if self.either else members


def _unquoted(pattern: str) -> tuple[str, bytearray]:
    """The pattern without ``\\Q`` and ``\\E``, and for each character whether it was quoted."""
    parts: list[str] = []
    quoted = bytearray()
    at = 0
    while at < len(pattern):
        if pattern.startswith("\\Q", at):
            end = pattern.find("\\E", at + 2)
            part = pattern[at + 2 : len(pattern) if end < 0 else end]
            parts.append(part)
            quoted += b"\1" * len(part)
            at = len(pattern) if end < 0 else end + 2
        else:
            part = pattern[at : at + 2] if pattern[at] == "\\" else pattern[at]
            parts.append(part)
            quoted += bytes(len(part))
            at += len(part)
    return "".join(parts), quoted


@dataclass(slots=True)
class Cursor:
    """Reads a pattern character by character."""

    text: str
    quoted: bytearray
    at: int = 0

    @classmethod
    def over(cls, pattern: str) -> "Cursor":
        """A cursor at a pattern's beginning."""
        return cls(*_unquoted(pattern))

    @property
    def more(self) -> bool:
        """Whether there is a character left."""
        return self.at < len(self.text)

    @property
    def sign(self) -> str:
        """The next character if it may be special: empty at the end and for a quoted one."""
        return self.text[self.at] if self.more and not self.quoted[self.at] else ""

    def after(self) -> str:
        """The character after the next one, as ``sign``."""
        behind = Cursor(self.text, self.quoted, self.at + 1)
        return behind.sign

    def take(self) -> str:
        """The next character."""
        self.at += 1
        return self.text[self.at - 1]

    def takes(self, sign: str) -> bool:
        """Whether the next character is this one, which is then consumed."""
        if self.sign != sign:
            return False
        self.at += 1
        return True

    def number(self) -> int | None:
        """A number of up to ten digits; None without one."""
        start = self.at
        while self.sign and self.sign in "0123456789" and self.at - start < 11:
            self.at += 1
        return int(self.text[start : self.at]) if self.at > start else None

    def take_escaped(self) -> str:
        """The character after a backslash."""
        if not self.more or self.quoted[self.at]:
            raise refuse("Unexpected internal error: a backslash stands before nothing")
        return self.take()

    def plain(self, letter: str) -> str:
        """The one character that an escape stands for, its first character having been read."""
        if letter in _CONTROLS:
            return _CONTROLS[letter]
        match letter:
            case "0":
                return self._octal()
            case "x":
                return self._hexadecimal()
            case "u":
                return self._unit()
            case "c":
                return chr(ord(self.take_escaped()) ^ 64)
        if letter.isascii() and letter.isalnum():
            raise refuse(f"Illegal/unsupported escape sequence near index {self.at}")
        return letter

    def property(self) -> str:
        """The name of a known class of ``\\p{…}``."""
        start = self.at
        end = self.text.find("}", start)
        name = self.text[start + 1 : end] if self.sign == "{" and end > 0 else ""
        if name not in POSIX:
            raise refuse(
                f"the class \\p{self.text[start : end + 1 if end > 0 else start + 1][:50]} is not supported here"
            )
        self.at = end + 1
        return name

    def _digits(self, most: int, known: str) -> str:
        start = self.at
        while self.sign and self.sign in known and self.at - start < most:
            self.at += 1
        return self.text[start : self.at]

    def _octal(self) -> str:
        digits = self._digits(1, "01234567")
        digits += self._digits(2 if digits and digits in "0123" else 1, "01234567") if digits else ""
        if not digits:
            raise refuse(f"Illegal octal escape sequence near index {self.at}")
        return chr(int(digits, 8))

    def _hexadecimal(self) -> str:
        if self.takes("{"):
            digits = self._digits(8, _HEXADECIMAL)
            if digits and self.takes("}") and int(digits, 16) <= 0x10FFFF:
                return chr(int(digits, 16))
        elif len(digits := self._digits(2, _HEXADECIMAL)) == 2:
            return chr(int(digits, 16))
        raise refuse(f"Illegal hexadecimal escape sequence near index {self.at}")

    def _unit(self) -> str:
        first = self._four()
        if 0xD800 <= first <= 0xDBFF and self.sign == "\\" and self.after() == "u":
            start = self.at
            self.at += 2
            second = self._four()
            if 0xDC00 <= second <= 0xDFFF:
                return chr(0x10000 + (first - 0xD800) * 0x400 + second - 0xDC00)
            self.at = start
        return chr(first)

    def _four(self) -> int:
        digits = self._digits(4, _HEXADECIMAL)
        if len(digits) < 4:
            raise refuse(f"Illegal Unicode escape sequence near index {self.at}")
        return int(digits, 16)
