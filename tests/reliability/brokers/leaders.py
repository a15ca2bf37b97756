"""Which of several brokers leads each partition, and how another is made to: as operators do before one rests."""

from typing import Any

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from tests.running import until

PREFERRED = 0


class Leaders:
    """The leaders of all topics, those of groups and transactions too: who leads a partition of those is their
    coordinator."""

    def __init__(self, kafka: str) -> None:
        self._admin = KafkaAdminClient(bootstrap_servers=kafka.split(","))

    def close(self) -> None:
        self._admin.close()

    def move(self) -> int:
        """Has another broker lead each partition, and waits for it; how many there are."""
        wanted = {each: _shifted(told["replica_nodes"]) for each, told in self._partitions().items()}
        self._admin.alter_partition_reassignments(wanted)

        def moved() -> bool:
            self._admin.elect_leaders(PREFERRED, raise_errors=False)
            now = self._partitions()
            return all(now[each]["leader_id"] == replicas[0] for each, replicas in wanted.items())

        until(moved, 60, "other leaders", pause=0.3)
        return len(wanted)

    def _partitions(self) -> dict[TopicPartition, dict[str, Any]]:
        return {
            TopicPartition(topic["name"], each["partition_index"]): each
            for topic in self._admin.describe_topics()
            for each in topic["partitions"]
        }


def _shifted(replicas: list[int]) -> list[int]:
    """The next one is to lead."""
    return [*replicas[1:], replicas[0]]
