"""What a new owner of a Kafka partition does first: finish the commit it finds, and clear away what was never one."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from secrets import token_hex

from ferryman.api import Assigned
from ferryman.connectors.s3.commit.manifest import Completion, Manifest, Mark, Missing, read_mark
from ferryman.connectors.s3.commit.partition_state import Redo, lost
from ferryman.connectors.s3.config.object_names import segment
from ferryman.errors import TaskError
from ferryman.record import TopicPartition

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recovery:
    """Recovers partitions of one connector."""

    completion: Completion
    """Completes and aborts uploads."""
    prefix: str
    """Where the connector's manifests are, with a slash at the end."""
    may_skip: bool = False
    """Whether the config allows to go on where Kafka no longer has the next record (consumer.override.*)."""

    def key(self, source: TopicPartition, end: int) -> str:
        """A new manifest's key, which no other has."""
        return f"{self._folder(source)}{end:019d}-{token_hex(4)}.json"

    def _folder(self, source: TopicPartition) -> str:
        return f"{self.prefix}{segment(source.topic)}/{source.partition}/"

    def recover(self, assigned: Assigned) -> Redo | None:
        """Completes the manifest that the committed metadata names, and deletes all others of the partition.

        Gives what must be made again, if something is missing. Raises TaskError if that cannot be, if the topic is
        another one of that name, or if it no longer holds the next record.
        """
        mark = None if assigned.committed is None else read_mark(assigned.committed.metadata)
        manifest = None if mark is None else self._named(assigned, mark)
        missing = [] if manifest is None else self.completion.finish(manifest)
        if mark is not None and mark.topic_id != assigned.topic_id:
            raise TaskError(
                f"Topic {assigned.source.topic} was created anew (its id was {mark.topic_id} and is "
                f"{assigned.topic_id}), so the committed offset of {assigned.source} says nothing about it. To read "
                "the new topic from its beginning, stop the connector and reset its offsets"
            )
        if manifest is not None and not missing:
            self.completion.forget(manifest)
            manifest = None
        if not self.may_skip:
            _refuse_lost(assigned)
        redo = None if manifest is None else self._again(assigned, manifest, missing)
        self._sweep(assigned.source, manifest)
        return redo

    def _named(self, assigned: Assigned, mark: Mark) -> Manifest | None:
        if mark.manifest is None:
            return None
        found = Manifest.load(self.completion.bucket, mark.manifest)
        if found is None and not self.completion.is_done(mark):
            raise TaskError(
                f"The manifest {mark.manifest} is gone, and objects that it named are not complete (the upload of "
                f"{mark.witness and mark.witness[0]} is still open). Put the manifest back; or, to begin again from an "
                f"offset before {assigned.committed and assigned.committed.offset}, stop the connector and alter its "
                "offsets"
            )
        return found

    def _again(self, assigned: Assigned, manifest: Manifest, missing: list[Missing]) -> Redo:
        redo = Redo(missing, manifest.end, manifest.key)
        if redo.start < assigned.beginning:
            self.give_up(manifest.key)
            first = min(missing, key=lambda each: each.offsets.first)
            raise lost(first, f"Kafka holds {assigned.source} only from offset {assigned.beginning} on")
        for each in missing:
            log.warning("%s is made again: %s", each.entry.key, each.reason)
        # An upload whose name is taken would stay open for ever.
        self.completion.abort(each.entry for each in missing)
        return redo

    def give_up(self, key: str) -> None:
        """Notes in a manifest that it cannot be finished: who decides to do without may alter the offsets then."""
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

    def refuse_open(self, connector: str, offsets: Mapping[TopicPartition, int | None]) -> None:
        """Raises TaskError if a partition whose offset is to be altered has a manifest, which may be committed."""
        bucket = self.completion.bucket
        for key in [key for source in offsets for key in bucket.keys(self._folder(source))]:
            found = Manifest.load(bucket, key)
            if found is None or found.lost:
                bucket.remove(key)
                continue
            raise TaskError(
                f"{connector} was killed while it wrote objects; {key} names them. Start it, so that it finishes "
                "them, stop it, and alter the offsets then"
            )


def _refuse_lost(assigned: Assigned) -> None:
    """Raises TaskError if the group's offset is out of range, as the SQL sink does."""
    committed = assigned.committed
    if committed is None or assigned.beginning <= committed.offset <= assigned.end:
        return
    raise TaskError(
        f"The next offset of {assigned.source} is {committed.offset}, but the topic holds {assigned.beginning} up to "
        f"{assigned.end}: records are lost that are in no object, or it is another topic. To go on elsewhere, stop the "
        "connector and alter or reset its offsets; to always go on, with a warning, set "
        "consumer.override.auto.offset.reset to earliest or latest"
    )
