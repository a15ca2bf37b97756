r"""Patterns written for Python's engine, which backtracks, and for RE2, which does not and cannot express everything.

Both get code points as explicit classes and no flags: the two differ from Java, and from each other, in what ``.``,
``\s``, ``(?i)`` and ``$`` mean.
"""

from dataclasses import dataclass

from ferryman.java.regex.code_points import CodePoints
from ferryman.java.regex.syntax import At, Atomic, Back, Either, Group, Letter, Look, Node, Pattern, Repeat, Row, inside

_MOST_TIMES = 1000
"""What RE2 takes in braces."""
_NOT_AFTER_RETURN = r"(?<!\r)\n"
_POSITIONS = {
    "start": r"\A",
    "end": r"\Z",
    "last": rf"(?=(?:\r\n|{_NOT_AFTER_RETURN}|[\r\x85\u2028\u2029])?\Z)",
    "line start": r"(?!\Z)(?:\A|(?<=[\n\x85\u2028\u2029])|(?<=\r)(?!\n))",
    "line end": rf"(?={_NOT_AFTER_RETURN}|[\r\x85\u2028\u2029]|\Z)",
    "boundary": r"\b",
    "no boundary": r"(?!\b)",
}
_RE2_POSITIONS = {"start": r"\A", "end": r"\z", "last": r"\z", "boundary": r"\b", "no boundary": r"\B"}
_QUANTIFIERS = {(0, 1): "?", (0, None): "*", (1, None): "+"}
_PYTHON_CODE, _RE2_CODE = r"\U{:08x}", r"\x{{{:x}}}"
_MODES = {"greedy": "", "lazy": "?", "possessive": "+"}


def for_python(pattern: Pattern) -> str:
    """The pattern for ``re`` with its flag ASCII."""
    return _python(pattern.root)


@dataclass(frozen=True, slots=True)
class ForRe2:
    """A pattern for RE2, and for which texts and questions it answers as Java does."""

    text: str
    one_line: bool
    """Whether that holds only for texts without line terminators: RE2 has no ``$`` that looks before one."""
    finds: bool
    """Whether its first match and its groups are Java's too, not only whether a whole text matches: parts that may be
    empty, repeated, are gone through in another way."""


def for_re2(pattern: Pattern) -> ForRe2 | None:
    """The pattern for RE2; None if it cannot express it."""
    text = _re2(pattern.root)
    if text is None:
        return None
    nodes = list(_nodes(pattern.root))
    return ForRe2(
        text,
        one_line=At("last") in nodes,
        finds=not any(isinstance(each, Repeat) and _may_be_empty(each.body) for each in nodes),
    )


def _nodes(node: Node) -> list[Node]:
    return [node, *(deeper for each in inside(node) for deeper in _nodes(each))]


def _may_be_empty(node: Node) -> bool:
    match node:
        case Letter():
            return False
        case Row(parts):
            return all(map(_may_be_empty, parts))
        case Either(options):
            return any(map(_may_be_empty, options))
        case Repeat(body, least):
            return least == 0 or _may_be_empty(body)
        case Group() | Atomic():
            return _may_be_empty(node.body)
        case _:
            return True


def _python(node: Node) -> str:
    match node:
        case Letter(code_points):
            return _class(code_points, _PYTHON_CODE)
        case Row(parts):
            return "".join(map(_python, parts))
        case Either(options):
            return f"(?:{'|'.join(map(_python, options))})"
        case Group(_, name, body):
            return f"({f'?P<{name}>' if name else ''}{_python(body)})"
        case Repeat(body):
            return f"{_whole(body, _python(body))}{_quantifier(node)}"
        case Atomic(body):
            return f"(?>{_python(body)})"
        case Look(sign, body):
            return f"(?{sign}{_python(body)})"
        case Back(None):
            return r"(?!)"
        case Back(number, either_case):
            return f"(?{'i' if either_case else ''}:\\{number})"
        case At(what):
            return f"(?:{_POSITIONS[what]})"


def _re2(node: Node) -> str | None:
    match node:
        case Letter(code_points):
            return _class(code_points, _RE2_CODE)
        case Row(parts):
            return _joined("", [_re2(part) for part in parts])
        case Either(options):
            found = _joined("|", [_re2(option) for option in options])
            return None if found is None else f"(?:{found})"
        case Group(_, name, body):
            found = _re2(body)
            return None if found is None else f"({f'?P<{name}>' if name else ''}{found})"
        case Repeat(body, least, most, mode) if mode != "possessive" and max(least, most or 0) <= _MOST_TIMES:
            found = _re2(body)
            return None if found is None else f"{_whole(body, found)}{_quantifier(node)}"
        case At(what):
            return _RE2_POSITIONS.get(what)
        case _:
            return None


def _joined(between: str, parts: list[str | None]) -> str | None:
    known = [part for part in parts if part is not None]
    return between.join(known) if len(known) == len(parts) else None


def _whole(node: Node, text: str) -> str:
    return text if isinstance(node, Letter | Group) else f"(?:{text})"


def _quantifier(node: Repeat) -> str:
    least, most = node.least, node.most
    times = _QUANTIFIERS.get((least, most)) or (
        f"{{{least}}}" if least == most else f"{{{least},{'' if most is None else most}}}"
    )
    return times + _MODES[node.mode]


def _class(code_points: CodePoints, code: str) -> str:
    """A set of code points; ``code`` is how the engine writes one."""
    if len(code_points) == 1 and code_points[0][0] == code_points[0][1]:
        return _spelled(code_points[0][0], code)
    if not code_points:
        return f"[^{_spelled(0, code)}-{_spelled(0x10FFFF, code)}]"
    ranges = [
        _spelled(first, code) + (f"-{_spelled(last, code)}" if last > first else "") for first, last in code_points
    ]
    return f"[{''.join(ranges)}]"


def _spelled(point: int, code: str) -> str:
    letter = chr(point)
    return letter if letter.isascii() and letter.isalnum() else code.format(point)
