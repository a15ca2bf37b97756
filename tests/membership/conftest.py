"""A broker that the tests here cut off and restart."""

from collections.abc import Iterator

import pytest

from tests.reliability.links.broker import Broker, broker


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with broker(tmp_path_factory.mktemp("broker")) as made:
        yield made
