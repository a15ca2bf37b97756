"""Classes of characters in brackets."""

from ferryman.java.regex.code_points import CLASSES, POSIX, CodePoints, code_point_set, others, union
from ferryman.java.regex.cursor import Cursor, Flags, refuse


def read_class(cursor: Cursor, flags: Flags) -> CodePoints:
    """The code points of a class whose bracket has been read. A closing bracket that stands first is one of them."""
    start = cursor.at
    negative = cursor.takes("^")
    members: list[CodePoints] = []
    while not (members and cursor.takes("]")):
        if not cursor.more:
            raise refuse(f"Unclosed character class near index {start}")
        if cursor.sign == "[":
            raise refuse("classes within character classes are not supported here")
        if cursor.sign == "&" and cursor.after() == "&":
            raise refuse("intersections (&&) of character classes are not supported here")
        members.append(_member(cursor, flags))
    found = union(*members)
    return others(found) if negative else found


def _member(cursor: Cursor, flags: Flags) -> CodePoints:
    """A character, a range or a class of its own."""
    first = _single(cursor, flags)
    if not isinstance(first, str):
        return first
    if cursor.sign != "-" or cursor.after() in ("]", "["):
        return flags.spread(code_point_set(first))
    cursor.take()
    if not cursor.more:
        raise refuse("Unclosed character class")
    last = _single(cursor, flags)
    if not isinstance(last, str) or last < first:
        raise refuse(f"Illegal character range near index {cursor.at}")
    return flags.spread(((ord(first), ord(last)),))


def _single(cursor: Cursor, flags: Flags) -> str | CodePoints:
    if cursor.sign != "\\":
        return cursor.take()
    cursor.take()
    letter = cursor.take_escaped()
    if letter in CLASSES:
        if letter in "hv" and cursor.sign == "-" and cursor.after() not in ("]", ""):
            raise refuse(f"a range cannot begin with \\{letter}")
        return CLASSES[letter]
    if letter in "pP":
        members = flags.spread(POSIX[cursor.property()])
        return others(members) if letter == "P" else members
    if letter in "RXGN":
        raise refuse(f"\\{letter} is not supported here")
    return cursor.plain(letter)
