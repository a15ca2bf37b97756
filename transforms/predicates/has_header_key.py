"""HasHeaderKey: holds for records with a header of that name."""

from collections.abc import Sequence
from typing import Annotated

from ferryman.api import Predicate
from ferryman.config import Config, NonEmpty, Str, key
from ferryman.record import Batch, Headers, Record
from ferryman.repeated import Repeated


class HasHeaderKeyConfig(Config):
    name: Annotated[Str, NonEmpty] = key()
    """The header's name."""


class HasHeaderKey(Predicate[HasHeaderKeyConfig]):
    """Holds if at least one header has the name."""

    config_class = HasHeaderKeyConfig
    classes = ("org.apache.kafka.connect.transforms.predicates.HasHeaderKey",)

    def test(self, record: Record) -> bool:
        """Whether the record has the header."""
        return self._has(record.headers)

    def test_batch(self, batch: Batch) -> Sequence[bool]:
        """The same for each record."""
        if batch.headers is None:
            return [False] * len(batch)
        return Repeated.of(batch.headers).each(self._has)

    def _has(self, headers: Headers) -> bool:
        return any(header.key == self.config.name for header in headers)
