"""Values converted one by one, of which those that cannot be are all told at once."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ferryman.errors import BadValues, DataError


def each(values: Sequence[Any], convert: Callable[[Any], Any]) -> list[Any]:
    """What becomes of the values of a batch, one a record; null stays null.

    Raises BadValues for all that ``convert`` refuses with a DataError; the error itself where there is but one value.
    """
    try:
        return [None if value is None else convert(value) for value in values]
    except DataError:
        if len(values) == 1:
            raise
    raise BadValues(dict(_refused(values, convert)))


def _refused(values: Sequence[Any], convert: Callable[[Any], Any]) -> Iterator[tuple[int, DataError]]:
    for at, value in enumerate(values):
        try:
            if value is not None:
                convert(value)
        except DataError as error:
            yield at, error


@contextmanager
def among(indices: Sequence[int]) -> Iterator[None]:
    """Around work on some records of a batch, which stand at these indices there: so are the bad ones told."""
    try:
        yield
    except BadValues as error:
        raise error.among(indices) from None
