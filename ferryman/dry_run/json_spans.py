"""A line of JSON taken apart into the texts of its members, so that each can be decoded as its bytes deserve."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

_BLANKS = re.compile(r"[ \t\r\n]*")


class Digits(str):
    """A JSON integer as it is written."""

    __slots__ = ()


class Real(str):
    """A JSON number with a fraction or an exponent, as it is written."""

    __slots__ = ()


class Span(NamedTuple):
    """A member's value, and where it stands in the line."""

    value: Any
    """Numbers are text (Digits or Real)."""
    start: int
    """The index of its first character."""
    stop: int
    """The index after its last one."""


def _refuse(token: str) -> NoReturn:
    raise ValueError(f"{token} is not JSON")


_decoder = json.JSONDecoder(parse_int=Digits, parse_float=Real, parse_constant=_refuse)


class Spans:
    """A cursor over one text. Every method raises ValueError where the text is not JSON."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def takes(self, character: str) -> bool:
        """Whether that character is next, blanks apart; it is then passed."""
        match = _BLANKS.match(self.text, self.at)
        assert match is not None
        self.at = match.end()
        found = self.text.startswith(character, self.at)
        self.at += len(character) if found else 0
        return found

    def expect(self, character: str) -> None:
        """Goes on behind that character. Raises ValueError if another one comes next."""
        if not self.takes(character):
            raise ValueError(f"Expecting '{character}' at column {self.at + 1}")

    def end(self) -> None:
        """Nothing but blanks is left."""
        self.takes("")
        if self.at < len(self.text):
            raise ValueError(f"Extra data at column {self.at + 1}")

    def members(self) -> Iterator[str]:
        """The names of an object; the cursor then stands before the value, which must be passed."""
        self.expect("{")
        if self.takes("}"):
            return
        while True:
            name = self.value().value
            if name.__class__ is not str:
                raise ValueError(f"Expecting a name before column {self.at + 1}")
            self.expect(":")
            yield name
            if not self.takes(","):
                self.expect("}")
                return

    def items(self) -> Iterator[None]:
        """The places of an array; the cursor then stands before the item, which must be passed."""
        self.expect("[")
        if self.takes("]"):
            return
        while True:
            yield
            if not self.takes(","):
                self.expect("]")
                return

    def value(self) -> Span:
        """The next value; moves past it. Raises ValueError for what is not JSON."""
        self.takes("")
        start = self.at
        found, self.at = _decoder.raw_decode(self.text, start)
        return Span(found, start, self.at)
