"""Three brokers for the tests of this folder, which lie together in a run so that few of its processes start some."""

from collections.abc import Iterator

import pytest

from ferryman.stack import Shape, Stack


@pytest.fixture(scope="session")
def brokers() -> Iterator[Stack]:
    """They may be killed, and are there again when the next test begins."""
    with Stack(("kafka",), shape=Shape(brokers=3)) as stack:
        yield stack
