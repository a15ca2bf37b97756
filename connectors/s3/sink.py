"""Archives records as objects in S3, exactly once: open uploads, then the commit, then the objects."""

import logging
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import groupby

from ferryman.api import Assigned, Committed, Examination, Finding, Sink, SinkContext
from ferryman.connectors.s3 import effects
from ferryman.connectors.s3.bucket.client import CONNECTIONS, bucket, read_descriptions
from ferryman.connectors.s3.bucket.examination import Look, Places
from ferryman.connectors.s3.commit import head
from ferryman.connectors.s3.commit.by_group import ByGroup
from ferryman.connectors.s3.commit.by_head import ByHead, Reset
from ferryman.connectors.s3.commit.head import Heads
from ferryman.connectors.s3.commit.intake import Intake
from ferryman.connectors.s3.commit.manifest import Completion, Tags
from ferryman.connectors.s3.commit.partition_files import Lost, PartitionFiles
from ferryman.connectors.s3.commit.truth import Truth
from ferryman.connectors.s3.commit.uploads import Uploads
from ferryman.connectors.s3.config.bucket_keys import keys_without_effect
from ferryman.connectors.s3.config.object_names import constant, segment
from ferryman.connectors.s3.config.sink_config import S3SinkConfig as S3SinkConfig
from ferryman.connectors.s3.config.sink_config import warnings
from ferryman.connectors.s3.config.sink_keys import WITHOUT_EFFECT
from ferryman.connectors.s3.layout.layout import layout
from ferryman.effects import Effect
from ferryman.errors import DataError, Indeterminate, RetriableError, TaskError
from ferryman.record import Batch, TopicPartition
from ferryman.runs.harm import Target

log = logging.getLogger(__name__)

_UNCONDITIONAL = "enable.conditional.writes=false"


def before_forks() -> None:
    """What the processes of all tasks share, see ``ferryman.worker.forks.server_process.share``."""
    read_descriptions()


