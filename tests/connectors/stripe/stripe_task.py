"""A Stripe source as the runtime holds it: made of a config, polled, its records and offset committed or lost."""

from collections.abc import Mapping, Sequence
from typing import Any

from ferryman.api import SourceContext
from ferryman.connectors.stripe.source import StripeSourceConfig, StripeSourceConnector
from ferryman.record import Record
from ferryman.runs.span import SourceRun


def config(url: str, **keys: str) -> dict[str, str]:
    """A connector's config; ``topic_name_format`` stands for the key topic.name.format."""
    given = {name.replace("_", "."): value for name, value in keys.items()}
    return {
        "name": "payments",
        "connector.class": "StripeSource",
        "stripe.api.key": "sk_test_planted",
        "stripe.api.url": url,
        **({} if "topic.name.format" in given else {"topic": "payments"}),
        **given,
    }


class Task:
    """One connector's task over several lives. Waiting takes no time, but is noted in ``waits``."""

    def __init__(self, raw: Mapping[str, str], run: SourceRun | None = None) -> None:
        self.raw, self.run = raw, run
        self.committed: Mapping[str, Any] | None = None
        self.records: list[Record] = []
        self.waits: list[float] = []
        self.stopping = False
        self.source = self._born()

    def _born(self) -> StripeSourceConnector:
        context = SourceContext(
            connector="payments",
            task=0,
            cluster="c",
            raw=self.raw,
            offset=lambda partition: self.committed,
            stopping=self._wait,
            run=self.run,
        )
        source = StripeSourceConnector(StripeSourceConfig.parse(self.raw), context)
        source.start()
        return source

    def _wait(self, seconds: float) -> bool:
        if seconds > 0:
            self.waits.append(seconds)
        return self.stopping

    def poll(self) -> Sequence[Record]:
        """Polls and commits."""
        records = self.source.poll()
        self.commit(records)
        return records

    def commit(self, records: Sequence[Record]) -> None:
        """Takes records and their offset in one step."""
        self.records.extend(records)
        if records:
            self.committed = records[-1].source_offset

    def kill(self) -> None:
        """Drops all that the source knew, and starts it again from what was committed."""
        self.source.stop()
        self.source = self._born()

    def drain(self, empty: int = 2) -> Sequence[Record]:
        """Polls until that many polls in a row gave nothing and the source has caught up; returns what came."""
        start, quiet = len(self.records), 0
        while quiet < empty:
            given = self.poll()
            quiet = 0 if given or not self._caught_up() else quiet + 1
        return self.records[start:]

    def _caught_up(self) -> bool:
        return self.source._follower is not None and self.source._follower.caught_up

    @property
    def ids(self) -> list[str]:
        """The ids of the committed events, in order."""
        return [str(record.headers[0].value) for record in self.records]
