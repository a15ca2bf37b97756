"""What Hypothesis draws for Avro: schemas of every kind, data for them, and that data as bytes.

Data is plain Python: a record and a map are dicts, an enum's value its symbol, a union's (place of the branch, value).
The bytes are put together here by Avro's specification, so that no library is judged by what it wrote itself.
"""

import struct as binary
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.differential.strategies import FLOAT, SINGLE, TEXT

Node = Any
SPACES = ["", "n", "n.m"]
NAMES = ["A", "B", "C", "a", "b", "_x1"]
NAME = st.sampled_from(NAMES)
PRIMITIVES = ["boolean", "int", "long", "float", "double", "bytes", "string"]
LOGICAL: dict[str, list[dict[str, Any]]] = {
    "int": [{"logicalType": "date"}, {"logicalType": "time-millis"}, {"logicalType": "unheard-of"}],
    "long": [
        {"logicalType": name}
        for name in (
            "timestamp-millis",
            "timestamp-micros",
            "time-micros",
            "local-timestamp-millis",
            "local-timestamp-micros",
            "timestamp-nanos",
        )
    ],
    "string": [{"logicalType": "uuid"}],
    "bytes": [
        {"logicalType": "decimal", "precision": 20, "scale": 4},
        {"logicalType": "decimal", "precision": 64},
        {"logicalType": "decimal", "precision": 2, "scale": 5},
    ],
    "fixed": [{"logicalType": "decimal", "precision": 4, "scale": 2}, {"logicalType": "duration"}],
}
_DAYS, _MILLIS = (-719_000, 2_932_000), (-62_000_000_000_000, 253_000_000_000_000)
_BOUNDS = {"date": _DAYS, "time-millis": (0, 86_399_999), "timestamp-millis": _MILLIS}
_CONNECT: list[dict[str, Any]] = [
    {"connect.version": 3},
    {"connect.doc": "connect's"},
    {"connect.parameters": {"p": "1", "q": ""}},
    {"avro.java.string": "String"},
    {"more": [1, {"x": None}]},
]
_NAMED = ("record", "enum", "fixed")


@dataclass
class Names:
    """What is defined so far, by full name, and which records are still open."""

    known: dict[str, Node] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    given: int = 0
    """How many Connect names there are."""
    cyclic: bool = False
    """Whether a record contains itself: Java then gives a field's default to others of that record."""

    def define(self, node: Node, space: str) -> str:
        """Takes a definition in; gives the namespace inside it."""
        full = full_name(node, space)
        self.known[full] = node
        return full.rpartition(".")[0]

    @classmethod
    def from_node(cls, node: Node) -> "Names":
        """All that a schema defines."""
        names = cls()
        names._collect(node, "")
        return names

    def _collect(self, node: Node, space: str) -> None:
        for each in node if isinstance(node, list) else [node]:
            if isinstance(each, dict):
                inner = self.define(each, space) if each["type"] in _NAMED else space
                members = [member["type"] for member in each.get("fields", ())]
                for part in (*members, each.get("items"), each.get("values")):
                    self._collect(part, inner)


def full_name(node: Node, space: str) -> str:
    """The full name of a definition inside a namespace."""
    name = str(node["name"])
    if "." in name:
        return name
    own = node.get("namespace", space)
    return f"{own}.{name}" if own else name


@st.composite
def schemas(draw: st.DrawFn, depth: int = 3) -> Node:
    """A parsed Avro schema; mostly a record."""
    names = Names()
    if draw(st.integers(0, 4)):
        return _record(draw, names, "", depth)
    return _any(draw, names, "", depth)


def _any(draw: st.DrawFn, names: Names, space: str, depth: int, union: bool = True) -> Node:
    kinds = ["plain"] * 5 + ["enum", "fixed", "reference"]
    if depth:
        kinds += ["record", "record", "array", "map", *(["union"] * 2 + ["optional"] * 3 if union else [])]
    kind = draw(st.sampled_from(kinds))
    made = _MAKERS[kind](draw, names, space, depth)
    return draw(st.sampled_from(PRIMITIVES)) if made is None else made


