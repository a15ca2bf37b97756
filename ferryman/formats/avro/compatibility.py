"""Whether data of one Avro schema can be read with another, by Avro's rules of schema resolution.

Reproduces org.apache.avro.SchemaCompatibility: names count without their namespaces, and aliases are the reader's.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ferryman.errors import DataError
from ferryman.formats.avro.rows_reader import parse_text

_NAMED = frozenset({"record", "error", "enum", "fixed"})
_WIDER = {
    ("int", "long"),
    ("int", "float"),
    ("int", "double"),
    ("long", "float"),
    ("long", "double"),
    ("float", "double"),
    ("string", "bytes"),
    ("bytes", "string"),
}
"""What was written, and what it may be read as."""
_BINARY = {"bytes", "fixed"}


class _Part(NamedTuple):
    """A definition in its surroundings."""

    node: Any
    space: str
    """The namespace around it, which holds for names without one."""

    @property
    def kind(self) -> str:
        if isinstance(self.node, list):
            return "union"
        kind = str(self.node if isinstance(self.node, str) else self.node["type"])
        return "record" if kind == "error" else kind

    @property
    def full(self) -> str:
        name, own = str(self.node["name"]), self.node.get("namespace", self.space)
        return name if "." in name or not own else f"{own}.{name}"


class _Schema:
    """A parsed schema with the definitions that its names stand for."""

    def __init__(self, node: Any, references: Sequence[Any] = ()) -> None:
        self.known: dict[str, _Part] = {}
        for each in (*references, node):
            self._collect(each, "")
        self.root = self.part(node, "")

    def _collect(self, node: Any, space: str) -> None:
        if isinstance(node, list):
            for each in node:
                self._collect(each, space)
        if not isinstance(node, dict):
            return
        if node["type"] in _NAMED:
            part = _Part(node, space)
            self.known[part.full] = part
            space = part.full.rpartition(".")[0]
        members = (member["type"] for member in node.get("fields", ()))
        for inner in (*members, node.get("items"), node.get("values"), node["type"]):
            self._collect(inner, space)

    def part(self, node: Any, space: str) -> _Part:
        """A node with its name resolved."""
        if isinstance(node, dict) and (isinstance(node["type"], (dict, list)) or node["type"] in self.known):
            return self.part(node["type"], space)
        if isinstance(node, str):
            return self.known.get(f"{space}.{node}") or self.known.get(node) or _Part(node, space)
        return _Part(node, space)

    def inside(self, part: _Part, node: Any) -> _Part:
        """A node that lies in a definition."""
        return self.part(node, part.full.rpartition(".")[0] if part.kind in _NAMED else part.space)


def check_compatible(target: Any, references: Sequence[Any], own: str, key: str | None) -> None:
    """Raises DataError if data of the schema whose text is ``own`` is not to be written with the parsed ``target``.

    ``key``: the one that wants the two to be compatible; None if none does.
    """
    try:
        schema = parse_text(own)
        reason = incompatibility(target, schema, references) if key else None
        misread = misreading(target, schema, references)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"The Avro schema is not valid: {error!r}") from error
    if reason is not None:
        raise DataError(f"Incompatible schema of type 'AVRO': {reason}. Set {key}=false to disable this check")
    if misread is not None:
        mend = "Register a schema with the logical type of the data"
        raise DataError(f"The registered schema means something else: {misread}. {mend}")


def incompatibility(reader: Any, writer: Any, references: Sequence[Any] = ()) -> str | None:
    """Why data of the parsed schema ``writer`` cannot be read with ``reader``; None if it can. ``references`` are what
    the reader refers to. Raises KeyError or TypeError for what is no schema."""
    check = _Check(_Schema(reader, references), _Schema(writer))
    return check.reason(check.reader.root, check.writer.root)


def misreading(reader: Any, writer: Any, references: Sequence[Any] = ()) -> str | None:
    """Which value of ``writer`` would be another one to ``reader``, though Avro's rules let it pass: they see the
    number of a time, and the digits of a decimal, but not its unit or its point. None if there is none."""
    check = _Meaning(_Schema(reader, references), _Schema(writer))
    return check.reason(check.reader.root, check.writer.root)


class _Check:
    def __init__(self, reader: _Schema, writer: _Schema) -> None:
        self.reader = reader
        self.writer = writer
        self.found: dict[tuple[int, int], str | None] = {}
        """By identity, the pairs of records that are being compared: they count as compatible meanwhile."""

    def reason(self, reader: _Part, writer: _Part) -> str | None:
        if writer.kind == "union":
            return _first(self.reason(reader, self.writer.inside(writer, each)) for each in writer.node)
        if reader.kind == "union":
            if any(self.reason(self.reader.inside(reader, each), writer) is None for each in reader.node):
                return None
            return f"the union has no type for {writer.kind}"
        if reader.kind != writer.kind:
            fits = (writer.kind, reader.kind) in _WIDER
            return None if fits else f"{writer.kind} cannot be read as {reader.kind}"
        match reader.kind:
            case "array":
                return self._inner(reader, writer, "items")
            case "map":
                return self._inner(reader, writer, "values")
            case "record" | "enum" | "fixed":
                return self._name(reader, writer) or self._named_types(reader, writer)
            case _:
                return None

    def _inner(self, reader: _Part, writer: _Part, name: str) -> str | None:
        parts = self.reader.inside(reader, reader.node[name]), self.writer.inside(writer, writer.node[name])
        return self.reason(*parts)

    def _name(self, reader: _Part, writer: _Part) -> str | None:
        around = reader.full.rpartition(".")[0]
        aliases = {name if "." in name or not around else f"{around}.{name}" for name in reader.node.get("aliases", ())}
        same = reader.full.rpartition(".")[2] == writer.full.rpartition(".")[2] or writer.full in aliases
        return None if same else f"{reader.kind} {reader.full} is not named {writer.full}"

    def _named_types(self, reader: _Part, writer: _Part) -> str | None:
        if reader.kind == "fixed":
            fits = reader.node["size"] == writer.node["size"]
            return None if fits else f"{reader.full} has {reader.node['size']} bytes, not {writer.node['size']}"
        if reader.kind == "enum":
            missing = set(writer.node["symbols"]) - set(reader.node["symbols"])
            fits = not missing or reader.node.get("default") in reader.node["symbols"]
            return None if fits else f"enum {reader.full} lacks {', '.join(sorted(missing))}"
        pair = id(reader.node), id(writer.node)
        if pair not in self.found:
            self.found[pair] = None
            reasons = (self._field(reader, writer, field) for field in reader.node["fields"])
            self.found[pair] = next((found for found in reasons if found), None)
        return self.found[pair]

    def _field(self, reader: _Part, writer: _Part, field: dict[str, Any]) -> str | None:
        names = dict.fromkeys((field["name"], *field.get("aliases", ())))
        given = {each["name"]: each for each in writer.node["fields"]}
        sources = [given[name] for name in names if name in given]
        if len(sources) > 1:
            return f"field {field['name']} has several sources: {', '.join(each['name'] for each in sources)}"
        if not sources:
            return None if "default" in field else f"field {field['name']} is new and has no default"
        found = self.reason(self.reader.inside(reader, field["type"]), self.writer.inside(writer, sources[0]["type"]))
        return f"field {field['name']}: {found}" if found else None


class _Meaning:
    """The walk of ``misreading``: it goes wherever the two schemas are alike, and leaves the rest to others."""

    def __init__(self, reader: _Schema, writer: _Schema) -> None:
        self.reader = reader
        self.writer = writer
        self.seen: set[tuple[int, int]] = set()

    def reason(self, reader: _Part, writer: _Part) -> str | None:
        if writer.kind == "union":
            return _first(self.reason(reader, self.writer.inside(writer, each)) for each in writer.node)
        if reader.kind == "union":
            parts = [self.reader.inside(reader, each) for each in reader.node]
            found = [self.reason(each, writer) for each in parts if _is_alike(each, writer)]
            return found[0] if found and all(found) else None
        if not _is_alike(reader, writer):
            return None
        match reader.kind:
            case "array" | "map" as kind:
                name = "items" if kind == "array" else "values"
                inner = self.reader.inside(reader, reader.node[name]), self.writer.inside(writer, writer.node[name])
                return self.reason(*inner)
            case "record":
                return self._fields(reader, writer)
            case _:
                return _other_meaning(reader.node, writer.node)

    def _fields(self, reader: _Part, writer: _Part) -> str | None:
        pair = id(reader.node), id(writer.node)
        if pair in self.seen:
            return None
        self.seen.add(pair)
        given = {each["name"]: each for each in writer.node["fields"]}
        for field in reader.node["fields"]:
            source = next((given[name] for name in (field["name"], *field.get("aliases", ())) if name in given), None)
            if source is None:
                continue
            inner = self.reader.inside(reader, field["type"]), self.writer.inside(writer, source["type"])
            if found := self.reason(*inner):
                return f"field {field['name']}: {found}"
        return None


def _first(reasons: Iterable[str | None]) -> str | None:
    return next((found for found in reasons if found), None)


def _is_alike(reader: _Part, writer: _Part) -> bool:
    return reader.kind == writer.kind or (writer.kind, reader.kind) in _WIDER or {reader.kind, writer.kind} == _BINARY


def _other_meaning(reader: Any, writer: Any) -> str | None:
    read, written = (_logical_type(node) for node in (reader, writer))
    if read is None or written is None or read == written:
        return None
    return f"{written} would be taken for {read}"


def _logical_type(node: Any) -> str | None:
    """A logical type with what its values depend on; local times have the numbers of others."""
    found = node.get("logicalType") if isinstance(node, dict) else None
    if found == "decimal":
        return f"a decimal of scale {node.get('scale', 0)}"
    return None if found is None else str(found).removeprefix("local-")
