r"""Reads patterns of java.util.regex, as its class Pattern does.

What cannot be honoured exactly is refused by name: nothing is silently matched in another way.
"""

from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal

from ferryman.errors import ConfigError
from ferryman.java.regex import code_points
from ferryman.java.regex.character_class import read_class
from ferryman.java.regex.code_points import CLASSES, POSIX, CodePoints
from ferryman.java.regex.cursor import NAME, Cursor, Flags, refuse
from ferryman.java.regex.syntax import At, Atomic, Back, Either, Group, Letter, Look, Node, Pattern, Repeat, Row

MAX_PATTERN_CHARACTERS = 20_000
"""Characters that a pattern may have."""
MAX_DEPTH = 100
"""How deep groups may be nested."""
_MOST = (1 << 31) - 1
_REFUSED = {"X": r"\X", "G": r"\G", "R": r"\R", "N": r"\N{…} names"}


@cache
def parsed(pattern: str) -> Pattern:
    """A pattern's parts. Raises ConfigError (key ``regex``): what Java refuses, and what is not supported here."""
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise ConfigError.for_key("regex", f"Invalid regex: it has more than {MAX_PATTERN_CHARACTERS:,} characters")
    reader = _Reader(Cursor.over(pattern))
    root = reader.options()
    if reader.cursor.more:
        raise refuse(f"Unmatched closing ')' near index {reader.cursor.at}")
    return Pattern(root, reader.groups, dict(reader.names))


