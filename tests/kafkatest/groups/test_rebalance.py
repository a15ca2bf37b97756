"""What RebalanceSourceConnectorsIntegrationTest asks of a group of workers: all that runs is shared out evenly."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.kafkatest.configs import source
from tests.kafkatest.connect import Connect, borrowed, cluster, worker_settings
from tests.kafkatest.whose import Whose
from tests.running import consume, create_topic, fresh, until

pytestmark = [pytest.mark.modes("distributed"), pytest.mark.long]
WORKERS, TASKS = 3, 4


@pytest.fixture(scope="module")
def lasting_group(whose: Whose, kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connect]:
    home = tmp_path_factory.mktemp("group")
    more = {"connect_protocol": "compatible", "scheduled_rebalance_max_delay_ms": "3000"}
    with cluster(whose, home, worker_settings(kafka, fresh("group"), **more), WORKERS) as made:
        yield made


@pytest.fixture
def group(lasting_group: Connect, kafka: str, unique: str) -> Iterator[Connect]:
    """A group that has as many workers before each test."""
    create_topic(kafka, unique)
    while len(lasting_group.nodes) < WORKERS:
        lasting_group.add()
    while len(lasting_group.nodes) > WORKERS:
        lasting_group.remove(lasting_group.nodes[-1])
    with borrowed(lasting_group, unique) as one:
        yield one
        lasting_group.nodes[:] = one.nodes


def started(group: Connect, topic: str, count: int = 4) -> list[str]:
    """So many sources, once they run."""
    names = [f"{topic}-{number}" for number in range(count)]
    for name in names:
        group.configure(name, source(topic, tasks_max=str(TASKS)))
    for name in names:
        group.runs(name, TASKS)
    return names


def is_balanced(group: Connect, names: list[str]) -> bool:
    """Whether no worker has two connectors or tasks more than another, and all of them run."""
    connectors, tasks = (Counter({node.url.rpartition("/")[2]: 0 for node in group.nodes}) for _ in range(2))
    for name in names:
        status = group.status(name)
        if status is None or {each["state"] for each in [status["connector"], *status["tasks"]]} != {"RUNNING"}:
            return False
        connectors[status["connector"]["worker_id"]] += 1
        tasks.update(each["worker_id"] for each in status["tasks"])
    shares = [connectors.values(), tasks.values()]
    return len(connectors) == len(group.nodes) and all(max(each) - min(each) < 2 for each in shares)


def becomes_balanced(group: Connect, names: list[str]) -> None:
    until(lambda: is_balanced(group, names), what="connectors and tasks to be shared out evenly", pause=0.5)


def test_two_connectors_run_and_one_is_given_another_topic(group: Connect, kafka: str, unique: str) -> None:
    first, second = started(group, unique, 2)
    until(lambda: len(consume(kafka, unique)) >= 100, what="a hundred records", pause=1)
    other = f"{unique}-elsewhere"
    create_topic(kafka, other)
    before = group.starts(first)
    group.configure(first, source(other, tasks_max=str(TASKS)))
    until(lambda: all(group.starts(first)[f"{first}-{task}"] > before[f"{first}-{task}"] for task in range(TASKS)))
    for name in (first, second):
        group.runs(name, TASKS)
    until(lambda: len(consume(kafka, other)) >= 100, what="a hundred records in the other topic", pause=1)


def test_what_is_left_of_a_group_without_one_connector_is_balanced(group: Connect, unique: str) -> None:
    *names, last = started(group, unique)
    group.delete(last)
    group.is_gone(last)
    becomes_balanced(group, names)


def test_a_worker_that_joins_gets_its_share(group: Connect, unique: str) -> None:
    names = started(group, unique)
    group.add()
    becomes_balanced(group, names)


def test_the_share_of_a_worker_that_leaves_is_shared_out(group: Connect, unique: str) -> None:
    names = started(group, unique)
    group.remove(group.nodes[-1])
    becomes_balanced(group, names)


def test_workers_that_leave_and_come_back_leave_nothing_undone(group: Connect, unique: str) -> None:
    names = started(group, unique)
    becomes_balanced(group, names)
    for _ in range(2):
        group.remove(group.nodes[-1])
    becomes_balanced(group, names)
    for _ in range(2):
        group.add()
    becomes_balanced(group, names)