def _plain(draw: st.DrawFn, names: Names, _space: str, _depth: int) -> Node:
    kind = draw(st.sampled_from(PRIMITIVES))
    found = draw(st.integers(0, 7))
    if found < 3:
        return kind
    node = {"type": kind}
    if found < 6 and kind in LOGICAL:
        return node | draw(st.sampled_from(LOGICAL[kind]))
    if kind == "int" and found == 6:
        return node | {"connect.type": draw(st.sampled_from(["int8", "int16"]))}
    return node | _described(draw, names)


def _described(draw: st.DrawFn, names: Names) -> dict[str, Any]:
    if draw(st.integers(0, 3)):
        return {}
    # A name that two types share would make one of them of both.
    names.given += 1
    return draw(st.sampled_from([{"connect.name": f"c.N{names.given}"}, *_CONNECT]))


def _head(draw: st.DrawFn, names: Names, space: str, kind: str) -> Node | None:
    node = {"type": kind, "name": draw(NAME)}
    own = draw(st.sampled_from([None, None, *SPACES]))
    if own is not None:
        node["namespace"] = own
    if draw(st.integers(0, 9)) == 0:
        node["name"] = f"dotted.{node['name']}"
    full = full_name(node, space)
    return None if full in names.known or full.rpartition(".")[2] in PRIMITIVES else node


def _documented(draw: st.DrawFn) -> dict[str, Any]:
    found = {"doc": draw(st.sampled_from(["", "what it is"]))} if draw(st.integers(0, 5)) == 0 else {}
    return found | ({"aliases": ["Old", "x.Older"]} if draw(st.integers(0, 7)) == 0 else {})


def _enum(draw: st.DrawFn, names: Names, space: str, _depth: int) -> Node | None:
    node = _head(draw, names, space, "enum")
    if node is None:
        return None
    node |= _documented(draw)
    node["symbols"] = draw(st.lists(st.sampled_from("XYZUVW"), min_size=1, max_size=4, unique=True))
    if draw(st.booleans()):
        node["default"] = node["symbols"][-1]
    names.define(node, space)
    return node | _described(draw, names)


def _fixed(draw: st.DrawFn, names: Names, space: str, _depth: int) -> Node | None:
    node = _head(draw, names, space, "fixed")
    if node is None:
        return None
    node["size"] = draw(st.sampled_from([1, 2, 4, 12, 16]))
    more = draw(st.sampled_from([{}, {}, *LOGICAL["fixed"]]))
    if more.get("logicalType") == "decimal" and node["size"] < 2:
        node["size"] = 2
    if more.get("logicalType") == "duration":
        node["size"] = 12
    names.define(node, space)
    return node | more | ({} if more else _described(draw, names))


def _reference(draw: st.DrawFn, names: Names, space: str, _depth: int) -> Node | None:
    """A type that is known; one that is open only where the data can end."""
    closed = [full for full in names.known if full not in names.open]
    if not closed:
        return None
    full = draw(st.sampled_from(sorted(closed)))
    around, _, name = full.rpartition(".")
    if not around and space:
        return None
    return name if around == space and draw(st.booleans()) else full


def _record(draw: st.DrawFn, names: Names, space: str, depth: int) -> Node | None:
    node = _head(draw, names, space, "record")
    if node is None:
        return None
    node |= _documented(draw)
    inner = names.define(node, space)
    full = full_name(node, space)
    names.open.append(full)
    node["fields"] = []
    for name in draw(st.lists(NAME, min_size=1, max_size=4, unique=True)):
        node["fields"].append(_member(draw, names, inner, depth - 1, name))
    names.open.remove(full)
    return node | _described(draw, names)


def _member(draw: st.DrawFn, names: Names, space: str, depth: int, name: str) -> Node:
    again = names.open[-1]
    recursive = draw(st.integers(0, 11)) == 0 and ("." in again or not space)
    names.cyclic |= recursive
    if recursive:
        kinds: list[Node] = [["null", again], {"type": "array", "items": again}, {"type": "map", "values": again}]
        kinds.append(["null", "string", again])
        kind = draw(st.sampled_from(kinds))
    else:
        kind = _any(draw, names, space, max(depth, 0))
    member = {"name": name, "type": kind} | _documented(draw)
    # Java takes a record's default for a map's if a union has one.
    confusing = names.cyclic or (isinstance(kind, list) and any(_branch(each, space) == "map" for each in kind))
    if not confusing and draw(st.integers(0, 2)) == 0:
        first = kind[0] if isinstance(kind, list) else kind
        member["default"] = _json(draw(data(first, names, space)), first, names, space)
    return member