@dataclass(slots=True)
class _Reader:
    cursor: Cursor
    flags: Flags = field(default_factory=Flags)
    groups: int = 0
    depth: int = 0
    names: dict[str, int] = field(default_factory=dict)

    def options(self) -> Node:
        """Alternatives, up to the end or a closing parenthesis."""
        found = [self.row()]
        while self.cursor.takes("|"):
            found.append(self.row())
        return found[0] if len(found) == 1 else Either(tuple(found))

    def row(self) -> Node:
        """Parts one behind the other."""
        parts: list[Node] = []
        while self.cursor.more and self.cursor.sign not in ("|", ")"):
            part = self.part()
            if part is not None:
                parts.append(self.repeated(part))
        return parts[0] if len(parts) == 1 else Row(tuple(parts))

    def part(self) -> Node | None:
        """One part without its quantifier; None for flags, which no quantifier may follow."""
        sign = self.cursor.sign
        if sign in ("*", "+", "?"):
            raise refuse(f"Dangling meta character '{sign}' near index {self.cursor.at}")
        if sign == "{":
            raise refuse(f"Illegal repetition near index {self.cursor.at}")
        match self.cursor.take():
            case "(" if sign:
                return self.group()
            case "[" if sign:
                return Letter(read_class(self.cursor, self.flags))
            case "." if sign:
                return Letter(code_points.ANY if self.flags.all else code_points.DOT)
            case "^" if sign:
                return At("line start" if self.flags.lines else "start")
            case "$" if sign:
                return At("line end" if self.flags.lines else "last")
            case "\\" if sign:
                return self.escape()
            case letter:
                return Letter(self.flags.spread(code_points.code_point_set(letter)))

    def repeated(self, part: Node) -> Node:
        """The part under the quantifier that follows, if one does."""
        sign = self.cursor.sign
        if sign not in ("?", "*", "+", "{"):
            return part
        self.cursor.take()
        least, most = {"?": (0, 1), "*": (0, None), "+": (1, None)}.get(sign) or self.bounds()
        mode: Literal["greedy", "lazy", "possessive"] = "greedy"
        if self.cursor.takes("?"):
            mode = "lazy"
        elif self.cursor.takes("+"):
            mode = "possessive"
        return Repeat(part, least, most, mode)

    def bounds(self) -> tuple[int, int | None]:
        """What is in braces."""
        at = self.cursor.at
        least = self.cursor.number()
        most: int | None = least
        if self.cursor.takes(","):
            most = None if self.cursor.sign == "}" else self.cursor.number()
        if least is None or not self.cursor.takes("}"):
            raise refuse(f"Illegal repetition near index {at}")
        if least > _MOST or (most is not None and not least <= most <= _MOST):
            raise refuse(f"Illegal repetition range near index {at}")
        return least, most

    def group(self) -> Node | None:
        """What is in parentheses, the first one having been read."""
        outer = self.flags
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise refuse(f"groups are nested more than {MAX_DEPTH} deep")
        found = self.extended() if self.cursor.takes("?") else self.captured(None)
        self.depth -= 1
        if found is not None:
            if not self.cursor.takes(")"):
                raise refuse(f"Unclosed group near index {self.cursor.at}")
            self.flags = outer
        return found

    def captured(self, name: str | None) -> Node:
        """A capturing group; its number counts opening parentheses."""
        self.groups += 1
        number = self.groups
        if name is not None:
            self.names[name] = number
        return Group(number, name, self.options())

    def extended(self) -> Node | None:
        """A group that begins with ``(?``."""
        cursor = self.cursor
        for sign in (":", "=", "!", ">"):
            if cursor.takes(sign):
                body = self.options()
                return body if sign == ":" else Atomic(body) if sign == ">" else Look(sign, body)  # type: ignore[arg-type]
        if cursor.takes("<"):
            if cursor.takes("="):
                return Look("<=", self.options())
            if cursor.takes("!"):
                return Look("<!", self.options())
            return self.captured(self.name(">", fresh=True))
        self.flags = self.changed_flags()
        if cursor.takes(")"):
            # They hold to the end of the group around them, which puts its own back.
            return None
        if not cursor.takes(":"):
            raise refuse(f"Unknown inline modifier near index {cursor.at}")
        return self.options()

    def changed_flags(self) -> Flags:
        """Flags as code points, those behind a hyphen being taken away."""
        flags, on = self.flags, True
        while (sign := self.cursor.sign) and sign in "imsxdcuU-":
            self.cursor.take()
            if sign == "-":
                on = False
            elif sign not in "ims":
                raise refuse(f"the flag {sign} is not supported here")
            else:
                flags = replace(flags, **{{"i": "either", "m": "lines", "s": "all"}[sign]: on})
        return flags

    def name(self, end: str, fresh: bool = False) -> str:
        """A group's name, up to a sign."""
        name = ""
        while self.cursor.more and not self.cursor.takes(end):
            name += self.cursor.take()
        if not NAME.fullmatch(name):
            raise refuse("capturing group name does not start with a Latin letter or is not closed")
        if fresh == (name in self.names):
            raise refuse(
                f"Named capturing group <{name}> is already defined" if fresh else f"there is no group <{name}>"
            )
        return name

    def escape(self) -> Node:
        """What a backslash stands before."""
        letter = self.cursor.take_escaped()
        if letter in _REFUSED:
            raise refuse(f"{_REFUSED[letter]} is not supported here")
        if letter in CLASSES:
            return Letter(CLASSES[letter])
        match letter:
            case "p" | "P":
                return Letter(self.property(letter))
            case "A":
                return At("start")
            case "z":
                return At("end")
            case "Z":
                return At("last")
            case "b" | "B":
                if self.cursor.sign == "{":
                    raise refuse(r"\b{…} is not supported here")
                return At("boundary" if letter == "b" else "no boundary")
            case "k":
                if not self.cursor.takes("<"):
                    raise refuse(r"\k is not followed by '<' for named capturing group")
                return Back(self.names[self.name(">")], self.flags.either)
            case digit if digit in "123456789":
                return self.back(int(digit))
        return Letter(self.flags.spread(code_points.code_point_set(self.cursor.plain(letter))))

    def back(self, number: int) -> Node:
        """A reference by number; further digits belong to it as long as there is such a group."""
        while self.cursor.more and (digit := self.cursor.sign) and digit in "0123456789":
            if number * 10 + int(digit) > self.groups:
                break
            number = number * 10 + int(self.cursor.take())
        return Back(number if number <= self.groups else None, self.flags.either)

    def property(self, letter: str) -> CodePoints:
        """One of the ASCII classes of ``\\p{…}``."""
        found = self.cursor.property()
        members = self.flags.spread(POSIX[found])
        return code_points.others(members) if letter == "P" else members
