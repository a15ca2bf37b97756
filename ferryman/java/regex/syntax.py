"""What a pattern consists of."""

from dataclasses import dataclass
from typing import Literal

from ferryman.java.regex.code_points import CodePoints


@dataclass(frozen=True, slots=True)
class Letter:
    """One code point out of a set."""

    code_points: CodePoints


@dataclass(frozen=True, slots=True)
class Row:
    """Parts one after the other; without any it matches the empty text."""

    parts: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Either:
    """The first of several that fits."""

    options: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Group:
    """A capturing group."""

    number: int
    name: str | None
    body: "Node"


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part several times over."""

    body: "Node"
    least: int
    most: int | None
    """None for any number."""
    mode: Literal["greedy", "lazy", "possessive"]


@dataclass(frozen=True, slots=True)
class Atomic:
    """A part that gives nothing back: ``(?>…)``."""

    body: "Node"


@dataclass(frozen=True, slots=True)
class Look:
    """A part that must, or must not, lie before or behind a position."""

    sign: Literal["=", "!", "<=", "<!"]
    body: "Node"


@dataclass(frozen=True, slots=True)
class Back:
    """What a group has matched, again. A group that there is not matches nothing."""

    number: int | None
    either_case: bool


@dataclass(frozen=True, slots=True)
class At:
    """A position. ``last`` is the end, or before a line terminator at the end."""

    what: Literal["start", "end", "last", "line start", "line end", "boundary", "no boundary"]


Node = Letter | Row | Either | Group | Repeat | Atomic | Look | Back | At


def inside(node: Node) -> "tuple[Node, ...]":
    """The parts of a part."""
    match node:
        case Row(parts):
            return parts
        case Either(options):
            return options
        case Group() | Repeat() | Atomic() | Look():
            return (node.body,)
        case _:
            return ()


@dataclass(frozen=True, slots=True)
class Pattern:
    """A whole pattern."""

    root: Node
    groups: int
    names: dict[str, int]
    """Numbers of the groups that have names."""
