"""What the headers of a restored topic say: where each record was. Pure, but for the messages."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from ferryman.archives.translation import Restored
from ferryman.connectors.s3.archive import ORIGINAL

_NUMBER = re.compile(r"\d{1,19}", re.ASCII)
_RANGE = re.compile(r"(\d{1,19})-(\d{0,19})", re.ASCII)


class Origin(NamedTuple):
    """Where a record was, and where it is."""

    topic: str
    record: Restored


def origin(partition: int, offset: int, headers: Sequence[tuple[str, object]]) -> Origin | None:
    """What a record's headers say; None for one that was not restored with restore.original.headers=true."""
    found = {key.removeprefix(ORIGINAL): _text(value) for key, value in headers if key.startswith(ORIGINAL)}
    number, original = (_NUMBER.fullmatch(found.get(name, "")) for name in ("partition", "offset"))
    if "topic" not in found or number is None or original is None:
        return None
    span = _RANGE.fullmatch(found.get("range", ""))
    first = None if span is None else int(span[1])
    last = None if span is None or not span[2] else int(span[2])
    return Origin(found["topic"], Restored(partition, offset, int(number[0]), int(original[0]), first, last))


def _text(value: object) -> str:
    """A header's text; JSON's quotes, which a header converter may have put there, are none of it."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.removeprefix('"').removesuffix('"')
