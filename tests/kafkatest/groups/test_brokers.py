"""What ConnectWorkerIntegrationTest asks of a group of workers whose broker is away, or has compacted their configs."""

from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.kafkatest.brokers import component
from tests.kafkatest.configs import source
from tests.kafkatest.connect import Connect, Node, cluster, worker_settings
from tests.kafkatest.report.differences import HEALTH_WITHOUT_KAFKA
from tests.kafkatest.whose import Whose
from tests.running import consume, create_topic, produce, until

pytestmark = [pytest.mark.modes("distributed"), pytest.mark.long]
UNABLE = "Worker was unable to handle this request and may be unable to handle other requests"
TASKS = 4


def is_unable(node: Node) -> bool:
    """Whether a worker says that it is."""
    try:
        answer = node.web.get(node.url + "/health", timeout=60)
    except httpx.TransportError:
        return False
    return answer.status_code == 500 and UNABLE in answer.json()["message"]


def grows(kafka: str, topic: str) -> None:
    """Waits until there are more records than now."""
    before = len(consume(kafka, topic))
    until(lambda: len(consume(kafka, topic)) > before, what="records again", pause=0.5)


def test_workers_say_how_they_are_while_the_broker_is_away_and_go_on_when_it_is_back(
    whose: Whose, unique: str, tmp_path: Path
) -> None:
    with component(tmp_path) as broker:
        settings = worker_settings(broker.address, unique, scheduled_rebalance_max_delay_ms="5000")
        with cluster(whose, tmp_path, settings, 2) as connect:
            create_topic(broker.address, unique)
            connect.configure(unique, source(unique, tasks_max=str(TASKS)))
            connect.runs(unique, TASKS)
            grows(broker.address, unique)
            broker.stop()
            for node in connect.nodes:
                if whose.differs(HEALTH_WITHOUT_KAFKA):
                    assert node.healthy()
                else:
                    until(partial(is_unable, node), what=f"{node.url} to say that it is unable", pause=1)
            broker.start()
            for node in connect.nodes:
                until(node.healthy, what=f"{node.url} to be healthy")
            connect.runs(unique, TASKS)
            grows(broker.address, unique)


def keys(connect: Connect, kafka: str) -> list[str]:
    """The keys of all records in the topic of configs, in their order."""
    return [(each.key() or b"").decode() for each in consume(kafka, connect.settings["config.storage.topic"])]


def test_a_connector_is_created_anew_though_of_its_former_life_only_the_tasks_configs_are_left(
    whose: Whose, unique: str, tmp_path: Path
) -> None:
    soon = {
        "log_cleaner_backoff_ms": "100",
        "log_cleaner_delete_retention_ms": "1",
        "log_cleaner_max_compaction_lag_ms": "1",
        "log_cleaner_min_cleanable_ratio": "0",
        "log_cleaner_min_compaction_lag_ms": "1",
    }
    of_configs = {"config_storage_segment_ms": "100", "config_storage_delete_retention_ms": "1"}
    with component(tmp_path, **soon) as broker:
        kafka = broker.address
        with cluster(whose, tmp_path, worker_settings(kafka, unique, **of_configs), 1) as connect:
            former, other = f"{unique}-former", f"{unique}-other"
            for topic in (former, other):
                create_topic(kafka, topic)
            connect.configure(unique, source(former))
            connect.runs(unique, 2)
            grows(kafka, former)
            connect.delete(unique)
            connect.is_gone(unique)
            connect.remove(connect.nodes[0])

            def compacted() -> bool:
                # A segment is closed, and compacted, only when a record comes that belongs into the next one.
                produce(kafka, connect.settings["config.storage.topic"], [b"null"], [b"garbage-key"])
                found = keys(connect, kafka)
                return f"connector-{unique}" not in found and f"task-{unique}-0" in found

            until(compacted, what="the connector's config to be compacted away, and not its tasks'", pause=1)
            written = len(consume(kafka, former))
            connect.add()
            connect.configure(unique, source(other))
            connect.runs(unique, 2)
            grows(kafka, other)
            assert len(consume(kafka, former)) == written
