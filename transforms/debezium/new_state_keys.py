"""The keys of ExtractNewRecordState: today's, and those of former versions that say the same."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, ClassVar, Literal, NamedTuple

from ferryman.config import Bool, Config, Shown, Str, Strings, Text, any_case, key
from ferryman.errors import KeyProblem
from ferryman.transforms.debezium.change_event import BadReference, Reference, reference

_MODES = ("drop", "tombstone", "rewrite", "rewrite-with-tombstone", "delete-to-tombstone")
_FORMER_MODES = ("drop", "rewrite", "none")
Deletes = Literal["drop", "null", "rewrite", "tombstone"]


class Handling(NamedTuple):
    """What becomes of deletes."""

    deletes: Deletes
    """What a delete event becomes."""
    drop_tombstones: bool
    """Whether the tombstones that follow them are dropped."""


_HANDLING = {
    "drop": Handling("drop", True),
    "tombstone": Handling("null", True),
    "rewrite": Handling("rewrite", True),
    "rewrite-with-tombstone": Handling("rewrite", False),
    "delete-to-tombstone": Handling("tombstone", True),
}
_FORMER_DELETES: dict[str, Deletes] = {"drop": "drop", "none": "null", "rewrite": "rewrite"}


class ExtractNewRecordStateConfig(Config):
    delete_tombstone_handling_mode: Annotated[
        Literal["drop", "tombstone", "rewrite", "rewrite-with-tombstone", "delete-to-tombstone"] | None,
        any_case(*_MODES),
    ] = key(None, shown=Shown(default_text="tombstone"))
    """What becomes of a delete and of the tombstone behind it. ``drop``: both go. ``tombstone``: the delete becomes
    null, the tombstone goes. ``rewrite``: the delete becomes the row as it was, with a field ``__deleted``, which all
    other records get too; the tombstone goes, or stays with ``rewrite-with-tombstone``. ``delete-to-tombstone``: as
    tombstone, but null without a schema."""
    delete_handling_mode: Annotated[Literal["drop", "rewrite", "none"] | None, any_case(*_FORMER_MODES)] = key(
        None, shown=Shown(default_text="drop")
    )
    """What becomes of deletes, as versions before 3.2 have it; ``none`` makes them null. If this or drop.tombstones is
    given, and not delete.tombstone.handling.mode, the two decide."""
    drop_tombstones: Bool | None = key(None, importance="LOW", shown=Shown(default_text="true"))
    """Whether tombstones go, as versions before 3.2 have it."""
    route_by_field: Str = key("", importance="LOW")
    """The field of the row whose text becomes the topic."""
    add_fields_prefix: Text = key("__", importance="LOW")
    """What stands before the names of added fields."""
    add_fields: Strings = key([], importance="LOW")
    """Metadata to add as fields: ``op``, ``table``, ``source.ts_ms``, each with ``:name`` for another name. What has no
    struct before it is looked for in source, and transaction ids in transaction."""
    add_headers_prefix: Text = key("__", importance="LOW")
    """What stands before the names of added headers."""
    add_headers: Strings = key([], importance="LOW")
    """Metadata to add as headers, written as in add.fields."""
    drop_fields_header_name: Str = key("", importance="LOW")
    """A header with a list of fields to leave out."""
    drop_fields_from_key: Bool = key(False, importance="LOW")
    """Whether these are left out of the key too."""
    drop_fields_keep_schema_compatible: Bool = key(True, importance="LOW")
    """Whether only optional fields are left out."""
    replace_null_with_default: Bool = key(True, importance="LOW")
    """Whether null fields with a default are read as that default where ``__deleted`` is added."""

    refused: ClassVar[Mapping[str, str]] = {
        "operation.header": "use add.headers=op",
        "add.source.fields": "use add.fields, with source. before the names",
        "drop.deletes": "use delete.tombstone.handling.mode",
    }

    def problems(self) -> Iterable[KeyProblem]:
        """References that cannot be read."""
        for name, texts in (("add.fields", self.add_fields), ("add.headers", self.add_headers)):
            for text in texts:
                try:
                    reference(text, "")
                except BadReference as error:
                    yield KeyProblem(name, str(error))

    def handling(self) -> Handling:
        """What becomes of deletes and tombstones."""
        if self.delete_tombstone_handling_mode is not None:
            return _HANDLING[self.delete_tombstone_handling_mode]
        if self.delete_handling_mode is None and self.drop_tombstones is None:
            return _HANDLING["tombstone"]
        return former_handling(self.delete_handling_mode or "drop", self.drop_tombstones is not False)

    def fields_added(self) -> Sequence[Reference]:
        """The metadata that ``add.fields`` puts into the value, named with their prefix."""
        return [reference(text, self.add_fields_prefix) for text in self.add_fields]

    def headers_added(self) -> Sequence[Reference]:
        """The metadata that ``add.headers`` puts into headers, named with their prefix."""
        return [reference(text, self.add_headers_prefix) for text in self.add_headers]


def former_handling(deletes: str, drop_tombstones: bool) -> Handling:
    """What delete.handling.mode and drop.tombstones say together."""
    return Handling(_FORMER_DELETES[deletes], drop_tombstones)


class UnwrapFromEnvelopeConfig(ExtractNewRecordStateConfig):
    """Keys of UnwrapFromEnvelope, with the defaults that version 0.9 had."""

    drop_deletes: Bool | None = key(None)
    """Whether deletes go; false makes them null. Older than delete.handling.mode, and stronger."""

    refused: ClassVar[Mapping[str, str]] = {
        name: why for name, why in ExtractNewRecordStateConfig.refused.items() if name != "drop.deletes"
    }

    def handling(self) -> Handling:
        """What becomes of deletes and tombstones: both go, unless a key says otherwise."""
        if self.delete_tombstone_handling_mode is not None:
            return super().handling()
        mode = self.delete_handling_mode if self.drop_deletes is None else "drop" if self.drop_deletes else "none"
        return former_handling(mode or "drop", self.drop_tombstones is not False)
