"""The truth in the group's offsets: a commit's metadata names a manifest, and the manifest the uploads to complete.

Only right as long as nobody but a partition's owner can commit for it, which classic groups see to.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from secrets import token_hex

from ferryman.api import Assigned, Committed
from ferryman.connectors.s3.commit.head import Heads
from ferryman.connectors.s3.commit.manifest import CommitNote, Completion, Manifest, Missing, read_commit_note
from ferryman.connectors.s3.commit.partition_files import Offer, PartitionFiles, Redo
from ferryman.connectors.s3.commit.truth import (
    Offsets,
    Opened,
    beyond_kafka,
    check_range,
    created_anew,
    killed_between,
)
from ferryman.connectors.s3.config.object_names import segment
from ferryman.errors import TaskError
from ferryman.record import TopicPartition

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ByGroup:
    """The partitions of one connector."""

    completion: Completion
    """Completes and aborts uploads."""
    prefix: str
    """Where the connector's manifests are, with a slash at the end."""
    heads: Heads
    """The heads that archives may have from a server that compares."""
    may_skip: bool = False
    """Whether the config allows to go on where Kafka no longer has the next record (consumer.override.*)."""
    _offered: dict[TopicPartition, tuple[Manifest, Committed]] = field(default_factory=dict, init=False, repr=False)
    """The manifest of each partition's offer, and the commit that names it."""
    _replaced: dict[TopicPartition, str] = field(default_factory=dict, init=False, repr=False)
    """The keys of the manifests that the next ones make superfluous, as their objects are made again."""

    def open(self, assigned: Assigned) -> Opened:
        """Completes the manifest that the committed metadata names, and deletes all others of the partition."""
        note = None if assigned.committed is None else read_commit_note(assigned.committed.metadata)
        if note is not None and note.head is not None and note.head[0] == self.completion.bucket.name:
            raise TaskError(
                f"How far the archive of {assigned.source} has got is recorded in the object {note.head[1]}, "
                "which needs a server that obeys If-Match, and enable.conditional.writes=true. To rely on the "
                "group's offsets instead, stop the connector and alter its offsets"
            )
        return self.recover(assigned, note)[0]

    def recover(self, assigned: Assigned, note: CommitNote | None) -> tuple[Opened, Manifest | None]:
        """The same, and the manifest whose missing objects are to be made again."""
        manifest = None if note is None else self._named(assigned, note)
        missing = [] if manifest is None else self.completion.finish(manifest.entries)
        if note is not None and note.topic_id != assigned.topic_id:
            raise created_anew(assigned, note.topic_id)
        if manifest is not None and not missing:
            self.forget(manifest)
            manifest = None
        if not self.may_skip and assigned.committed is not None:
            check_range(assigned, assigned.committed.offset)
        redo = None if manifest is None else self._again(assigned, manifest, missing)
        if manifest is not None:
            self._replaced[assigned.source] = manifest.key
        self._sweep(assigned.source, manifest)
        return Opened(None if redo is None else redo.start, redo), manifest

    def close(self, source: TopicPartition) -> None:
        """Forgets the partition."""
        self._offered.pop(source, None)
        self._replaced.pop(source, None)

    def offer(self, partitions: Sequence[PartitionFiles], delivered: Offsets) -> Mapping[TopicPartition, Committed]:
        """Writes manifests of what was closed, and gives the commits that name them."""
        wanted = {partition.source: self._wanted(partition, delivered[partition.source]) for partition in partitions}
        return {source: commit for source, commit in wanted.items() if commit is not None}

    def _wanted(self, partition: PartitionFiles, delivered: int) -> Committed | None:
        offer = partition.drafted_offer(delivered)
        if offer is None:
            end = partition.offset_without_objects(delivered)
            return None if end is None else Committed(end, CommitNote(partition.topic_id).text())
        if not offer.saved:
            self._save(partition, offer)
            offer.saved = True
            self.completion.crash_point("s3.after_manifest")
        return self._offered[partition.source][1]

    def _save(self, partition: PartitionFiles, offer: Offer) -> None:
        source = partition.source
        key = f"{self._folder(source)}{offer.end:019d}-{token_hex(4)}.json"
        manifest = Manifest(key, offer.end, offer.entries, self._replaced.get(source))
        self._offered[source] = manifest, Committed(offer.end, CommitNote.naming(partition.topic_id, manifest).text())
        manifest.save(self.completion.bucket)

    def on_group_committed(self, partition: PartitionFiles, commit: Committed) -> None:
        """The uploads are to be completed, if that is the offer's commit."""
        if (
            partition.offer is not None
            and partition.source in self._offered
            and self._offered[partition.source][1] == commit
        ):
            partition.offer.accepted = True

    def on_completed(self, partition: PartitionFiles) -> None:
        """Deletes the manifest."""
        self.forget(self._offered[partition.source][0])
        self.close(partition.source)

    def forget(self, manifest: Manifest) -> None:
        """Deletes the manifest of objects that are all there."""
        manifest.delete(self.completion.bucket)
        self.completion.crash_point("s3.after_manifest_delete")

    def _folder(self, source: TopicPartition) -> str:
        return f"{self.prefix}{segment(source.topic)}/{source.partition}/"

    def _named(self, assigned: Assigned, note: CommitNote) -> Manifest | None:
        if note.manifest is None:
            return None
        found = Manifest.load(self.completion.bucket, note.manifest)
        if found is None and not self.completion.is_done(note):
            raise TaskError(
                f"The manifest {note.manifest} is gone, and objects that it named are not complete (the upload of "
                f"{note.witness and note.witness[0]} is still open). Put the manifest back; or, to begin again from an "
                f"offset before {assigned.committed and assigned.committed.offset}, stop the connector and alter its "
                "offsets"
            )
        return found

    def _again(self, assigned: Assigned, manifest: Manifest, missing: list[Missing]) -> Redo:
        if (error := beyond_kafka(assigned, missing)) is not None:
            self._note_lost(manifest.key)
            raise error
        return again(self.completion, missing, manifest.end)

    def give_up(self, source: TopicPartition) -> None:
        """Notes it in the manifest."""
        self._note_lost(self._replaced[source])

    def _note_lost(self, key: str) -> None:
        manifest = Manifest.load(self.completion.bucket, key)
        if manifest is not None:
            replace(manifest, lost=True).save(self.completion.bucket)

    def _sweep(self, source: TopicPartition, kept: Manifest | None) -> None:
        """Only the group's present generation could commit, so what no committed metadata names never will be."""
        for key in self.completion.bucket.keys(self._folder(source)):
            if kept is not None and key == kept.key:
                continue
            found = Manifest.load(self.completion.bucket, key)
            if found is not None:
                log.info("%s was never committed; its %d uploads are aborted", key, len(found.entries))
                self.completion.abort(found.entries)
                self.completion.bucket.remove(key)

    def alter(self, connector: str, offsets: Mapping[TopicPartition, int | None]) -> None:
        """Refuses while a partition has a manifest, which may be committed."""
        self.check_finished(connector, offsets)
        for source in offsets:
            self.heads.overrule(source)

    def check_finished(self, connector: str, sources: Mapping[TopicPartition, object]) -> None:
        """Raises TaskError if one of the partitions has a manifest that is still in use."""
        bucket = self.completion.bucket
        for key in [key for source in sources for key in bucket.keys(self._folder(source))]:
            found = Manifest.load(bucket, key)
            if found is not None and not found.lost:
                raise killed_between(connector, key)
            bucket.remove(key)


def again(completion: Completion, missing: Sequence[Missing], end: int) -> Redo:
    """What is to be made again of a commit that ends at ``end``."""
    for each in missing:
        log.warning("%s is written again: %s", each.entry.key, each.reason)
    # An upload whose name is taken would stay open for ever.
    completion.abort(each.entry for each in missing)
    return Redo(missing, end)
