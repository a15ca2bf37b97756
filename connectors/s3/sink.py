"""Archives records as objects in S3, exactly once: open uploads, then the commit of the group, then the objects."""

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import groupby

from ferryman.api import Assigned, Committed, Sink, SinkContext
from ferryman.connectors.s3.bucket.client import CONNECTIONS, bucket, read_descriptions
from ferryman.connectors.s3.commit.intake import Intake
from ferryman.connectors.s3.commit.manifest import Completion, Tags
from ferryman.connectors.s3.commit.partition_state import Ledger, Lost
from ferryman.connectors.s3.commit.recovery import Recovery
from ferryman.connectors.s3.commit.uploads import Uploads
from ferryman.connectors.s3.config.object_names import segment
from ferryman.connectors.s3.config.sink_config import S3SinkConfig, warnings
from ferryman.connectors.s3.config.target_keys import effectless
from ferryman.connectors.s3.layout.layout import layout
from ferryman.errors import DataError, Indeterminate, RetriableError, TaskError
from ferryman.record import Batch, TopicPartition

log = logging.getLogger(__name__)


def before_forks() -> None:
    """What the processes of all tasks share, see ``ferryman.worker.fork_loop.share``."""
    read_descriptions()


class S3SinkConnector(Sink[S3SinkConfig]):
    """The S3 sink, under the names of the sinks whose configs it takes.

    A Kafka partition's files are closed together. Their uploads stay open and invisible until the group has committed
    the offset after them, with metadata that names a manifest of them; then they are completed.
    """

    config_class = S3SinkConfig
    classes = (
        "io.confluent.connect.s3.S3SinkConnector",
        "io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector",
    )
    task_classes = ("io.confluent.connect.s3.S3SinkTask", "io.aiven.kafka.connect.s3.S3SinkTask")
    atomic = True
    keeps_back = True
    columnar = True
    takes_maps = True
    any_order = True

    def __init__(self, config: S3SinkConfig, context: SinkContext) -> None:
        super().__init__(config, context)
        self._layout = layout(config)
        nulls = "ignore" if config.aiven else config.null_values
        self._intake = Intake(self._layout, config.schema_compatibility, nulls, self._report_null, self._reports_nulls)
        self._pool = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="s3")
        self._recovery = _recovery(config, context, self._pool)
        self._completion = self._recovery.completion
        self._bucket = self._completion.bucket
        self._uploads = Uploads(self._bucket, self._pool, context.crash_point, self._layout.part_size, config.memory)
        self._ledgers: dict[TopicPartition, Ledger] = {}
        self._alarm: threading.Timer | None = None

    @classmethod
    def alter_offsets(
        cls, config: S3SinkConfig, context: SinkContext, offsets: Mapping[TopicPartition, int | None]
    ) -> bool:
        """Refuses while objects of those partitions may have been committed that are not visible yet."""
        with ThreadPoolExecutor(1) as pool:
            _recovery(config, context, pool).refuse_open(context.connector, offsets)
        return True

    def start(self) -> None:
        """Warns about keys without effect; the server is not needed yet."""
        raw = self.context.raw
        for warning in (*effectless(raw), *warnings(self.config, raw)):
            log.warning("%s: %s", self.context.connector, warning)

    def stop(self) -> None:
        """Throws away what is not committed; it is read again."""
        self._silence()
        self._uploads.abort(self._ledgers.values())
        self._ledgers.clear()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def open(self, partitions: Sequence[Assigned]) -> Mapping[TopicPartition, int]:
        """Finishes what was committed. Starts before the committed offset only where objects must be made again."""
        starts = {}
        for assigned in partitions:
            redo = self._recovery.recover(assigned)
            ledger = Ledger(assigned.source, assigned.topic_id, self.context.connector, self._layout.names.key)
            if redo is not None:
                ledger.redo, starts[assigned.source] = redo, redo.start
            self._ledgers[assigned.source] = ledger
        return starts

    def close(self, partitions: Sequence[TopicPartition]) -> None:
        """Forgets the partitions; what is not committed is thrown away, what may be is left to the next owner."""
        gone = [self._ledgers.pop(source) for source in partitions if source in self._ledgers]
        self._uploads.abort(gone)

    def put_batches(self, batches: Sequence[Batch]) -> int:
        """Takes the batches and uploads what is due. After an error the same may come again: what of it was taken is
        passed over."""
        for _, polled in groupby(batches, lambda batch: id(batch.origin)):
            together = list(polled)
            source = together[0].source
            ledger = self._ledgers.get(source)
            if ledger is None:
                raise TaskError(f"{source} is handed over, but this task does not own it")
            self._finish()
            with self._giving_up(ledger):
                self._intake.take_all(ledger, together)
            self._upload()
            self._watch()
        return len(batches)

    @contextmanager
    def _giving_up(self, ledger: Ledger) -> Iterator[None]:
        try:
            yield
        except Lost:
            assert ledger.redo is not None
            self._recovery.give_up(ledger.redo.replaces)
            raise

    @property
    def _reports_nulls(self) -> bool:
        config = self.config
        dead_letters = config.errors_tolerance == "all" and config.errors_deadletterqueue_topic_name
        return config.report_nulls and bool(dead_letters)

    def _report_null(self, batch: Batch, index: int) -> None:
        if self._reports_nulls:
            self.context.report(batch, index, DataError("The value is null, and behavior.on.null.values=ignore"))

    def pre_commit(self, offsets: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, Committed]:
        """Closes files whose time has come; of closed ones writes a manifest, and gives the commit that names it."""
        self._finish()
        held = {source: self._ledgers[source] for source in offsets if source in self._ledgers}
        now = int(time.time() * 1000)
        for source, ledger in held.items():
            with self._giving_up(ledger):
                ledger.end_redo(offsets[source])
            if self._layout.rotation.due(ledger.level, now) or self._layout.rotation.each_commit:
                ledger.rotate()
        self._upload()
        wanted = {source: self._wanted(ledger, offsets[source]) for source, ledger in held.items()}
        self._watch()
        return {source: commit for source, commit in wanted.items() if commit is not None}

    def _wanted(self, ledger: Ledger, delivered: int) -> Committed | None:
        offer = ledger.drafted(self._recovery.key, delivered)
        if offer is None:
            return ledger.plain_commit(delivered)
        if not offer.saved:
            offer.manifest.save(self._bucket)
            offer.saved = True
            self.context.crash_point("s3.after_manifest")
        return offer.commit

    def committed(self, offsets: Mapping[TopicPartition, Committed]) -> None:
        """Lets the objects appear. If the server is away, the next put or commit does it first."""
        for source, commit in offsets.items():
            ledger = self._ledgers.get(source)
            if ledger is not None and ledger.offer is not None and ledger.offer.commit == commit:
                ledger.offer.accepted = True
        try:
            self._finish()
        except Indeterminate:
            raise
        except RetriableError as error:
            log.warning("%s (committed objects appear later)", error)

    def _upload(self) -> None:
        if self._uploads.upload_due(list(self._ledgers.values())):
            self.context.request_commit()

    def _finish(self) -> None:
        for ledger in self._ledgers.values():
            offer = ledger.offer
            if offer is None or not offer.accepted:
                continue
            missing = self._completion.finish(offer.manifest)
            if missing:
                raise Indeterminate(f"{missing[0].entry.key} is to be made again: {missing[0].reason}")
            self._completion.forget(offer.manifest)
            ledger.finished()

    def _watch(self) -> None:
        """Has the loop commit when time alone closes the next files."""
        self._silence()
        deadlines = [self._layout.rotation.deadline(ledger.level) for ledger in self._ledgers.values()]
        known = [deadline for deadline in deadlines if deadline is not None]
        if known:
            wait = max(0.0, min(known) / 1000 - time.time())
            self._alarm = threading.Timer(wait, self.context.request_commit)
            self._alarm.daemon = True
            self._alarm.start()

    def _silence(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None


def _recovery(config: S3SinkConfig, context: SinkContext, pool: Executor) -> Recovery:
    more = dict(pair.split(":", 1) for pair in config.tags)
    tags = Tags(more, config.on_tagging_error == "fail") if config.tagging else None
    completion = Completion(bucket(config), pool, context.crash_point, tags)
    may_skip = context.raw.get("consumer.override.auto.offset.reset") in ("earliest", "latest")
    return Recovery(completion, f"{config.manifest_prefix.strip('/')}/{segment(context.connector)}/", may_skip)
