"""Random texts that match a plain regular expression: literals, classes, groups, alternatives and repetition."""

import string
from collections.abc import Callable, Sequence
from random import Random

Draw = Callable[[Random], str]

PRINTABLE = "".join(chr(code) for code in range(32, 127))
WORD = string.ascii_letters + string.digits + "_"
CLASSES = {"d": string.digits, "w": WORD, "s": " \t"}
CONTROLS = {"t": "\t", "n": "\n", "r": "\r"}
MOST_REPEATS = 10
"""How often ``*``, ``+`` and ``{n,}`` repeat at most beyond what they must."""

LONGEST_EXPRESSION = 1000
"""Characters of an expression; each is kept as a function that draws it."""


def pattern(text: str) -> Draw:
    """What draws texts matching the expression. Raises ValueError, saying which part is not supported."""
    if len(text) > LONGEST_EXPRESSION:
        raise ValueError(f"a regex of more than {LONGEST_EXPRESSION:,} characters")
    parser = _Parser(text)
    draw = parser.alternatives()
    if not parser.done:
        raise ValueError(f"unmatched ) in regex {text!r}")
    return draw


class _Parser:
    """Reads an expression, once from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def done(self) -> bool:
        return self._at >= len(self._text)

    def alternatives(self) -> Draw:
        branches = [self._sequence()]
        while self._take("|"):
            branches.append(self._sequence())
        return branches[0] if len(branches) == 1 else lambda random: _pick(random, branches)(random)

    def _sequence(self) -> Draw:
        parts: list[Draw] = []
        while not self.done and self._text[self._at] not in "|)":
            parts.append(self._repeated(self._atom()))
        return lambda random: "".join([part(random) for part in parts])

    def _atom(self) -> Draw:
        character = self._next()
        match character:
            case "(":
                return self._group()
            case "[":
                return _one_of(self._class())
            case ".":
                return _one_of(PRINTABLE)
            case "\\":
                return _one_of(self._escaped())
            case "^" | "$" | "*" | "+" | "?" | "{":
                raise ValueError(f"{character} at position {self._at} of regex {self._text!r} is not supported")
            case _:
                return lambda random: character

    def _group(self) -> Draw:
        if self._take("?") and not self._take(":"):
            raise ValueError(f"the group at position {self._at} of regex {self._text!r} is not supported")
        draw = self.alternatives()
        self._expect(")")
        return draw

    def _class(self) -> str:
        negated = self._take("^")
        characters: dict[str, None] = {}
        first = True
        while first or not self._peek("]"):
            characters |= dict.fromkeys(self._members())
            first = False
        self._expect("]")
        chosen = [character for character in PRINTABLE if character not in characters] if negated else list(characters)
        if not chosen:
            raise ValueError(f"a class of regex {self._text!r} matches no printable character")
        return "".join(chosen)

    def _members(self) -> str:
        low = self._escaped() if self._take("\\") else self._next()
        if (low == "&" and self._peek("&")) or low == "[":
            raise ValueError(f"a class within a class in regex {self._text!r} is not supported")
        if len(low) != 1 or not self._peek("-") or self._text[self._at + 1 : self._at + 2] in ("]", ""):
            return low
        self._expect("-")
        high = self._escaped() if self._take("\\") else self._next()
        if len(high) != 1 or high < low:
            raise ValueError(f"{low}-{high} in regex {self._text!r} is not a range")
        return "".join(map(chr, range(ord(low), ord(high) + 1)))

    def _escaped(self) -> str:
        character = self._next()
        if character in CLASSES:
            return CLASSES[character]
        if character in CONTROLS:
            return CONTROLS[character]
        if character.isalnum():
            raise ValueError(f"\\{character} in regex {self._text!r} is not supported")
        return character

    def _repeated(self, draw: Draw) -> Draw:
        least, most = self._bounds()
        if (least, most) == (1, 1):
            return draw
        if self._peek("?") or self._peek("+") or self._peek("*"):
            raise ValueError(f"the repetition at position {self._at} of regex {self._text!r} is not supported")
        span = most - least + 1
        return lambda random: "".join([draw(random) for _ in range(least + int(random.random() * span))])

    def _bounds(self) -> tuple[int, int]:
        if self._take("?"):
            return 0, 1
        if self._take("*"):
            return 0, MOST_REPEATS
        if self._take("+"):
            return 1, 1 + MOST_REPEATS
        if not self._take("{"):
            return 1, 1
        end = self._text.find("}", self._at)
        low, comma, high = self._text[self._at : end].partition(",")
        if end < 0 or not low.isdigit() or not (high.isdigit() or not high) or (high and int(high) < int(low)):
            raise ValueError(f"the repetition at position {self._at} of regex {self._text!r} is malformed")
        self._at = end + 1
        return int(low), int(high or low) if high or not comma else int(low) + MOST_REPEATS

    def _next(self) -> str:
        if self.done:
            raise ValueError(f"regex {self._text!r} ends too early")
        self._at += 1
        return self._text[self._at - 1]

    def _peek(self, character: str) -> bool:
        return self._text[self._at : self._at + 1] == character

    def _take(self, character: str) -> bool:
        found = self._peek(character)
        self._at += found
        return found

    def _expect(self, character: str) -> None:
        if not self._take(character):
            raise ValueError(f"{character} is missing in regex {self._text!r}")


def _one_of(characters: str) -> Draw:
    return lambda random: characters[int(random.random() * len(characters))]


def _pick(random: Random, items: Sequence[Draw]) -> Draw:
    return items[int(random.random() * len(items))]
