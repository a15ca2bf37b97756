"""RegexRouter: renames topics by a regular expression."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Annotated, Any

from ferryman.config import Config, Str, key
from ferryman.config_fields import PATTERN
from ferryman.errors import ConfigError, KeyProblem
from ferryman.record import Batch
from ferryman.regex.pattern import compiled
from ferryman.transforms.fields.sides import Batched


class RegexRouterConfig(Config):
    regex: Annotated[Str, PATTERN] = key(importance="HIGH")
    """A Java regular expression for the whole name of a topic; others stay as they are."""
    replacement: Str = key(importance="HIGH")
    """What the first match becomes; ``$1`` and ``${name}`` stand for groups, a backslash makes the next sign plain."""

    def problems(self) -> Iterable[KeyProblem]:
        """A pattern that is none, or that cannot be honoured."""
        try:
            compiled(self.regex)
        except ConfigError as error:
            yield KeyProblem("regex", f"Invalid value {self.regex} for configuration regex: {error}")


class RegexRouter(Batched[RegexRouterConfig]):
    """Renames the topic of records whose topic matches as a whole."""

    config_class = RegexRouterConfig
    classes = ("org.apache.kafka.connect.transforms.RegexRouter",)
    takes_maps = True

    def __init__(self, config: RegexRouterConfig, side: Any = "value") -> None:
        super().__init__(config, side)
        self.renamed = lru_cache(maxsize=10_000)(
            partial(compiled(config.regex).renamed, replacement=config.replacement)
        )

    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        """A batch has one topic; keys and values stay as they are, in rows or columns."""
        return [replace(batch, topic=self.renamed(batch.topic))]
