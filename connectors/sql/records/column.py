"""A column and what of a record fills it."""

from dataclasses import dataclass
from typing import Literal

from ferryman.schema import Schema

Part = Literal["key", "value", "topic", "partition", "offset"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the config wants it, before anybody has looked whether the table has it."""

    name: str
    """Its name: the field's, or one from the config."""
    schema: Schema
    """What its values are."""
    part: Part
    """The part of a record that it is filled from; topic, partition and offset as consumed."""
    field: str | None = None
    """The field of the key or value; None: the whole of it."""
    primary: bool = False
    """Whether it belongs to the primary key."""

    of_debezium: bool = False
    """Whether the names of Debezium's types mean something in its schema."""

    @property
    def nullable(self) -> bool:
        """Whether the column may be null."""
        return self.schema.optional and not self.primary
