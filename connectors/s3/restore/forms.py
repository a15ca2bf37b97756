"""What is in an object: the seam between its bytes and its records, whatever the format."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from ferryman.connectors.s3.restore.object_bytes import ObjectBytes
from ferryman.errors import DataError
from ferryman.record import Data

RECORDS_AT_ONCE = 2000
"""Records that are taken apart at once, at most."""


class BadItem(NamedTuple):
    """One record that cannot be read; those behind it can."""

    error: DataError


class ObjectFormat(Protocol):
    """A format to read."""

    def read(self, source: ObjectBytes, skip: int) -> Iterator[Data | BadItem]:
        """The records behind the first so many, a few at a time, none left out: a BadItem counts as one.

        Raises Damaged, or another DataError, where the object cannot be read on; RetriableError while the server is
        away, after which it must be read anew.
        """
