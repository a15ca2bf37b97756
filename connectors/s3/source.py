"""Puts an archive's records back into topics: what Confluent's, Aiven's and our S3 sinks have written."""

import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ferryman.api import Examination, Finding, Offset, Part, Partition, Source, SourceContext, Span
from ferryman.connectors.s3 import effects
from ferryman.connectors.s3.bucket.client import bucket_to_read, read_descriptions
from ferryman.connectors.s3.bucket.examination import Look
from ferryman.connectors.s3.config.bucket_keys import keys_without_effect
from ferryman.connectors.s3.config.source_config import S3SourceConfig as S3SourceConfig
from ferryman.connectors.s3.config.source_keys import WITHOUT_EFFECT
from ferryman.connectors.s3.restore import positions
from ferryman.connectors.s3.restore.contents import contents
from ferryman.connectors.s3.restore.lane_reader import SETTLING_SECONDS, LaneReader
from ferryman.connectors.s3.restore.listing import Lane, Listing, PassedOver, Share
from ferryman.connectors.s3.restore.outgoing import Outgoing
from ferryman.connectors.s3.restore.partition_reader import PartitionReader, TakenRecords
from ferryman.effects import Effect
from ferryman.errors import ConfigError, DataError, RetriableError, TaskError
from ferryman.record import Batch
from ferryman.runs import topics
from ferryman.runs.harm import Target
from ferryman.runs.span import iso

log = logging.getLogger(__name__)

WAIT_SECONDS = 0.5
"""Seconds of a poll that has nothing, so that a pause or stop is soon heard."""


def before_forks() -> None:
    """What the processes of all tasks share, see ``ferryman.worker.forks.server_process.share``."""
    read_descriptions()


