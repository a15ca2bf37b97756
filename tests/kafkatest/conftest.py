"""Workers for the tests: ours in one mode; with --long ours in each, and Kafka's own, which must answer the same."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ferryman.stack import Stack
from tests.kafkatest.connect import Connect, borrowed, cluster, worker_settings
from tests.kafkatest.whose import KAFKAS, OURS, Whose
from tests.running import fresh


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that takes a worker runs with one of ours, standalone unless its mark ``modes`` names another mode. In
    a long run it runs with ours in each mode, and with Kafka's in distributed mode, where the originals of the tests
    run; or with both in the modes of its mark. One that is marked ``long`` waits for a long run."""
    if "where" in metafunc.fixturenames:
        elsewhere = ["another cluster", "by another name"] if metafunc.config.getoption("--long") else []
        metafunc.parametrize("where", ["the worker's cluster", *elsewhere])
    if "whose" not in metafunc.fixturenames:
        return
    mark, long = metafunc.definition.get_closest_marker("modes"), metafunc.config.getoption("--long")
    modes = mark.args if mark else ("standalone", "distributed")
    ours = [each for each in OURS if each.mode in modes]
    chosen = [*ours, *(each for each in KAFKAS if each.mode in (modes if mark else ("distributed",)))]
    if not long:
        chosen = [] if metafunc.definition.get_closest_marker("long") else ours[:1]
    metafunc.parametrize("whose", chosen, ids=str, scope="session")


@pytest.fixture(scope="session")
def other_kafka() -> Iterator[str]:
    """Another Kafka cluster than the workers'."""
    with Stack(("kafka",)) as stack:
        yield stack.addresses["kafka"]


@pytest.fixture(scope="session")
def lasting(whose: Whose, tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Connect]:
    """A worker for all tests that need none of their own."""
    name = fresh("connect-lasting")
    with cluster(whose, tmp_path_factory.mktemp(name), worker_settings(kafka, name)) as one:
        yield one


@pytest.fixture
def connect(lasting: Connect, unique: str) -> Iterator[Connect]:
    """The worker that lasts, as this test sees it."""
    with borrowed(lasting, unique) as one:
        yield one


class Others:
    """Workers with settings of their own, each made when a test first asks for it, and kept."""

    def __init__(self, folder: Path, kafka: str) -> None:
        self._folder, self._kafka = folder, kafka
        self._made: dict[str, Connect] = {}
        self._open = ExitStack()

    def get(self, whose: Whose, settings: dict[str, str]) -> Connect:
        key = f"{whose} {sorted(settings.items())}"
        if key not in self._made:
            name = fresh("connect-other")
            folder = self._folder / name
            folder.mkdir()
            self._made[key] = self._open.enter_context(
                cluster(whose, folder, worker_settings(self._kafka, name, **settings))
            )
        return self._made[key]

    def close(self) -> None:
        self._open.close()


@pytest.fixture(scope="session")
def others(tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Others]:
    made = Others(tmp_path_factory.mktemp("others"), kafka)
    yield made
    made.close()


@pytest.fixture
def other(request: pytest.FixtureRequest, others: Others, whose: Whose, unique: str) -> Iterator[Connect]:
    """A worker with the settings that the test's mark ``settings`` names. It lasts, too."""
    mark = request.node.get_closest_marker("settings")
    with borrowed(others.get(whose, dict(mark.kwargs)), unique) as one:
        yield one
