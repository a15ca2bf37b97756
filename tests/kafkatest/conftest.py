"""Whose workers the tests are tried with: ours always; with --long Kafka's own, which must answer the same."""

import uuid
from collections.abc import Iterator

import pytest

from tests.kafkatest.connect import Connect, borrowed, cluster, worker_settings
from tests.kafkatest.whose import ALWAYS, IN_LONG_RUNS, Whose


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that takes a worker runs with ours in each mode, and with Kafka's in distributed mode, where the
    originals of the tests run; or with those that its mark ``modes`` names."""
    if "where" in metafunc.fixturenames:
        elsewhere = ["another cluster", "by another name"] if metafunc.config.getoption("--long") else []
        metafunc.parametrize("where", ["the worker's cluster", *elsewhere])
    if "whose" not in metafunc.fixturenames:
        return
    mark = metafunc.definition.get_closest_marker("modes")
    kinds = [*ALWAYS, *(IN_LONG_RUNS if metafunc.config.getoption("--long") else ())]
    chosen = [each for each in kinds if (each.mode in mark.args if mark else each.ours or each.distributed)]
    metafunc.parametrize("whose", chosen, ids=str, scope="session")


@pytest.fixture(scope="session")
def lasting(whose: Whose, tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Connect]:
    """A worker for all tests that need none of their own."""
    name = f"connect-lasting-{uuid.uuid4().hex[:10]}"
    with cluster(whose, tmp_path_factory.mktemp(name), worker_settings(kafka, name)) as one:
        yield one


@pytest.fixture
def connect(lasting: Connect, unique: str) -> Iterator[Connect]:
    """The worker that lasts, as this test sees it."""
    with borrowed(lasting, unique) as one:
        yield one