def _array(draw: st.DrawFn, names: Names, space: str, depth: int) -> Node:
    return {"type": "array", "items": _any(draw, names, space, depth - 1)} | _described(draw, names)


def _map(draw: st.DrawFn, names: Names, space: str, depth: int) -> Node:
    return {"type": "map", "values": _any(draw, names, space, depth - 1)} | _described(draw, names)


def _optional(draw: st.DrawFn, names: Names, space: str, depth: int) -> Node:
    inner = _any(draw, names, space, depth - 1, union=False)
    return ["null", inner] if draw(st.booleans()) else [inner, "null"]


def _union(draw: st.DrawFn, names: Names, space: str, depth: int) -> Node:
    """Branches of different kinds; named types may be several."""
    made: dict[str, Node] = {}
    for _ in range(draw(st.integers(1, 4))):
        before = dict(names.known)
        node = _any(draw, names, space, depth - 1, union=False)
        branch = _branch(node, space)
        if branch in made:
            # What is left out defines nothing that others could refer to.
            names.known.clear()
            names.known.update(before)
        else:
            made[branch] = node
    if any(resolved(node, names, space)[0]["type"] == "fixed" for name, node in made.items() if _is_named(name)):
        # Java takes a fixed value for the first branch that holds bytes.
        made.pop("bytes", None)
    found = list(made.values()) or ["int"]
    # Only null may go anywhere: a branch may refer to what another before it defines.
    return [*found[: (at := draw(st.integers(0, len(found))))], "null", *found[at:]] if draw(st.booleans()) else found


def _is_named(branch: str) -> bool:
    return branch not in PRIMITIVES and branch not in ("array", "map", "null")


def _branch(node: Node, space: str) -> str:
    if isinstance(node, dict):
        return full_name(node, space) if node["type"] in _NAMED else str(node["type"])
    return node if "." in node or node in PRIMITIVES or not space else f"{space}.{node}"


_MAKERS: dict[str, Callable[[st.DrawFn, Names, str, int], Node | None]] = {
    "plain": _plain,
    "enum": _enum,
    "fixed": _fixed,
    "reference": _reference,
    "record": _record,
    "array": _array,
    "map": _map,
    "optional": _optional,
    "union": _union,
}


def resolved(node: Node, names: Names, space: str) -> tuple[Node, str]:
    """A node's definition and the namespace around what is in it."""
    if isinstance(node, str) and node not in PRIMITIVES and node != "null":
        full = node if "." in node or f"{space}.{node}" not in names.known else f"{space}.{node}"
        return names.known[full], full.rpartition(".")[0]
    if isinstance(node, dict) and node["type"] in _NAMED:
        return node, full_name(node, space).rpartition(".")[0]
    return node, space


_SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.sampled_from([0, -1, 127, -129, (1 << 31) - 1, -(1 << 31)]) | st.integers(-(1 << 31), (1 << 31) - 1),
    "long": st.sampled_from([0, -1, 63, 64, (1 << 63) - 1, -(1 << 63)]) | st.integers(-(1 << 63), (1 << 63) - 1),
    "float": SINGLE,
    "double": FLOAT,
    "bytes": st.binary(max_size=4),
    "string": TEXT,
}


@st.composite
def data(draw: st.DrawFn, node: Node, names: Names, space: str = "", depth: int = 8) -> Any:
    """Data of a schema; deep down, as little of it as there can be."""
    node, inner = resolved(node, names, space)
    if isinstance(node, list):
        places = [place for place, each in enumerate(node) if depth > 0 or each in ("null", *PRIMITIVES)]
        place = draw(st.sampled_from(places or list(range(len(node)))))
        return place, draw(data(node[place], names, inner, depth - 1))
    kind = node if isinstance(node, str) else node["type"]
    match kind:
        case "record":
            return {each["name"]: draw(data(each["type"], names, inner, depth - 1)) for each in node["fields"]}
        case "enum":
            return draw(st.sampled_from(node["symbols"]))
        case "fixed":
            return draw(st.binary(min_size=node["size"], max_size=node["size"]))
        case "array":
            items = data(node["items"], names, inner, depth - 2)
            return draw(st.lists(items, max_size=2 if depth > 0 else 0))
        case "map":
            values = data(node["values"], names, inner, depth - 2)
            return draw(st.dictionaries(NAME, values, max_size=2 if depth > 0 else 0))
        case _:
            bounds = _BOUNDS.get(node.get("logicalType", "")) if isinstance(node, dict) else None
            if isinstance(node, dict) and "connect.type" in node:
                bounds = (-128, 127) if node["connect.type"] == "int8" else (-32768, 32767)
            return draw(st.integers(*bounds) if bounds else _SCALARS[kind])


