"""An error inside a value tells the path of the one at fault, and costs no more than the value did."""

from typing import Any

import pytest

from ferryman.errors import DataError
from ferryman.formats.avro.schemas import schema_writer
from ferryman.formats.json import field_paths
from ferryman.formats.json.payload import reader, writer
from ferryman.schema import INT32, STRING, Schema, Type, array, struct

LINE = struct({"sku": STRING, "count": INT32})
BY_NAME = Schema(Type.MAP, keys=STRING, values=LINE)
ORDER = struct({"id": INT32, "lines": array(LINE), "named": BY_NAME, "buyer": struct({"name": STRING})})
GOOD: dict[str, Any] = {
    "id": 1,
    "lines": [{"sku": "a", "count": 1}, {"sku": "b", "count": 2}],
    "named": {"x": {"sku": "a", "count": 1}},
    "buyer": {"name": "n"},
}
BAD: list[tuple[str, dict[str, Any]]] = [
    ("id", {"id": "one"}),
    ("id", {"id": None}),
    ("buyer.name", {"buyer": {"name": 5}}),
    ("lines[1].count", {"lines": [{"sku": "a", "count": 1}, {"sku": "b", "count": "two"}]}),
    ("lines[0].sku", {"lines": [{"sku": None, "count": 1}]}),
    ('named["x"].count', {"named": {"x": {"sku": "a", "count": 2.5}}}),
    ("lines", {"lines": "none"}),
    ("lines[1]", {"lines": [{"sku": "a", "count": 1}, "b"]}),
]


@pytest.mark.parametrize(("path", "change"), BAD)
def test_json_and_avro_name_the_field(path: str, change: dict[str, Any]) -> None:
    value = GOOD | change
    for convert in (reader(ORDER), writer(ORDER), schema_writer.writing(ORDER).convert):
        assert convert(GOOD)
        with pytest.raises(DataError) as raised:
            convert(value)
        assert str(raised.value).endswith(f" (field {path})")


def test_a_value_of_another_class_is_called_as_in_java() -> None:
    with pytest.raises(DataError, match=r"^Invalid type for INT32: class java.lang.String \(field id\)$"):
        schema_writer.writing(ORDER).convert(GOOD | {"id": "one"})


def test_any_misfit_becomes_a_data_error_with_its_path() -> None:
    def fails(value: Any) -> Any:
        raise ValueError(f"no {value}")

    for made in (
        lambda: field_paths.members([("a", "b", fails)], {"a": 1}.get),
        lambda: field_paths.elements(fails, [1]),
        lambda: field_paths.entries(fails, {"a": 1}),
    ):
        with pytest.raises(DataError, match=r"^The value does not fit its schema: no 1 \(field "):
            made()


def test_an_error_deep_inside_is_found_at_once() -> None:
    schema, value, calls = STRING, "x", 0

    def fails(value: Any) -> Any:
        nonlocal calls
        calls += 1
        raise DataError("no")

    convert: Any = fails
    for _ in range(60):
        convert = lambda value, inner=convert: field_paths.members([("f", "f", inner)], value.get)  # noqa: E731
        schema, value = struct({"f": schema}), {"f": value}  # type: ignore[assignment]
    with pytest.raises(DataError) as raised:
        convert(value)
    assert raised.value.field == ".".join(["f"] * 60)
    assert calls == 1
