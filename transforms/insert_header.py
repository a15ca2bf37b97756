"""InsertHeader: adds a header with a fixed value."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

from ferryman.config import Config, Str, key
from ferryman.config_fields import of_null
from ferryman.formats.header_text import infer
from ferryman.record import Batch, Header
from ferryman.repeated import Repeated
from ferryman.transforms.fields.sides import Batched


class InsertHeaderConfig(Config):
    header: Annotated[Str, of_null("entry must be non null")] = key(importance="HIGH")
    """The header's name."""
    value_literal: Annotated[Str, of_null("entry must be non null")] = key(importance="HIGH")
    """The header's value; its type is inferred, as that of a header's text is: 12 is an INT8, true a BOOLEAN."""


class InsertHeader(Batched[InsertHeaderConfig]):
    """Adds a header behind those that are there, also behind one of that name."""

    config_class = InsertHeaderConfig
    classes = ("org.apache.kafka.connect.transforms.InsertHeader",)
    takes_maps = True

    def __init__(self, config: InsertHeaderConfig, side: Any = "value") -> None:
        super().__init__(config, side)
        found = infer(config.value_literal)
        self.added = (Header(config.header, found.value, found.schema),)

    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        """Keys and values stay as they are, in rows or columns."""
        if batch.headers is None:
            return [replace(batch, headers=Repeated([self.added], [0] * len(batch)))]
        return [replace(batch, headers=Repeated.of(batch.headers).each(lambda headers: (*headers, *self.added)))]
