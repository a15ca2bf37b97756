"""What fastavro's and the walk's values lack to be Connect's, as functions put together once per schema."""

from collections.abc import Callable, Mapping
from typing import Any

from ferryman.errors import DataError
from ferryman.formats.json.payload import INTEGER_RANGES
from ferryman.schema import Type

Convert = Callable[[Any], Any]


def in_range(kind: Type) -> Convert:
    """An integer of that type; DataError for one out of its range."""
    low, high = INTEGER_RANGES[kind]

    def check(value: int) -> int:
        if not low <= value <= high:
            raise DataError(f"{value} is out of range for {kind}")
        return value

    return check


def is_one(byte: bytes) -> bool:
    """A boolean, by Java's reading: a byte of 1 is true, and every other false."""
    return byte == b"\x01"


def symbol(names: tuple[str, ...]) -> Convert:
    """An enum's number as its symbol; DataError for a number that has none."""

    def convert(number: int) -> str:
        if not 0 <= number < len(names):
            raise DataError(f"An enum of {len(names)} symbols has no symbol number {number}")
        return names[number]

    return convert


def optional(convert: Convert | None) -> Convert | None:
    """The conversion for a value that may be null."""
    return None if convert is None else lambda value: None if value is None else convert(value)


def in_members(converts: list[tuple[str, Convert]]) -> Convert | None:
    """A record, of which some members are converted."""
    if not converts:
        return None

    def convert(value: dict[str, Any]) -> dict[str, Any]:
        for name, member in converts:
            value[name] = member(value[name])
        return value

    return convert


def in_list(convert: Convert | None) -> Convert | None:
    """The conversion of an array whose items need this one."""
    return None if convert is None else lambda value: [convert(item) for item in value]


def in_map(convert: Convert | None) -> Convert | None:
    """The conversion of a map from texts whose values need this one."""
    return None if convert is None else lambda value: {name: convert(item) for name, item in value.items()}


def entries(convert: Convert | None) -> Convert:
    """An array of records of key and value as the map that it stands for."""

    def convert_all(value: list[dict[str, Any]]) -> dict[Any, Any]:
        pairs = value if convert is None else [convert(item) for item in value]
        try:
            return {pair["key"]: pair["value"] for pair in pairs}
        except TypeError as error:
            raise DataError(f"Map keys must be plain values: {error}") from error

    return convert_all


def branch(branches: Mapping[str, tuple[str, Convert | None]]) -> Convert:
    """A union's value, known by the record that is wrapped around it, as a struct with that branch's field."""

    def convert_one(value: Any) -> Any:
        if value is None:
            return None
        # Where there is one branch only, the decoder does not say which.
        own, inner = value if isinstance(value, tuple) else (next(iter(branches)), value)
        name, convert = branches[own]
        return {name: inner["v"] if convert is None else convert(inner["v"])}

    return convert_one
