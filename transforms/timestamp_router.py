"""TimestampRouter: makes the topic from the topic and the record's timestamp."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ferryman.config import Config, Str, key
from ferryman.errors import ConfigError, DataError, KeyProblem
from ferryman.java import date_patterns
from ferryman.java.simple_date_format.formatter import formatter
from ferryman.record import Batch
from ferryman.transforms.fields.sides import Batched

log = logging.getLogger(__name__)


class TimestampRouterConfig(Config):
    topic_format: Str = key("${topic}-${timestamp}", importance="HIGH")
    """The new topic; ``${topic}`` and ``${timestamp}`` stand for the old one and the time."""
    timestamp_format: Str = key("yyyyMMdd", importance="HIGH")
    """The pattern of the time, as java.text.SimpleDateFormat takes it, in UTC."""

    def problems(self) -> Iterable[KeyProblem]:
        try:
            formatter(self.timestamp_format)
        except ConfigError as error:
            yield KeyProblem(
                "timestamp.format", f"Invalid value {self.timestamp_format} for configuration timestamp.format: {error}"
            )


class TimestampRouter(Batched[TimestampRouterConfig]):
    """Routes each record by its timestamp. One without a timestamp is a data error."""

    config_class = TimestampRouterConfig
    classes = ("org.apache.kafka.connect.transforms.TimestampRouter",)
    takes_maps = True

    def __init__(self, config: TimestampRouterConfig, side: Any = "value") -> None:
        super().__init__(config, side)
        self.text = formatter(config.timestamp_format)
        for warning in date_patterns.warnings(config.timestamp_format):
            log.warning("timestamp.format=%s: %s", config.timestamp_format, warning)

    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        """A batch for each new topic; keys and values stay as they are, in rows or columns."""
        text = self.text
        if None in batch.timestamps:
            raise DataError(f"Timestamp missing on record: a record of topic {batch.topic}")
        moments = [text(at) for at in batch.timestamps if at is not None]
        topics = {moment: self._topic(batch.topic, moment) for moment in dict.fromkeys(moments)}
        return [replace(part, topic=topic) for topic, part in batch.split([topics[moment] for moment in moments])]

    def _topic(self, topic: str, moment: str) -> str:
        return self.config.topic_format.replace("${topic}", topic).replace("${timestamp}", moment)
