"""MaskField: puts a neutral value, or a replacement, in the place of fields."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any

from ferryman.config import Bool, Config, NonEmpty, Str, Strings, key
from ferryman.config_fields import NAMES
from ferryman.errors import DataError, KeyProblem
from ferryman.formats import eager
from ferryman.java.decimals import MOST_DIGITS, rescaled
from ferryman.java.texts import EPOCH, java_class, to_float32
from ferryman.record import Batch, Columns, Data, Maps, Rows
from ferryman.schema import DATE, DECIMAL, FLOATS, INTEGERS, TIME, TIMESTAMP, Schema, Type
from ferryman.transforms.fields.each_value import each
from ferryman.transforms.fields.map_columns import class_of, column, of, put, same
from ferryman.transforms.fields.name_lists import in_hash_order, name_problems
from ferryman.transforms.fields.sides import Sided
from ferryman.transforms.fields.structs import class_name, converted, is_plain, maps, structs, with_defaults

PURPOSE = "mask fields"
Mask = Callable[[Any], Any]

_NUMBER = re.compile(r"[+-]?(\d+(?:\.\d*)?|\.\d+)([eE][+-]?\d{1,6})?")
_NEUTRAL: dict[type, Any] = {
    bool: False,
    int: 0,
    float: 0.0,
    Decimal: Decimal(0),
    str: "",
    datetime: EPOCH,
    date: date(1970, 1, 1),
    time: time(),
}
_BITS = {Type.INT8: 8, Type.INT16: 16, Type.INT32: 32}


class MaskFieldConfig(Config):
    fields: Annotated[Strings, NAMES] = key(importance="HIGH")
    """The fields to mask."""
    replacement: Annotated[Str | None, NonEmpty] = key(None, importance="LOW")
    """What numbers and strings become; by default 0, false, the empty string, list or map, or the epoch."""
    replace_null_with_default: Bool = key(True)
    """Whether null fields with a default are copied as that default."""

    def problems(self) -> Iterable[KeyProblem]:
        """No field, or one without a name."""
        return name_problems("fields", self.fields)


class MaskField(Sided[MaskFieldConfig]):
    """Masks fields of a map or struct; null stays null."""

    config_class = MaskFieldConfig
    classes = ("org.apache.kafka.connect.transforms.MaskField",)
    takes_maps = True

    def __init__(self, config: MaskFieldConfig, side: Any = "value") -> None:
        super().__init__(config, side)
        self.names = in_hash_order(config.fields)
        self._masks = lru_cache(maxsize=16)(self._of_schema)

    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        """Null in the place of the map or struct is a DataError."""
        return [self.changed(batch, self._change(self.data(batch)))]

    def _change(self, data: Data) -> Data:
        if isinstance(data, Columns):
            return self._columns(data) or self._structs(data.rows())
        if isinstance(data, Maps):
            return self._map_columns(data) or self._maps(data.rows())
        return self._maps(data) if data.schema is None else self._structs(data)

    def _map_columns(self, data: Maps) -> Maps | None:
        """None where a list or map is masked."""
        masked = []
        for name in self.names:
            found = column(data, name)
            kind = class_of(found)
            if kind is None:
                return None
            if kind is not type(None):
                mask = self._of_class(_NEUTRAL[kind])
                found = same(name, mask, len(data)).zip_with(~eager.nulls(found), of(name, kind, [None]))
            masked.append(found)
        return put(data, masked)

    def _maps(self, data: Rows) -> Rows:
        new = [value.copy() for value in maps(data.values, PURPOSE)]
        constant = self._constants().get

        def masked(item: Any) -> Any:
            mask = constant(item.__class__)
            return self._other(item) if mask is None else mask

        for name in self.names:
            items = each([value.get(name) for value in new], masked)
            for value, item in zip(new, items, strict=True):
                value[name] = item
        return Rows(None, new)

    def _of_class(self, sample: Any) -> Any:
        """The mask of a plain value of that class."""
        mask = self._constants().get(sample.__class__)
        return self._other(sample) if mask is None else mask

    def _constants(self) -> dict[type, Any]:
        """The masks of classes whose mask needs no thought."""
        if self.config.replacement is None:
            return _NEUTRAL
        try:
            return {str: self.config.replacement, int: _integer(self.config.replacement, 64)}
        except DataError:
            return {str: self.config.replacement}

    def _other(self, value: Any) -> Any:
        if value is None:
            return None
        if self.config.replacement is None:
            if isinstance(value, (list, dict)):
                return type(value)()
            raise DataError(f"Cannot mask value of type: class {java_class(value)}")
        match value:
            case bool():
                raise DataError("Cannot mask value of type class java.lang.Boolean with custom replacement.")
            case int():
                return _integer(self.config.replacement, 64)
            case float():
                return float(_number(self.config.replacement))
            case Decimal():
                return _number(self.config.replacement, "number")
            case _:
                raise DataError(f"Cannot mask value of type class {java_class(value)} with custom replacement.")

    def _of_schema(self, schema: Schema) -> dict[str, Mask]:
        return {name: self._mask(each.schema) for name, each in schema.by_name.items() if name in self.names}

    def _mask(self, schema: Schema) -> Mask:
        try:
            constant = self._constant(schema)
        except DataError as error:
            text = str(error)
            return lambda value: None if value is None else _refuse(text)
        if schema.type in (Type.ARRAY, Type.MAP):
            return lambda value: None if value is None else constant.copy()
        return lambda value: None if value is None else constant

    def _constant(self, schema: Schema) -> Any:
        text = self.config.replacement
        sample = _sample(schema)
        if sample is None:
            sample = {}
        if (text is None and sample.__class__ is bytes) or (schema.type is Type.STRUCT and text is None):
            raise DataError(f"Cannot mask value of type: class {class_name(sample, schema)}")
        if schema.name == DECIMAL:
            return rescaled(Decimal(0) if text is None else _number(text, "number"), schema.scale)
        if text is None:
            return sample
        if sample.__class__ is str:
            return text
        if schema.type in INTEGERS and sample.__class__ is int:
            return _integer(text, _BITS.get(schema.type, 64))
        if schema.type in FLOATS:
            number = float(_number(text))
            return to_float32(number) if schema.type is Type.FLOAT32 else number
        raise DataError(f"Cannot mask value of type class {class_name(sample, schema)} with custom replacement.")

    def _structs(self, data: Rows) -> Rows:
        assert data.schema is not None
        structs(data, PURPOSE)
        new = converted(data, data.schema, self.config.replace_null_with_default, self._masks(data.schema))
        return Rows(data.schema, new)

    def _columns(self, data: Columns) -> Columns | None:
        frame = with_defaults(data, self.config.replace_null_with_default)
        found = self._masks(data.schema)
        if frame is None or any(data.schema.by_name[name].schema.type is Type.STRUCT for name in found):
            return None
        masked = []
        for name, mask in found.items():
            column = frame.get_column(name)
            if column.null_count() == len(column):
                continue
            schema = data.schema.by_name[name].schema
            try:
                value = mask(_sample(schema))
            except DataError:
                return None  # the rows say so of each record that has such a value
            if schema.type in (Type.ARRAY, Type.MAP):
                value = []  # a column of maps has lists of pairs
            elif not is_plain(value):
                return None
            mask_of_all = eager.same(name, value, column.dtype, len(column))
            masked.append(mask_of_all.zip_with(~eager.nulls(column), column))
        return Columns(data.schema, eager.put(frame, masked))


def _sample(schema: Schema) -> Any:
    """The neutral value of a schema; empty bytes for bytes, which have none, and None for a struct."""
    logical = {DECIMAL: Decimal(0), TIMESTAMP: EPOCH, DATE: date(1970, 1, 1), TIME: time()}
    if schema.name in logical:
        return logical[schema.name]
    if schema.type in INTEGERS:
        return 0
    if schema.type in FLOATS:
        return 0.0
    plain = {Type.BOOLEAN: False, Type.STRING: "", Type.BYTES: b"", Type.ARRAY: [], Type.MAP: {}}
    return plain.get(schema.type)


def _refuse(text: str) -> Any:
    raise DataError(text)


def _number(text: str, wanted: str = "a number") -> Decimal:
    if len(text) > MOST_DIGITS or not _NUMBER.fullmatch(text) or abs(Decimal(text).adjusted()) > MOST_DIGITS:
        raise DataError(f"Unable to convert {text} (class java.lang.String) to {wanted}")
    return Decimal(text)


def _integer(text: str, bits: int) -> int:
    """The number cut to an integer of so many bits, as Java narrows it."""
    number = int(_number(text))
    return (number + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)
