"""Finds patterns that may cost more than one pass over a text: repeats within or beside repeats of the same letters."""

import re
from collections.abc import Iterator, Sequence

from ferryman.java.regex.code_points import CodePoints, union
from ferryman.java.regex.parser import parsed
from ferryman.java.regex.syntax import At, Atomic, Back, Either, Group, Letter, Look, Node, Repeat, Row, inside

LONG = 20
"""From so many times on a repeat counts as one without end."""


def faults(pattern: str, searched: bool) -> Iterator[str]:
    """What is wrong with a pattern of Python's; ``searched`` if it is looked for anywhere in a text."""
    root = parsed(pattern.replace("(?P<", "(?<").replace("(?-i:", "(?:")).root
    for node in walk(root):
        if isinstance(node, Repeat) and endless(node) and node.mode != "possessive":
            for inner in trailing(node.body):
                if meet(first(node.body), inner):
                    yield "a repeat within a repeat, of the same letters"
        if isinstance(node, Row):
            yield from beside(node.parts)
    if searched:
        yield from found_again(root)


def walk(node: Node) -> Iterator[Node]:
    """A part and all that is inside of it."""
    yield node
    for each in inside(node):
        yield from walk(each)


def endless(node: Node) -> bool:
    return isinstance(node, Repeat) and (node.most is None or node.most > LONG)


def meet(one: CodePoints, other: CodePoints) -> bool:
    """Whether two sets have a letter in common."""
    return any(low <= end and start <= high for low, high in one for start, end in other)


def empty(node: Node) -> bool:
    """Whether a part may match nothing."""
    match node:
        case Letter():
            return False
        case Row(parts):
            return all(map(empty, parts))
        case Either(options):
            return any(map(empty, options))
        case Repeat(body, least):
            return least == 0 or empty(body)
        case Group() | Atomic():
            return empty(node.body)
        case _:
            return True


def first(node: Node) -> CodePoints:
    """The letters that a part may begin with."""
    match node:
        case Letter(letters):
            return letters
        case Row(parts):
            found: CodePoints = ()
            for part in parts:
                found = union(found, first(part))
                if not empty(part):
                    break
            return found
        case Either(options):
            return union(*map(first, options))
        case At() | Look() | Back():
            return ()
        case _:
            return first(node.body)


def letters(node: Node) -> CodePoints:
    """All letters that a part may match."""
    if isinstance(node, Letter):
        return node.code_points
    return () if isinstance(node, Look) else union(*map(letters, inside(node)))


def trailing(node: Node) -> Iterator[CodePoints]:
    """The letters of the repeats without end that a part may end with."""
    match node:
        case Repeat(body, mode=mode) if mode != "possessive":
            if endless(node):
                yield letters(body)
            yield from trailing(body)
        case Row(parts):
            for part in reversed(parts):
                yield from trailing(part)
                if not empty(part):
                    return
        case Either() | Group():
            for part in inside(node):
                yield from trailing(part)


def leading(node: Node) -> Iterator[CodePoints]:
    """The letters of the repeats without end that a part may begin with."""
    match node:
        case Repeat(body):
            if endless(node):
                yield first(body)
            yield from leading(body)
        case Row(parts):
            for part in parts:
                yield from leading(part)
                if not empty(part):
                    return
        case Either() | Group():
            for part in inside(node):
                yield from leading(part)


def beside(parts: Sequence[Node]) -> Iterator[str]:
    """Repeats that stand next to each other, or with nothing between them that must be there."""
    for index, part in enumerate(parts):
        for following in range(index + 1, len(parts)):
            if any(meet(one, other) for one in trailing(part) for other in leading(parts[following])):
                yield "a repeat beside a repeat, of the same letters"
            if not empty(parts[following]):
                break


def found_again(root: Node) -> Iterator[str]:
    """Where a search that fails begins anew within what it has just gone through."""
    parts = root.parts if isinstance(root, Row) else (root,)
    if isinstance(root, Either):
        for option in root.options:
            yield from found_again(option)
        return
    for index, part in enumerate(parts):
        rest = parts[index + 1 :]
        if all(map(empty, rest)):
            break
        for each in walk(part):
            if isinstance(each, Repeat) and endless(each) and meet(first(Row(tuple(parts))), letters(each.body)):
                yield "searched for, and it may begin within its own repeat"


def with_flags(pattern: "re.Pattern[str] | re.Pattern[bytes]") -> str:
    """A compiled pattern as text, its flags in front."""
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    known = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s"}
    flags = "".join(letter for flag, letter in known.items() if pattern.flags & flag)
    return f"(?{flags}){text}" if flags else text
