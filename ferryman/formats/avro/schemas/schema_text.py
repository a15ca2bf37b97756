"""An Avro schema's text as Avro's Java library prints it, so that a registry that compares texts finds it again."""

from typing import Any

import orjson

from ferryman.java.texts import double_text, float_text


class Single(float):
    """A number of 32 bits."""

    __slots__ = ()


def widened(node: Any) -> Any:
    """The same JSON with every number of 32 bits as one of 64, as Java has them in a field's default."""
    match node:
        case dict():
            return {name: widened(item) for name, item in node.items()}
        case list():
            return [widened(item) for item in node]
        case Single():
            return float(node)
        case _:
            return node


def text(node: Any) -> str:
    """A parsed schema as JSON without blanks, its numbers in Java's notation."""
    return orjson.dumps(_with_numbers(node)).decode()


def _with_numbers(node: Any) -> Any:
    match node:
        case dict():
            return {name: _with_numbers(item) for name, item in node.items()}
        case list():
            return [_with_numbers(item) for item in node]
        case float():
            number = float_text(node) if isinstance(node, Single) else double_text(node)
            return orjson.Fragment(number if number[-1].isdigit() else f'"{number}"')
        case str():
            return str(node)
        case _:
            return node
