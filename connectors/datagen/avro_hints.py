"""Random values by an Avro schema whose types carry the hints of Confluent's avro-random-generator, ``arg.properties``.

A value is a function of a random source and the number of its record, so that ``iteration`` needs no memory.
"""

import string
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from ferryman.connectors.datagen.random_numbers import Range, iterated, whole_numbers
from ferryman.connectors.datagen.random_texts import pattern
from ferryman.errors import DataError
from ferryman.formats.avro.rows_reader import parse, parse_text
from ferryman.formats.avro.schemas.schema_reader import default_value, reading
from ferryman.java.decimals import from_unscaled
from ferryman.schema import DECIMAL, FLOATS, INTEGERS, Schema, Type

Make = Callable[[Random, int], Any]

HINTS = "arg.properties"
LETTERS = string.ascii_lowercase + string.digits
LENGTH: Mapping[str, int] = {"min": 8, "max": 16}
KNOWN: Mapping[str, frozenset[str]] = {
    "boolean": frozenset({"options", "iteration", "odds"}),
    **dict.fromkeys(("int", "long", "float", "double"), frozenset({"options", "range", "iteration"})),
    "bytes": frozenset({"options", "length"}),
    "decimal": frozenset({"options", "range"}),
    "string": frozenset({"options", "length", "regex", "prefix", "suffix"}),
    "array": frozenset({"options", "length"}),
    "map": frozenset({"options", "length", "keys"}),
    **dict.fromkeys(("enum", "fixed", "record"), frozenset({"options"})),
}


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What an Avro schema with hints becomes."""

    schema: Schema
    """The Connect schema of the values."""
    make: Make
    """Makes the value of a record by its number."""


class HintError(ValueError):
    """A schema that values cannot be made by; ``problems`` names every hint and type that is in the way."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def blueprint(text: str) -> Blueprint:
    """The blueprint of an Avro schema's JSON. Raises HintError."""
    try:
        node = parse_text(text)
        parse(node)
        schema = reading(node).schema
    except DataError as error:
        raise HintError("Unable to parse the provided schema", str(error)) from error
    walk = _Walk()
    make = walk.make(node, schema, str(node.get("name", "")) if isinstance(node, dict) else "", "")
    if schema.type is not Type.STRUCT:
        walk.problems.append("the schema must be that of a record")
    if walk.problems:
        raise HintError(*walk.problems)
    return Blueprint(schema, make)


