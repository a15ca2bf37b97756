"""The Connect schema of a record that contains itself."""

from typing import Any

from ferryman.schema import Schema, Type


class Cyclic(Schema):
    """A struct inside itself: it has the fields of the outer one as soon as these are known.

    Two are equal by their names, since to compare what is in them would have no end.
    """

    peers: list["Cyclic"]
    """All that stand for the same struct, optional or not; they are filled together."""

    @classmethod
    def of(cls, peers: list["Cyclic"], optional: bool = False) -> "Cyclic":
        """One more struct whose fields are not yet known."""
        made = cls(Type.STRUCT, optional=optional)
        object.__setattr__(made, "peers", peers)
        peers.append(made)
        return made

    def as_optional(self, optional: bool = True) -> Schema:
        """The same schema with another optional flag."""
        if self.optional is optional:
            return self
        made = Cyclic.of(self.peers, optional)
        made.fill(self)
        return made

    def fill(self, outer: Schema) -> None:
        """Takes over what the outer struct is now known to be."""
        for name in ("fields", "name", "version", "doc", "parameters"):
            object.__setattr__(self, name, getattr(outer, name))
        self.__dict__.pop("by_name", None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and self._told(self) == self._told(other)

    def __hash__(self) -> int:
        return hash((self.type, self.name))

    @staticmethod
    def _told(schema: Schema) -> Any:
        return schema.type, schema.name, schema.optional, [field.name for field in schema.fields]
