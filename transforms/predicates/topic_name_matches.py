"""TopicNameMatches: holds for records of topics whose whole name a Java regular expression matches."""

from collections.abc import Iterable, Sequence
from typing import Annotated

from ferryman.api import Predicate
from ferryman.config import Config, NonEmpty, Str, key
from ferryman.config_fields import PATTERN
from ferryman.errors import ConfigError, KeyProblem
from ferryman.record import Batch, Record
from ferryman.regex.pattern import compiled


class TopicNameMatchesConfig(Config):
    pattern: Annotated[Str, NonEmpty, PATTERN] = key()
    """A Java regular expression for the whole name of the topic."""

    def problems(self) -> Iterable[KeyProblem]:
        """A pattern that is none, or that cannot be honoured."""
        try:
            compiled(self.pattern, "pattern")
        except ConfigError as error:
            yield KeyProblem("pattern", f"Invalid value {self.pattern} for configuration pattern: {error}")


class TopicNameMatches(Predicate[TopicNameMatchesConfig]):
    """Holds by the topic's name."""

    config_class = TopicNameMatchesConfig
    classes = ("org.apache.kafka.connect.transforms.predicates.TopicNameMatches",)

    def test(self, record: Record) -> bool:
        """Whether the record's current topic matches."""
        return self._matches(record.topic)

    def test_batch(self, batch: Batch) -> Sequence[bool]:
        """The same for every record: a batch has one topic."""
        return [self._matches(batch.topic)] * len(batch)

    def _matches(self, topic: str) -> bool:
        return compiled(self.config.pattern, "pattern").matches(topic)
