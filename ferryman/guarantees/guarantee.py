"""A guarantee: a sentence, when it holds, and the test that would fail if it did not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from ferryman.api import Sink
from ferryman.config import trim
from ferryman.connector import ConnectorConfig
from ferryman.kafka import client_config
from ferryman.validation import group_protocol


@dataclass(frozen=True, slots=True)
class Facts:
    """What guarantees depend on: nothing but configs."""

    plugin: type[Any]
    """The connector's class."""
    config: ConnectorConfig
    """Its config."""
    protocol: str
    """For sinks: ``classic`` or ``consumer``, the protocol of its group."""
    transactional: bool
    """For sources: whether the worker writes records and offsets in transactions."""

    @classmethod
    def of(cls, plugin: type[Any], config: ConnectorConfig, raw: Mapping[str, str], worker: Mapping[str, str]) -> Self:
        """The facts of a connector's config over its worker's settings as text, which may be none."""
        support = trim(worker.get("exactly.once.source.support", "")).lower()
        return cls(plugin, config, group_protocol.protocol_of(worker, raw), support != "disabled")

    @property
    def is_sink(self) -> bool:
        """Whether it is a sink."""
        return issubclass(self.plugin, Sink)

    @property
    def is_classic(self) -> bool:
        """Whether a sink's group is of the classic protocol."""
        return self.protocol == client_config.CLASSIC

    @property
    def dead_letters(self) -> bool:
        """Whether bad records go to a queue."""
        queue = getattr(self.config, "errors_deadletterqueue_topic_name", "")
        return self.config.errors_tolerance == "all" and bool(queue)

    @property
    def goes_on_exactly(self) -> bool:
        """For sources: whether it says that it goes on exactly where its offset says."""
        return not self.is_sink and bool(self.plugin.supports_exactly_once(self.config))


Condition = Callable[[Facts], bool]


@dataclass(frozen=True, slots=True)
class Guarantee:
    """One sentence about what happens."""

    kind: Literal["promise", "limit"]
    """``promise``: it holds. ``limit``: so far and no further, or it is not promised at all."""
    sentence: str
    """In plain words."""
    holds: Condition
    """Whether the sentence is true of a config."""
    when: str
    """The same in words."""
    proofs: tuple[str, ...]
    """The tests, as pytest calls them."""
