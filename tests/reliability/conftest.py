"""What the reliability tests have together: a broker that they may break, links of all flows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.links.all_flows import Flows, flowing
from tests.reliability.links.broker import Broker, broker


@pytest.fixture(scope="session")
def broken_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that may be cut off, killed and told to refuse; good again when a test is over."""
    with broker(tmp_path_factory.mktemp("broker")) as made:
        yield made


@pytest.fixture
def flows(tmp_path: Path, broken_broker: Broker, stack: dict[str, str], postgres: str, unique: str) -> Iterator[Flows]:
    """A worker with a flow for each neighbour, in good times."""
    with flowing(tmp_path, broken_broker, stack, postgres, unique) as made:
        yield made
