"""Whether one Avro schema can read another's data, as Avro's own library judges it."""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import jpype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.formats.avro.compatibility import incompatibility
from tests.differential import avro_jvm
from tests.differential.avro_strategies import NAMES, PRIMITIVES, Node, schemas
from tests.differential.jvm import java
from tests.differential.search import count, search

KINDS = [*PRIMITIVES, "null"]


def compatible_to_java(reader: Node, writer: Node) -> bool | None:
    """What org.apache.avro.SchemaCompatibility says, an error of its own being a no; None for what is no schema."""
    check = java("org.apache.avro.SchemaCompatibility").checkReaderWriterCompatibility
    try:
        parsed = [avro_jvm.parsed(json.dumps(node)) for node in (reader, writer)]
    except jpype.JException:
        return None
    try:
        found = check(*parsed)
    except java("org.apache.avro.AvroRuntimeException"):
        return False
    return str(found.getType()) == "COMPATIBLE"


def parts(node: Node) -> list[Node]:
    """Everything in a schema that is written out."""
    if isinstance(node, list):
        return [node, *(each for inner in node for each in parts(inner))]
    if not isinstance(node, dict):
        return []
    inner = [field["type"] for field in node.get("fields", ())] + [
        node[name] for name in ("items", "values") if name in node
    ]
    return [node, *(each for part in inner for each in parts(part))]


def _optional(draw: st.DrawFn, node: Node) -> None:
    field = draw(st.sampled_from(node["fields"]))
    kind = field["type"]
    field["type"] = ["null", *([each for each in kind if each != "null"] if isinstance(kind, list) else [kind])]


def _retyped(draw: st.DrawFn, node: Node) -> None:
    field = draw(st.sampled_from(node["fields"]))
    field["type"] = draw(st.sampled_from(KINDS))
    field.pop("default", None)


def _added(draw: st.DrawFn, node: Node) -> None:
    default = draw(st.sampled_from([{}, {"default": 1}]))
    node["fields"].append({"name": f"new{len(node['fields'])}", "type": "int", **default})


def _renamed(draw: st.DrawFn, node: Node) -> None:
    field = draw(st.sampled_from(node["fields"]))
    aliases = draw(st.sampled_from([[], [field["name"]], [field["name"], *NAMES]]))
    field |= {"name": f"re{len(node['fields'])}{field['name']}", "aliases": aliases}


def _another_name(draw: st.DrawFn, node: Node) -> None:
    aliases = draw(st.sampled_from([[], [node["name"]], [f"n.{node['name']}"]]))
    node |= {"name": f"X{node['name'].rpartition('.')[2]}", "aliases": aliases}


def _other_symbols(draw: st.DrawFn, node: Node) -> None:
    node["symbols"] = draw(st.lists(st.sampled_from("XYZUVW"), min_size=1, max_size=4, unique=True))
    node.pop("default", None)
    node |= draw(st.sampled_from([{}, {"default": node["symbols"][0]}]))


def _other_size(draw: st.DrawFn, node: Node) -> None:
    node["size"] += 1


CHANGES: Mapping[str, list[Callable[[st.DrawFn, Node], None]]] = {
    "record": [_optional, _retyped, _retyped, _added, _renamed],
    "enum": [_other_symbols],
    "fixed": [_other_size],
}


@st.composite
def changed(draw: st.DrawFn) -> tuple[Node, Node]:
    """A schema, and what has become of it."""
    node = draw(schemas())
    other = deepcopy(node)
    for _ in range(draw(st.integers(1, 2))):
        found = [part for part in parts(other) if isinstance(part, dict) and part["type"] in CHANGES]
        if not found:
            return node, draw(st.sampled_from(KINDS))
        part = draw(st.sampled_from(found))
        draw(st.sampled_from(CHANGES[part["type"]]))(draw, part)
    if isinstance(other, dict) and other["type"] == "record" and draw(st.integers(0, 5)) == 0:
        _another_name(draw, other)
    return node, other


@pytest.mark.timeout(1800)
def test_schemas_are_compatible_as_they_are_to_java(long: bool) -> None:
    @search(500, long)
    @given(changed(), st.sampled_from(KINDS))
    def run(given: tuple[Node, Node], kind: Any) -> None:
        pairs = [given, given[::-1], (given[0], given[0]), (given[0], kind), (["null", *PRIMITIVES], given[1])]
        for reader, writer in pairs:
            expected = compatible_to_java(reader, writer)
            if expected is not None:
                count("compatibility", 1)
                assert (incompatibility(reader, writer) is None) == expected, f"{reader}\n{writer}\n{expected}"

    run()
