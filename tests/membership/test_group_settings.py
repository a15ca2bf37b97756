"""A worker's settings reach its membership."""

from ferryman.membership import group_settings
from ferryman.membership.group_settings import GroupSettings
from ferryman.settings.distributed_keys import DistributedConfig

CONVERTERS = {
    "key.converter": "org.apache.kafka.connect.storage.StringConverter",
    "value.converter": "org.apache.kafka.connect.storage.StringConverter",
}
TOPICS = {f"{name}.storage.topic": name for name in ("config", "offset", "status")}


def test_each_has_its_place() -> None:
    config = DistributedConfig.parse(
        {
            "group.id": "g",
            "session.timeout.ms": "11",
            "heartbeat.interval.ms": "2",
            "rebalance.timeout.ms": "33",
            "connect.protocol": "Compatible",
            "scheduled.rebalance.max.delay.ms": "44",
            "worker.sync.timeout.ms": "55",
            "worker.unsync.backoff.ms": "66",
        }
        | CONVERTERS
        | TOPICS
    )
    found = group_settings.of(config, "http://h:8083/", {"client_id": "c"})
    assert found == GroupSettings("g", "http://h:8083/", "compatible", 11, 2, 33, 44, 55, 66, {"client_id": "c"})


def test_a_login_is_not_shown() -> None:
    found = GroupSettings("g", "u", "eager", 1, 1, 1, 1, 1, 1, {"sasl_plain_password": "secret"})
    assert "secret" not in repr(found)