def _json(value: Any, node: Node, names: Names, space: str) -> Any:
    """Data as a schema's JSON has it in a default."""
    node, inner = resolved(node, names, space)
    if isinstance(node, list):
        place, chosen = value
        return _json(chosen, node[place], names, inner)
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, float) and not abs(value) < 1e300:
        return 0.5
    if isinstance(value, dict) and node["type"] == "record":
        kinds = {each["name"]: each["type"] for each in node["fields"]}
        return {name: _json(item, kinds[name], names, inner) for name, item in value.items()}
    if isinstance(value, dict):
        return {name: _json(item, node["values"], names, inner) for name, item in value.items()}
    return [_json(item, node["items"], names, inner) for item in value] if isinstance(value, list) else value


def body(value: Any, node: Node, names: Names, space: str = "", blocks: int = 0) -> bytes:
    """Data as bytes; with ``blocks`` 1 arrays and maps say how long they are, with 2 each item is a block."""
    node, inner = resolved(node, names, space)
    if isinstance(node, list):
        place, chosen = value
        return long(place) + body(chosen, node[place], names, inner, blocks)
    kind = node if isinstance(node, str) else node["type"]
    match kind:
        case "record":
            return b"".join(body(value[each["name"]], each["type"], names, inner, blocks) for each in node["fields"])
        case "enum":
            return long(node["symbols"].index(value))
        case "fixed":
            found: bytes = value
            return found
        case "array":
            return _blocks([body(item, node["items"], names, inner, blocks) for item in value], blocks)
        case "map":
            pairs = ((name.encode(), body(item, node["values"], names, inner, blocks)) for name, item in value.items())
            return _blocks([long(len(name)) + name + item for name, item in pairs], blocks)
        case _:
            return _scalar(kind, value)


def _blocks(items: list[bytes], blocks: int) -> bytes:
    if not items:
        return b"\x00"
    found = items if blocks == 2 else [b"".join(items)]
    counts = [1] * len(items) if blocks == 2 else [len(items)]
    heads: Iterator[bytes] = (
        long(-count) + long(len(each)) if blocks else long(count) for count, each in zip(counts, found, strict=True)
    )
    return b"".join(head + each for head, each in zip(heads, found, strict=True)) + b"\x00"


def long(number: int) -> bytes:
    """An integer in zigzag, seven bits a byte."""
    number = (number << 1) ^ (number >> 63)
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _scalar(kind: str, value: Any) -> bytes:
    match kind:
        case "null":
            return b""
        case "boolean":
            return b"\x01" if value else b"\x00"
        case "int" | "long":
            return long(value)
        case "float" | "double":
            packed: bytes = binary.pack("<f" if kind == "float" else "<d", value)
            return packed
        case "bytes":
            return b"".join((long(len(value)), value))
        case _:
            text = value.encode("utf-8", "surrogatepass")
            return b"".join((long(len(text)), text))


@st.composite
def schemas_with_data(draw: st.DrawFn, most: int = 3) -> tuple[Node, list[bytes]]:
    """A schema, and a few values of it as bytes."""
    node = draw(schemas())
    names = Names.from_node(node)
    values = draw(st.lists(data(node, names), min_size=1, max_size=most))
    blocks = draw(st.sampled_from([0, 0, 0, 1, 2]))
    return node, [body(value, node, names, "", blocks) for value in values]


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """The bytes with something cut, changed, put in or doubled."""
    place = draw(st.integers(0, max(0, len(whole) - 1)))
    match draw(st.integers(0, 3)):
        case 0:
            return whole[:place]
        case 1:
            return (
                whole[:place]
                + draw(st.sampled_from([b"\x00", b"\x01", b"\x02", b"\x7f", b"\xff"]))
                + whole[place + 1 :]
            )
        case 2:
            return whole[:place] + draw(st.binary(min_size=1, max_size=3)) + whole[place:]
        case _:
            return whole[:place] + whole[draw(st.integers(0, len(whole))) :]
