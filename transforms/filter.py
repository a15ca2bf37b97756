"""Filter: drops records; a predicate says which."""

from collections.abc import Sequence

from ferryman.api import Transform
from ferryman.config import Config
from ferryman.record import Batch, Record


class FilterConfig(Config):
    """Filter has no keys of its own; without a ``predicate`` it drops every record."""


class Filter(Transform[FilterConfig]):
    """Drops every record that it is applied to."""

    config_class = FilterConfig
    classes = ("org.apache.kafka.connect.transforms.Filter",)
    takes_maps = True
    any_order = True

    def rows_reason(self) -> str | None:
        """None: it does not look at data."""
        return None

    def apply(self, record: Record) -> Record | None:
        return None

    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        return []
