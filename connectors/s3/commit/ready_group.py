"""Records of one poll that are of one schema and are written alike, with all that is known before their files are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ferryman.connectors.s3.commit.schema_change import projected
from ferryman.connectors.s3.formats.format import Format, select
from ferryman.connectors.s3.layout.keys_and_headers import with_key_of
from ferryman.connectors.s3.layout.partitioners import Paths
from ferryman.record import Batch
from ferryman.schema import Schema


@dataclass(frozen=True, slots=True)
class ReadyGroup:
    """The records, and where they go."""

    topic: str
    """The topic as transforms left it."""
    offsets: Sequence[int]
    """The offset of each."""
    paths: Paths
    """The encoded partition of each record, or of all."""
    times: Sequence[int] | None
    """The time of each record in milliseconds, where paths or rotation need it."""
    written: Mapping[str, Batch]
    """What the files of each side hold of them."""
    schemas: Mapping[str, Schema | None]
    """The records' own schema, by side."""
    formats: Mapping[str, Format]
    """How files are written, by side."""
    _whole: dict[str, Any] = field(default_factory=dict, init=False)
    """All records as encoded by their own schema, by side."""

    def path(self, at: int) -> str:
        """The encoded partition of a record."""
        return self.paths if isinstance(self.paths, str) else self.paths[at]

    def schema(self, side: str, file: Schema | None) -> Schema | None:
        """The records' own schema, as it is to be compared with that of a file that may take them."""
        own = self.schemas[side]
        return own if own is None else with_key_of(self.written[side], file).value.schema

    def encoded(self, side: str, schema: Schema | None, indices: Sequence[int]) -> Any:
        """Some of the records, at least one, as a file of this schema has them. Raises DataError."""
        form, own = self.formats[side], self.schemas[side]
        if schema is own or schema == own:
            if side not in self._whole:
                self._whole[side] = form.encode(self.written[side], own)
            return select(self._whole[side], indices)
        return form.encode(by_schema_of_file(self.written[side].take(indices), schema), schema)


def by_schema_of_file(written: Batch, schema: Schema | None) -> Batch:
    """Records as a file of another schema holds them. Raises DataError if that cannot be."""
    return projected(with_key_of(written, schema), schema)
