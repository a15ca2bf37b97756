"""Settings of topics that are to be created: those that Kafka has, and those that were nearly written."""

import pytest

from ferryman.kafka.topic_settings import doubt


@pytest.mark.parametrize("name", ["cleanup.policy", "retention.ms", "confluent.tier.enable", "internal.segment.bytes"])
def test_a_setting_that_topics_have_is_not_doubted(name: str) -> None:
    assert doubt("topic.creation.a.", name) is None


@pytest.mark.parametrize(
    ("name", "meant"),
    [("cleanup.polcy", "cleanup.policy"), ("retention_ms", "retention.ms"), ("includes", "include"), ("foo", None)],
)
def test_any_other_is_named_with_the_one_that_was_meant(name: str, meant: str | None) -> None:
    text = doubt("topic.creation.a.", name, ["include"])
    assert text is not None
    assert text.startswith(f"topic.creation.a.{name} is not a topic setting of Kafka")
    assert text.endswith(f"; did you mean topic.creation.a.{meant}?") is (meant is not None)
