"""Names in Avro schemas as Avro's Java library spells them: a namespace only where it differs from the one around."""

from typing import Any
from urllib.parse import quote_plus

from ferryman.errors import DataError


class Full(str):
    """A reference to a named type, by its full name."""

    __slots__ = ()


def split(full: str) -> dict[str, str]:
    """A full name as ``name`` and, if there is one, ``namespace``."""
    space, _, name = full.rpartition(".")
    return {"name": name, "namespace": space} if space else {"name": name}


def full_name(node: dict[str, Any]) -> str:
    """The full name of a definition that holds its namespace itself."""
    space = node.get("namespace")
    return f"{space}.{node['name']}" if space else str(node["name"])


def spelled(node: Any, space: str | None = None) -> Any:
    """A schema in which every definition holds its namespace and references are Full, as Java would print it."""
    if isinstance(node, Full):
        around, _, name = node.rpartition(".")
        return name if not around or around == space else str(node)
    if isinstance(node, list):
        return [spelled(each, space) for each in node]
    if not isinstance(node, dict):
        return node
    if node["type"] not in ("record", "enum", "fixed"):
        return {name: spelled(each, space) if name in ("items", "values") else each for name, each in node.items()}
    own = node.get("namespace")
    said = own if own != space else None
    if own is None and space is not None:
        said = ""
    found = {"type": node["type"], "name": node["name"], **({} if said is None else {"namespace": said})}
    found |= {name: each for name, each in node.items() if name not in ("type", "name", "namespace")}
    if "fields" in found:
        found["fields"] = [{**field, "type": spelled(field["type"], own)} for field in found["fields"]]
    return found


def bare(node: Any) -> Any:
    """A schema without logical types, for values that are numbers and bytes already."""
    if isinstance(node, list):
        return [bare(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        name: bare(each) if name in ("type", "items", "values", "fields") else each
        for name, each in node.items()
        if name != "logicalType"
    }


def checked_name(name: str) -> str:
    """The same name, of a type or a field. Raises DataError for one that Avro does not allow."""
    letters = name.replace("_", "a")
    if not letters.isalnum() or not letters[0].isalpha():
        raise DataError(
            f"Avro does not allow the name {name!r}; scrub.invalid.names=true changes it to one that it does"
        )
    return name


def scrubbed(name: str) -> str:
    """A name that Avro can have, by scrub.invalid.names: encoded as in a URL, with underscores for what is left."""
    if not name or _fits(name):
        return name
    encoded = quote_plus(name, safe="*-._")
    if encoded[0].isdigit():
        encoded = f"x{encoded}"
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter == "_") else "_" for letter in encoded)


def _fits(name: str) -> bool:
    return name.isascii() and name.replace("_", "a").isalnum() and not name[0].isdigit()


def is_bytes(node: Any) -> bool:
    """Whether a parsed schema is bytes, and nothing around them."""
    return bool(node == "bytes" or (isinstance(node, dict) and node.get("type") == "bytes"))
