"""The rows-only third-party plugin of the table: it reads a field of each record and counts. Copied to where it is run.

It has nothing but `put(records)`, as a plugin's first version has.
"""

import os
import struct
from collections.abc import Sequence

from ferryman.api import Sink
from ferryman.config import Str, key
from ferryman.connector import SinkConfig
from ferryman.record import Record

STATE = "<qq"
"""How the file is laid out: the number of records, the sum of their ids."""


class CountingConfig(SinkConfig):
    """Where to leave the count."""

    count_file: Str = key(importance="HIGH")
    """The file."""


class CountingSink(Sink[CountingConfig]):
    """Counts records, and adds up the field ``id`` of their values."""

    config_class = CountingConfig

    def start(self) -> None:
        """Goes on from what an earlier task counted, so that records that come twice show."""
        self._file = os.open(self.config.count_file, os.O_RDWR | os.O_CREAT)
        data = os.read(self._file, struct.calcsize(STATE))
        self._count, self._total = struct.unpack(STATE, data) if data else (0, 0)

    def put(self, records: Sequence[Record]) -> None:
        """Counts them."""
        self._count += len(records)
        self._total += sum(record.value["id"] for record in records if record.value is not None)
        os.pwrite(self._file, struct.pack(STATE, self._count, self._total), 0)

    def stop(self) -> None:
        """Lets the file go."""
        os.close(self._file)
