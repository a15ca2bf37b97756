"""Names in configs: lists checked as Kafka's ConfigDef.ValidList does, pairs ``one:other``, the order of a HashSet."""

from collections.abc import Iterable, Sequence

from ferryman.errors import KeyProblem


def name_problems(key: str, names: Sequence[str], required: bool = True) -> Iterable[KeyProblem]:
    """What is wrong with a list of names."""
    if required and not names:
        yield KeyProblem(key, f"Configuration '{key}' must not be empty. Valid values include: any non-empty value")
    if "" in names:
        yield KeyProblem(key, f"Configuration '{key}' values must not be empty.")


def parts(mapping: str, separator: str = ":") -> list[str]:
    """A text cut at its colons as Java's String.split cuts it: empty parts at the end are dropped."""
    return mapping.rstrip(separator).split(separator) if mapping.strip(separator) or not mapping else []


def in_hash_order(names: Iterable[str]) -> list[str]:
    """The names, each once, in the order in which a Java HashSet gives them: of two errors the first one counts."""
    once = list(dict.fromkeys(names))
    size = 16
    while len(once) > size * 3 // 4:
        size *= 2
    return sorted(once, key=lambda name: _spread(name) % size)


def _spread(name: str) -> int:
    units = name.encode("utf-16-be", "surrogatepass")
    code = 0
    for high, low in zip(units[::2], units[1::2], strict=True):
        code = (31 * code + (high << 8 | low)) & 0xFFFF_FFFF
    return code ^ code >> 16