class S3SinkConnector(Sink[S3SinkConfig]):
    """The S3 sink, under the names of the sinks whose configs it takes.

    A Kafka partition's files are closed together. Their uploads stay open and invisible until the offset after them is
    committed together with their names, in the partition's head; then they are completed. The group's offset follows.
    """

    config_class = S3SinkConfig
    shares = False
    classes = (
        "io.confluent.connect.s3.S3SinkConnector",
        "io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector",
    )
    task_classes = ("io.confluent.connect.s3.S3SinkTask", "io.aiven.kafka.connect.s3.S3SinkTask")
    atomic = True
    keeps_back = True
    truth = (
        "heads in the bucket, moved by If-Match; if the server does not obey that, the metadata of the group's "
        "offsets, for which the group must use the classic protocol"
    )
    columnar = True
    takes_maps = True
    any_order = True
    fetch_min_bytes = 1_000_000  # objects appear after seconds at the soonest

    def __init__(self, config: S3SinkConfig, context: SinkContext) -> None:
        super().__init__(config, context)
        self._layout = layout(config)
        self._intake = Intake(
            self._layout, config.schema_compatibility, config.nulls, self._report_null, self._reports_nulls
        )
        self._pool = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="s3")
        self._completion = _completion(config, context, self._pool)
        self._uploads = Uploads(
            self._completion.bucket, self._pool, context.crash_point, self._layout.part_size, config.memory
        )
        self._known_truth: Truth | None = None
        self._partitions: dict[TopicPartition, PartitionFiles] = {}
        self._alarm: threading.Timer | None = None
        self._due: int | None = None
        """When the alarm goes off, in milliseconds of the wall clock; None once it has."""
        self._ends = False
        """Whether nothing more comes, so that files are closed though no rule says so."""

    @classmethod
    def target(cls, config: S3SinkConfig, raw: Mapping[str, str], topics: Collection[str]) -> Target:
        """The folder that all objects are in. Aiven's objects may have any names."""
        folder = (config.prefix, config.name_template) if config.aiven else (config.topics_dir.strip("/"),)
        hint = "aws.s3.prefix" if config.aiven else "topics.dir"
        return Target(frozenset({(config.store_url, config.bucket, *folder)}), hint)

    @classmethod
    def explain(cls, config: S3SinkConfig, context: SinkContext, batches: Sequence[Batch]) -> Iterable[Effect]:
        """The objects."""
        return effects.objects(config, context.connector, batches)

    @classmethod
    def examine(cls, config: S3SinkConfig, examination: Examination) -> Iterable[Finding]:
        """The bucket, the rights, and whether the server obeys conditional writes."""
        look = Look(bucket(config.model_copy(update={"part_retries": 0}), examination.seconds), examination.seconds)
        objects = (constant(config.prefix) if config.aiven else config.topics_dir.strip("/") + "/").removeprefix("/")
        own = f"{config.manifest_prefix.strip('/') or '_ferryman'}-heads/{segment(examination.connector)}/"
        yield from look.all_of(Places(objects, own, config.tagging), examination.read_only)

    @classmethod
    def needs_classic_group(cls, config: S3SinkConfig) -> str | None:
        """Without heads the truth is in metadata."""
        return None if config.conditional_writes else f"with {_UNCONDITIONAL} the sink relies on the group's offsets"

    @classmethod
    def alter_offsets(
        cls, config: S3SinkConfig, context: SinkContext, offsets: Mapping[TopicPartition, int | None]
    ) -> bool:
        """Moves the heads. Refuses while objects of those partitions are committed that are not visible yet."""
        with ThreadPoolExecutor(1) as pool:
            _truth(config, context, _completion(config, context, pool)).alter(context.connector, offsets)
        return True

    def start(self) -> None:
        """Warns about keys without effect; the server is not needed yet."""
        raw = self.context.raw
        for warning in (*keys_without_effect(raw, WITHOUT_EFFECT), *warnings(self.config, raw)):
            log.warning("%s: %s", self.context.connector, warning)

    def stop(self) -> None:
        """Throws away what is not committed; it is read again."""
        self._silence()
        self._uploads.abort(self._partitions.values())
        self._partitions.clear()
        self._pool.shutdown(wait=True, cancel_futures=True)

    @property
    def _truth(self) -> Truth:
        if self._known_truth is None:
            self._known_truth = _truth(self.config, self.context, self._completion)
        return self._known_truth

    def open(self, partitions: Sequence[Assigned]) -> Mapping[TopicPartition, int]:
        """Finishes what was committed. Starts where the archive ends, or before that if objects must be made again."""
        starts, self._ends = {}, False
        for assigned in partitions:
            opened = self._truth.open(assigned)
            partition = PartitionFiles(
                assigned.source, assigned.topic_id, self.context.connector, self._layout.names.key
            )
            partition.redo = opened.redo
            if opened.start is not None:
                starts[assigned.source] = opened.start
            self._partitions[assigned.source] = partition
        return starts

    def end(self) -> None:
        """Has the next commit close all files."""
        self._ends = True

    def close(self, partitions: Sequence[TopicPartition]) -> None:
        """Forgets the partitions; what is not committed is thrown away, what may be is left to the next owner."""
        gone = [self._partitions.pop(source) for source in partitions if source in self._partitions]
        self._uploads.abort(gone)
        for partition in gone:
            self._truth.close(partition.source)

    def put_batches(self, batches: Sequence[Batch]) -> int:
        """Takes the batches and uploads what is due. After an error the same may come again: what of it was taken is
        passed over."""
        for _, polled in groupby(batches, lambda batch: id(batch.origin)):
            together = list(polled)
            source = together[0].source
            partition = self._partitions.get(source)
            if partition is None:
                raise TaskError(f"{source} was handed over, but this task does not own it")
            self._finish()
            with self._giving_up(partition):
                self._intake.take_all(partition, together)
            self._upload()
        self._watch()
        return len(batches)

    @contextmanager
    def _giving_up(self, partition: PartitionFiles) -> Iterator[None]:
        try:
            yield
        except Lost:
            self._truth.give_up(partition.source)
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
        """Closes files whose time has come, commits closed ones, and lets their objects appear. Gives what the group is
        to be told."""
        self._finish()
        held = {source: self._partitions[source] for source in offsets if source in self._partitions}
        now = int(time.time() * 1000)
        for source, partition in held.items():
            with self._giving_up(partition):
                partition.end_redo(offsets[source])
            if self._layout.rotation.due(partition.level, now) or self._layout.rotation.each_commit or self._ends:
                partition.rotate()
        self._upload()
        commits = self._truth.offer([*held.values()], offsets) if held else {}
        self._finish_if_possible()
        self._watch()
        return {source: commit for source, commit in commits.items() if not held[source].unfinished}

    def committed(self, offsets: Mapping[TopicPartition, Committed]) -> None:
        """Lets objects appear that have waited for the group's word."""
        for source, commit in offsets.items():
            if source in self._partitions:
                self._truth.on_group_committed(self._partitions[source], commit)
        self._finish_if_possible()

    def _finish_if_possible(self) -> None:
        """If the server is away, the next put or commit does it first."""
        try:
            self._finish()
        except Indeterminate:
            raise
        except RetriableError as error:
            log.warning("%s (committed objects appear later)", error)

    def _upload(self) -> None:
        if self._uploads.upload_due(list(self._partitions.values())):
            self.context.request_commit()

    def _finish(self) -> None:
        for partition in self._partitions.values():
            if partition.offer is None or not partition.unfinished:
                continue
            missing = self._completion.finish(partition.offer.entries)
            if missing:
                raise Indeterminate(f"{missing[0].entry.key} must be written again: {missing[0].reason}")
            self._truth.on_completed(partition)
            partition.on_offer_completed()

    def _watch(self) -> None:
        """Has the loop commit when time alone closes the next files."""
        deadlines = [self._layout.rotation.deadline(partition.level) for partition in self._partitions.values()]
        due = min((deadline for deadline in deadlines if deadline is not None), default=None)
        if due == self._due:
            return  # each alarm is a thread, and few puts change when the next files are closed
        self._silence()
        self._due = due
        if due is not None:
            self._alarm = threading.Timer(max(0.0, due / 1000 - time.time()), self._ring)
            self._alarm.daemon = True
            self._alarm.start()

    def _ring(self) -> None:
        self._due = None  # before the commit, which sets the next one
        self.context.request_commit()

    def _silence(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._due = None


def _completion(config: S3SinkConfig, context: SinkContext, pool: Executor) -> Completion:
    more = dict(pair.split(":", 1) for pair in config.tags)
    tags = Tags(more, config.on_tagging_error == "fail") if config.tagging else None
    return Completion(bucket(config), pool, context.crash_point, tags)


def _truth(config: S3SinkConfig, context: SinkContext, completion: Completion) -> Truth:
    """The heads, where the server compares before it sets; it is asked."""
    prefix, connector = config.manifest_prefix.strip("/"), segment(context.connector)
    heads = Heads(completion.bucket, head.folder(config.manifest_prefix, context.cluster, context.connector))
    chosen: Reset | None = _RESETS.get(context.raw.get("consumer.override.auto.offset.reset", ""))
    by_group = ByGroup(completion, f"{prefix}/{connector}/", heads, chosen is not None)
    if config.conditional_writes and heads.obeyed:
        return ByHead(heads, completion, by_group, chosen)
    reason = "The server does not obey If-Match" if config.conditional_writes else _UNCONDITIONAL
    if context.group_protocol != "classic":
        raise TaskError(
            f"{reason}, so only the group's offsets record how far an archive has got; with group.protocol="
            f"{context.group_protocol} they are not safe. Set consumer.override.group.protocol=classic"
        )
    log.warning("%s: %s, so the group's offsets record how far the archive has got", context.connector, reason)
    return by_group


_RESETS: Mapping[str, Reset] = {"earliest": "earliest", "latest": "latest"}