class S3SourceConnector(Source[S3SourceConfig]):
    """The S3 source, under the names of the sources whose configs it takes.

    Each task reads its share of the partitions; a position is kept for each folder of a partition. The bucket is
    listed, what was found is read, and it is listed again.
    """

    config_class = S3SourceConfig
    classes = (
        "io.confluent.connect.s3.source.S3SourceConnector",
        "io.aiven.kafka.connect.s3.source.S3SourceConnector",
    )
    columnar = True

    def __init__(self, config: S3SourceConfig, context: SourceContext) -> None:
        super().__init__(config, context)
        self._bucket = bucket_to_read(config)
        self._contents = contents(config)
        self._listing = Listing(self._bucket, Share(config, context.task), context.stopping)
        self._beginning = positions.Beginning(config, self._listing.names, context.offset)
        self._outgoing = Outgoing(config)
        self._readers: dict[tuple[str, str, int | None], PartitionReader] = {}
        self._unread: deque[PartitionReader] = deque()
        self._moved: dict[Lane, LaneReader] = {}
        self._reported: dict[Lane, positions.Position] = {}
        self._handed = False
        self._now = time.monotonic
        self._look_at = 0.0
        self._looked = False
        self._failed: Exception | None = None
        self._ended = False
        self._told: set[str] = set()
        self._told_over = 0

    @classmethod
    def task_configs(cls, config: S3SourceConfig, raw: Mapping[str, str]) -> list[Mapping[str, str]]:
        """Each task knows how many there are; which partitions are its own follows from their names."""
        return [{**raw, "internal.restore.tasks": str(config.tasks_max)}] * config.tasks_max

    @classmethod
    def examine(cls, config: S3SourceConfig, examination: Examination) -> Iterable[Finding]:
        """The bucket, and whether it may be listed and read."""
        impatient = bucket_to_read(config.model_copy(update={"part_retries": 0}), examination.seconds)
        return Look(impatient, examination.seconds).reads(config.prefix if config.aiven else "")

    @classmethod
    def alter_offsets(cls, config: S3SourceConfig, offsets: Sequence[tuple[Partition | None, Offset | None]]) -> bool:
        """Refuses what no task could start from."""
        for partition, offset in offsets:
            positions.check(partition, offset)
        return True

    @classmethod
    def explain(cls, config: S3SourceConfig, context: SourceContext) -> Iterable[Effect]:
        """The listings, and what is kept of what was read."""
        return effects.listings(config)

    @classmethod
    def supports_exactly_once(cls, config: S3SourceConfig) -> bool:
        """Objects of an archive do not change, and a position counts their records."""
        return True

    @classmethod
    def history(cls, config: S3SourceConfig, raw: Mapping[str, str], wanted: Span) -> Part:
        """What is in the archive when the run's tasks look, by the timestamps of its records."""
        if wanted.first is not None or wanted.behind is not None:
            raise ConfigError.for_key("positions", "an archive has times: give from and to")
        bounds = {"restore.from": wanted.begins, "restore.to": wanted.ends}
        sets = {name: iso(at) for name, at in bounds.items() if at is not None}
        return Part(Span(wanted.begins, wanted.ends), {**sets, "restore.until": "end"})

    @classmethod
    def target(cls, config: S3SourceConfig, raw: Mapping[str, str]) -> Target:
        """Any topic of the cluster: which ones, the archive tells."""
        return topics.target(raw, topics.BROKERS, prefixes=[""])

    @classmethod
    def ends(cls, config: S3SourceConfig) -> bool:
        """With restore.until=end it does."""
        return config.restore_until == "end"

    def start(self) -> None:
        """Warns about keys without effect; the server is not needed yet."""
        for warning in keys_without_effect(self.context.raw, WITHOUT_EFFECT):
            log.warning("%s: %s", self.context.connector, warning)

    def poll_batches(self) -> Sequence[Batch]:
        """The next records, of as many partitions as it takes; waits a little when there are none."""
        if self._failed is not None:
            raise self._failed
        if self._handed:
            self._moved, self._handed = {}, False
        if self._now() >= self._look_at and not (self._looked and self._bounded):
            self._look()
        taken = list(self._taken())
        if not taken:
            self._rest()
        # A listing that a stop has cut short says nothing about the end.
        self._ended = not taken and self._looked and self._failed is None and not self.context.stopping(0)
        found = list(self._outgoing.batches(taken))
        self._handed = bool(found)
        return found

    def progress(self, batches: Sequence[Batch]) -> Iterator[tuple[Partition, Offset | None]]:
        """How far each folder is read that this poll was about, what was passed over included."""
        for each in self._moved.values():
            if each.position is not None and each.position != self._reported.get(each.lane):
                self._reported[each.lane] = each.position
                yield positions.partition_of(self.config.bucket, each.lane), positions.offset_of(each.position)

    def at_end(self) -> bool:
        """Whether all is read that was there when the task looked."""
        return self._bounded and self._ended

    @property
    def _bounded(self) -> bool:
        return self.ends(self.config)

    def _look(self) -> None:
        """Lists the bucket."""
        began = self._now()
        for lane, objects in self._listing.lanes():
            by_folder = "" if lane.partition is not None else lane.folder
            reader = self._readers.setdefault((by_folder, lane.topic, lane.partition), PartitionReader())
            known = reader.lanes.get(lane)
            if known is None:
                begin = self._beginning.of(lane, objects)
                known = LaneReader(lane, self._bucket, self._contents, self._judge, begin)
            reader.offered(known, objects, began, self._now())
        if self._listing.cut:
            return
        self._unread = deque(self._readers.values())
        self._tell_of(self._listing.passed_over)
        self._looked = True
        self._look_at = float("inf")

    def _tell_of(self, found: PassedOver) -> None:
        """Names what is passed over, again only when it has doubled; all tasks see the same."""
        if self.context.task == 0 and found.count > 2 * self._told_over:
            self._told_over = found.count
            log.warning(
                "%s: skipped objects whose names are not of the archive's form: %s",
                *(self.context.connector, found),
            )

    def _taken(self) -> Iterator[TakenRecords]:
        """Up to record.batch.max.size records. What was taken before an error is handed over first."""
        most = left = self.config.record_batch_max_size
        while left > 0 and self._unread:
            reader = self._unread[0]
            try:
                found = reader.next(left, self._bounded)
            except RetriableError:
                reader.forget()
                if left == most:
                    raise
                return
            except (DataError, TaskError) as error:
                if left == most:
                    raise
                self._failed = error
                return
            finally:
                self._moved |= {each.lane: each for each in reader.moved()}
            if found is None:
                # Nothing is left of it, or what comes next waits for what only another look can find.
                self._unread.popleft()
                continue
            left -= len(found.piece)
            yield found
        if left == most and self._look_at == float("inf"):
            self._look_at = self._now() + self._interval

    @property
    def _interval(self) -> float:
        """Seconds until the bucket is listed again."""
        usual = self.config.poll_interval_ms / 1000
        return min(usual, SETTLING_SECONDS) if any(each.holds for each in self._readers.values()) else usual

    def _rest(self) -> None:
        for reader in self._readers.values():
            name = reader.waits()
            if name is not None and name not in self._told:
                self._told.add(name)
                log.warning("%s: %s waits for the object of its keys or headers", self.context.connector, name)
        if self._bounded and self._looked and "" not in self._told:
            self._told.add("")
            log.info("%s: the archive is restored up to its end (restore.until=end)", self.context.connector)
        self.context.stopping(WAIT_SECONDS)

    def _judge(self, error: DataError) -> None:
        if not self.config.skips_damage:
            raise DataError(f"{error}. To skip what is damaged, set errors.tolerance=all") from None
        if self.config.on_error != "ignore":
            log.warning("%s: skipped: %s", self.context.connector, error)