class _Walk:
    """One pass over an Avro schema and the Connect schema read from it."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._named: dict[str, tuple[dict[str, Any], str]] = {}
        self._repeated = 0

    def make(self, node: Any, schema: Schema, path: str, space: str) -> Make:
        """What makes values of a node. ``path`` says where it is, for problems."""
        if isinstance(node, list):
            return self._union(node, schema, path, space)
        if isinstance(node, str):
            node = {"type": node}
        kind = node["type"]
        if not isinstance(kind, str):
            return self.make(kind, schema, path, space)
        if kind not in KNOWN:
            definition, inside = self._named.get(kind) or self._named[f"{space}.{kind}"]
            return self.make(definition, schema, path, inside)
        space = self._define(node, space)
        hints = self._hints(node, "decimal" if schema.name == DECIMAL else kind, path)
        try:
            return self._by_hints(node, schema, path, space, hints)
        except (ValueError, TypeError, KeyError, OverflowError, ArithmeticError) as error:
            self.problems.append(f"{path}: {error if str(error) else type(error).__name__}")
            return _nothing

    def _by_hints(self, node: dict[str, Any], schema: Schema, path: str, space: str, hints: Mapping[str, Any]) -> Make:
        if "options" in hints:
            return _options(schema, hints)
        if "iteration" in hints and self._repeated:
            raise ValueError("the hint iteration is not supported inside an array or a map")
        match node["type"]:
            case "record":
                return self._record(node, schema, path, space)
            case "array":
                return self._array(node, schema, path, space, hints)
            case "map":
                return self._map(node, schema, path, space, hints)
            case "enum":
                return _one_of(node["symbols"])
            case "fixed" if schema.name != DECIMAL:
                size = int(node["size"])
                return lambda random, number: random.randbytes(size)
            case _:
                return scalar(schema, hints)

    def _define(self, node: dict[str, Any], space: str) -> str:
        if "name" not in node:
            return space
        name = str(node["name"])
        space = name.rpartition(".")[0] or node.get("namespace", space)
        self._named[name if "." in name or not space else f"{space}.{name}"] = (node, space)
        return space

    def _hints(self, node: dict[str, Any], kind: str, path: str) -> Mapping[str, Any]:
        hints = node.get(HINTS, {})
        if not isinstance(hints, dict):
            self.problems.append(f"{path}: {HINTS} must be an object")
            return {}
        unknown = [name for name in hints if name not in KNOWN[kind]]
        self.problems += [f"{path}: the hint {name} is not supported for {kind}" for name in unknown]
        self.problems += [
            f"{path}: {name} is not supported" for name in node if name.startswith("arg.") and name != HINTS
        ]
        return {name: value for name, value in hints.items() if name not in unknown}

    def _record(self, node: dict[str, Any], schema: Schema, path: str, space: str) -> Make:
        members = []
        for member in node["fields"]:
            name, inside = member["name"], f"{path}.{member['name']}"
            if HINTS in member:
                self.problems.append(f"{inside}: {HINTS} belongs inside the field's type")
            members.append((name, self.make(member["type"], schema.by_name[name].schema, inside, space)))
        return lambda random, number: {name: make(random, number) for name, make in members}

    def _array(self, node: dict[str, Any], schema: Schema, path: str, space: str, hints: Mapping[str, Any]) -> Make:
        if schema.values is None or schema.type is not Type.ARRAY:
            raise ValueError("an array of map entries is not supported")
        item = self._member(node["items"], schema.values, f"{path}[]", space)
        length = _length(hints)
        return lambda random, number: [item(random, number) for _ in range(length(random))]

    def _map(self, node: dict[str, Any], schema: Schema, path: str, space: str, hints: Mapping[str, Any]) -> Make:
        assert schema.values is not None
        assert schema.keys is not None
        keys = {"type": "string", HINTS: hints.get("keys", {})}
        key = self._member(keys, schema.keys, f"{path}.keys", space)
        item = self._member(node["values"], schema.values, f"{path}{{}}", space)
        length = _length(hints)
        return lambda random, number: {key(random, number): item(random, number) for _ in range(length(random))}

    def _member(self, node: Any, schema: Schema, path: str, space: str) -> Make:
        self._repeated += 1
        make = self.make(node, schema, path, space)
        self._repeated -= 1
        return make

    def _union(self, nodes: list[Any], schema: Schema, path: str, space: str) -> Make:
        branches = [node for node in nodes if node not in ("null", {"type": "null"})]
        if len(branches) != 1:
            self.problems.append(f"{path}: a union of several types is not supported")
            return _nothing
        make, nulls = self.make(branches[0], schema, path, space), 1 - 1 / len(nodes)
        if len(nodes) == 1:
            return make
        return lambda random, number: make(random, number) if random.random() >= nulls else None


def _nothing(random: Random, number: int) -> Any:
    return None


def _one_of(items: Sequence[Any]) -> Make:
    return lambda random, number: items[int(random.random() * len(items))]


def _options(schema: Schema, hints: Mapping[str, Any]) -> Make:
    options = hints["options"]
    if len(hints) > 1:
        raise ValueError(
            f"the hint options cannot be combined with {', '.join(name for name in hints if name != 'options')}"
        )
    if isinstance(options, dict):
        raise ValueError("the hint options is supported as a list only, not from a file")
    if not isinstance(options, list) or not options:
        raise ValueError("the hint options must be a list of at least one value")
    return _one_of([_option(schema, option) for option in options])


_JSON: Mapping[Type, type | tuple[type, ...]] = {
    Type.STRING: str,
    Type.BOOLEAN: bool,
    Type.BYTES: str,
    Type.ARRAY: list,
    Type.MAP: dict,
    Type.STRUCT: dict,
    **dict.fromkeys(INTEGERS, int),
    **dict.fromkeys(FLOATS, (int, float)),
}


def _option(schema: Schema, option: Any) -> Any:
    if schema.name == DECIMAL:
        return from_unscaled(int(Decimal(str(option)).scaleb(schema.scale)), schema.scale)
    if not isinstance(option, _JSON[schema.type]) or (schema.type is not Type.BOOLEAN and isinstance(option, bool)):
        raise ValueError(f"the option {option!r} is not a {schema.type}")
    if schema.type is Type.BYTES and schema.parameter("connect.fixed.size") is None:
        return b64decode(str(option), validate=True)
    return default_value(schema, option)


def scalar(schema: Schema, hints: Mapping[str, Any]) -> Make:
    """What makes values of a type without parts. Raises ValueError for a hint of the wrong form."""
    match schema.type:
        case Type.STRING:
            return _text(hints)
        case Type.BOOLEAN:
            return _boolean(hints)
        case Type.BYTES if schema.name != DECIMAL:
            length = _length(hints)
            return lambda random, number: random.randbytes(length(random))
        case kind if kind in FLOATS:
            if "iteration" in hints:
                return iterated(hints, float("inf"))
            bounds = Range.from_hints(hints, 0.0, 1.0)
            return lambda random, number: bounds.low + random.random() * (bounds.high - bounds.low)
        case _:
            return whole_numbers(schema, hints)


def _text(hints: Mapping[str, Any]) -> Make:
    prefix, suffix = str(hints.get("prefix", "")), str(hints.get("suffix", ""))
    if "regex" in hints:
        if "length" in hints:
            raise ValueError("the hints regex and length together are not supported; bound the regex itself")
        draw = pattern(hints["regex"])
        return lambda random, number: f"{prefix}{draw(random)}{suffix}"
    length, count = _length(hints), len(LETTERS)
    return lambda random, number: (
        prefix + "".join([LETTERS[int(random.random() * count)] for _ in range(length(random))]) + suffix
    )


def _boolean(hints: Mapping[str, Any]) -> Make:
    if "iteration" in hints:
        if hints["iteration"].keys() != {"start"}:
            raise ValueError("the hint iteration of a boolean has start and nothing else")
        start = bool(hints["iteration"]["start"])
        return lambda random, number: start ^ bool(number & 1)
    odds = float(hints.get("odds", 0.5))
    if not 0 <= odds <= 1:
        raise ValueError("the hint odds must be between 0 and 1")
    return lambda random, number: random.random() < odds


def _length(hints: Mapping[str, Any]) -> Callable[[Random], int]:
    length = hints.get("length", LENGTH)
    if isinstance(length, int) and length >= 0:
        return lambda random: length
    if not isinstance(length, dict) or not length or length.keys() - {"min", "max"}:
        raise ValueError("the hint length must be a number, or an object with min, max or both")
    low = int(length.get("min", 0))
    span = int(length.get("max", low + 8)) - low
    if low < 0 or span <= 0:
        raise ValueError("the hint length must have a max above its min")
    return lambda random: low + int(random.random() * span)
