"""What a distributed worker is told: Kafka's own file loads, what cannot be kept is refused, typing errors are told."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from ferryman.errors import ConfigError
from ferryman.settings import settings, worker_keys
from ferryman.settings.modes import DISTRIBUTED
from ferryman.settings.settings import Settings
from ferryman.settings.worker_keys import WorkerConfig

KAFKAS = """
bootstrap.servers=localhost:9092
group.id=connect-cluster
key.converter=org.apache.kafka.connect.json.JsonConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
key.converter.schemas.enable=true
value.converter.schemas.enable=true
offset.storage.topic=connect-offsets
offset.storage.replication.factor=1
config.storage.topic=connect-configs
config.storage.replication.factor=1
status.storage.topic=connect-status
status.storage.replication.factor=1
offset.flush.interval.ms=10000
"""
GIVEN = {
    "key.converter": "StringConverter",
    "value.converter": "StringConverter",
    "group.id": "g",
    "config.storage.topic": "configs",
    "offset.storage.topic": "offsets",
    "status.storage.topic": "statuses",
}


def parsed(**more: str) -> Settings:
    return settings.parse(GIVEN | {name.replace("_", "."): value for name, value in more.items()}, DISTRIBUTED)


def problems(given: Mapping[str, str]) -> dict[str, str]:
    with pytest.raises(ConfigError) as refused:
        settings.parse(given, DISTRIBUTED)
    return {each.key: each.message for each in reversed(refused.value.problems)}


def test_kafkas_own_distributed_file_loads_without_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "connect-distributed.properties"
    file.write_text(KAFKAS)
    loaded = settings.load(file, mode=DISTRIBUTED)
    assert loaded.warnings == ()
    config = loaded.distributed
    assert (config.group_id, config.config_storage_topic, config.status_storage_topic) == (
        "connect-cluster",
        "connect-configs",
        "connect-status",
    )
    assert (config.config_storage_replication_factor, config.status_storage_partitions) == (1, 5)


def test_the_environment_alone_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**GIVEN, "scheduled.rebalance.max.delay.ms": "5"}.items():
        monkeypatch.setenv(f"CONNECT_{name.upper().replace('.', '_')}", value)
    loaded = settings.load(mode=DISTRIBUTED)
    assert loaded.warnings == ()
    assert (loaded.distributed.group_id, loaded.distributed.scheduled_rebalance_max_delay_ms) == ("g", 5)


def test_the_environment_of_debeziums_images_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    for topic in ("CONFIG", "OFFSET", "STATUS"):
        monkeypatch.setenv(f"{topic}_STORAGE_TOPIC", topic.lower())
    assert settings.load(mode=DISTRIBUTED).distributed.config_storage_topic == "config"


def test_the_group_and_its_topics_must_be_named() -> None:
    converters = {name: value for name, value in GIVEN.items() if name.endswith("converter")}
    missing = problems(converters)
    assert sorted(missing) == ["config.storage.topic", "group.id", "offset.storage.topic", "status.storage.topic"]
    assert missing["group.id"] == 'Missing required configuration "group.id" which has no default value.'
    assert sorted(problems({**GIVEN, "group.id": " "})) == ["group.id"]


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("heartbeat.interval.ms", "10000", "must be lower than session.timeout.ms, which is 10000"),
        ("session.timeout.ms", "soon", "Not a number of type INT"),
        ("session.timeout.ms", "0", "Value must be at least 1"),
        ("connect.protocol", "sticky", "String must be one of"),
        ("exactly.once.source.support", "maybe", "String must be one of"),
        ("config.storage.replication.factor", "0", "Value must be at least 1, or -1"),
        ("status.storage.partitions", "-2", "Value must be at least 1, or -1"),
        ("scheduled.rebalance.max.delay.ms", "-1", "Value must be at least 0"),
        ("inter.worker.signature.algorithm", "HmacSHA512", "must be present in inter.worker.verification.algorithms"),
        ("inter.worker.key.generation.algorithm", "rot13", "must be one of HmacSHA256"),
        ("inter.worker.verification.algorithms", "", "at least one algorithm is needed"),
        ("inter.worker.verification.algorithms", "HmacSHA256,rot13", "must be one of HmacSHA256"),
    ],
)
def test_what_no_group_can_be_kept_with_is_refused_by_name(key: str, value: str, reason: str) -> None:
    found = problems({**GIVEN, key: value})
    assert reason in found[key]
    assert key in found[key]


def test_choices_may_be_written_in_any_case() -> None:
    given = {"inter.worker.signature.algorithm": "hmacsha256", "connect.protocol": "Compatible"}
    config = settings.parse({**GIVEN, "exactly.once.source.support": "ENABLED", **given}, DISTRIBUTED).distributed
    assert (config.exactly_once_source_support, config.connect_protocol) == ("enabled", "compatible")
    assert config.inter_worker_signature_algorithm == "HmacSHA256"


@pytest.mark.parametrize(("support", "fenced"), [("disabled", False), ("preparing", True), ("enabled", True)])
def test_the_leader_writes_in_transactions_from_preparing_on(support: str, fenced: bool) -> None:
    config = parsed(exactly_once_source_support=support).distributed
    assert config.fenced_writes is fenced


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("config.storage.topics", "config.storage.topic"),
        ("status.storage.partition", "status.storage.partitions"),
        ("config.storage.segment.byte", "config.storage.segment.bytes"),
        ("session.timeout", "session.timeout.ms"),
        ("scheduled.rebalance.delay.max.ms", "scheduled.rebalance.max.delay.ms"),
        ("inter.worker.key.ttl", "inter.worker.key.ttl.ms"),
        ("exactly.once.sources.support", "exactly.once.source.support"),
        ("offset.storage.segment.byte", "offset.storage.segment.bytes"),
    ],
)
def test_a_key_that_is_nearly_right_is_warned_about(wrong: str, right: str) -> None:
    (warning,) = settings.parse({**GIVEN, wrong: "x"}, DISTRIBUTED).warnings
    assert warning.startswith(f"{wrong} ")
    assert warning.endswith(f"; did you mean {right}?")


def test_what_only_a_standalone_worker_reads_and_what_topics_always_have_is_warned_about() -> None:
    useless = ["config.storage.cleanup.policy", "config.storage.partitions", "offset.storage.file.filename"]
    assert [
        text.split()[0] for text in settings.parse({**GIVEN, **dict.fromkeys(useless, "1")}, DISTRIBUTED).warnings
    ] == useless


def test_topics_have_the_settings_that_were_given_for_them() -> None:
    given = parsed(config_storage_segment_bytes="7", config_storage_partitions="3", status_storage_cleanup_policy="x")
    assert given.warnings[-1].startswith("status.storage.cleanup.policy ")
    assert worker_keys.internal_topic(given.values, "config") == {"segment.bytes": "7"}
    assert worker_keys.internal_topic(given.values, "status") == {}


def test_whoever_reads_the_settings_as_any_workers_finds_the_defaults_of_this_mode() -> None:
    given = [parsed(), parsed(offset_storage_replication_factor="2"), settings.parse(GIVEN)]
    shared = [WorkerConfig.parse(each.values).offset_storage_replication_factor for each in given]
    assert shared == [3, 2, -1]
