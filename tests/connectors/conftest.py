"""Servers that several files of tests here share."""

from collections.abc import Iterator

import pytest

from ferryman.stack import Stack


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The URL of an S3 server."""
    with Stack(("s3",)) as stack:
        yield stack.addresses["s3"]
