"""The second phase: open uploads that a commit names, in a head or in a manifest, are completed by the task that reads
it."""

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass

from ferryman.connectors.s3.bucket.bucket import Bucket, Gone, InTheWay
from ferryman.connectors.s3.commit.offset_runs import Offsets
from ferryman.connectors.s3.commit.open_file import NONCE, File
from ferryman.connectors.s3.config.object_names import Destination
from ferryman.errors import TaskError

FORMAT = 1
HEADS = 2
"""The format of a note that says where the head is."""
CrashPoint = Callable[[str], None]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """An object that will be completed. The fields are the manifest's format: their names are written to the bucket."""

    key: str
    """Its key."""
    upload: str
    """The id of its open upload."""
    nonce: str
    """Tells that upload's object from any other of the key."""
    etags: Sequence[str]
    """The parts' ETags, in order."""
    topic: str
    """Its destination's topic, as transforms left it."""
    path: str
    """Its destination's encoded partition."""
    offsets: str
    """The records in it, as ``Offsets.text`` writes them."""
    side: str = ""
    """What of the records is in it, as in a destination."""

    @classmethod
    def of_file(cls, file: File) -> "Entry":
        """The entry of a file whose bytes are all uploaded."""
        upload = file.upload
        assert upload is not None
        assert upload.id is not None
        destination, offsets = file.destination, file.offsets.text()
        etags = list(upload.etags)
        return cls(
            upload.key, upload.id, upload.nonce, etags, destination.topic, destination.path, offsets, destination.side
        )

    @property
    def destination(self) -> Destination:
        """Where it belongs."""
        return Destination(self.topic, self.path, self.side)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The uploads of one commit of one Kafka partition, where the group's metadata is the truth."""

    key: str
    """Its own key, which no other manifest ever has."""
    end: int
    """The offset that is committed with it."""
    entries: Sequence[Entry]
    """The objects; the last is completed last, as a witness that the others are there."""
    replaces: str | None = None
    """The key of a manifest that this one makes superfluous."""
    lost: bool = False
    """Whether objects of it can neither be completed nor made again, so that only a person can decide."""

    def save(self, bucket: Bucket) -> None:
        """Writes it."""
        entries = [asdict(entry) for entry in self.entries]
        fields = {"format": FORMAT, "end": self.end, "replaces": self.replaces, "lost": self.lost, "objects": entries}
        bucket.put(self.key, json.dumps(fields, separators=(",", ":")).encode())

    @classmethod
    def load(cls, bucket: Bucket, key: str) -> "Manifest | None":
        """Reads it; None if it is not there, or emptied. Raises TaskError for a later version's."""
        data = bucket.get(key)
        if not data:
            return None
        fields = json.loads(data)
        if fields.get("format") != FORMAT:
            raise TaskError(f"The manifest {key} was written by a later version of the S3 sink; upgrade Ferryman")
        entries = [Entry(**entry) for entry in fields["objects"]]
        return cls(key, int(fields["end"]), entries, fields["replaces"], fields["lost"])

    def delete(self, bucket: Bucket) -> None:
        """Deletes or empties it, and the one that it replaces first."""
        if self.replaces is not None:
            bucket.remove(self.replaces)
        bucket.remove(self.key)


@dataclass(frozen=True, slots=True)
class CommitNote:
    """What a commit's metadata says."""

    topic_id: str
    """Tells the topic from a later one of that name."""
    manifest: str | None = None
    """The key of the manifest to finish, if there is something to finish."""
    witness: tuple[str, str, str] | None = None
    """The object that is completed last, as key, nonce and upload: it tells a manifest that was deleted after its work
    from one that was lost."""
    head: tuple[str, str] | None = None
    """Where the truth is, if it is a head in a bucket: the bucket and the head's key."""

    @classmethod
    def naming(cls, topic_id: str, manifest: Manifest) -> "CommitNote":
        """The note of a manifest that is to be finished."""
        last = manifest.entries[-1]
        return cls(topic_id, manifest.key, (last.key, last.nonce, last.upload))

    def text(self) -> str:
        """The note as metadata, of at most 4,096 bytes."""
        fields: dict[str, object] = {"ferryman.s3": FORMAT if self.head is None else HEADS, "topic": self.topic_id}
        if self.head is not None:
            fields["head"] = self.head
        if self.manifest is not None:
            fields |= {"manifest": self.manifest, "witness": self.witness}
        return json.dumps(fields, separators=(",", ":"), ensure_ascii=False)


def read_commit_note(metadata: str) -> CommitNote | None:
    """The note in an offset's metadata; None if somebody else wrote it. Raises TaskError for a later version's."""
    try:
        fields = json.loads(metadata)
    except ValueError:
        return None
    if not isinstance(fields, dict) or "ferryman.s3" not in fields:
        return None
    if fields["ferryman.s3"] not in (FORMAT, HEADS):
        raise TaskError(
            f"The committed offsets were written by a later version of the S3 sink ({metadata}); upgrade Ferryman"
        )
    witness, head = (None if (found := fields.get(name)) is None else tuple(found) for name in ("witness", "head"))
    return CommitNote(str(fields["topic"]), fields.get("manifest"), witness, head)


@dataclass(frozen=True, slots=True)
class Missing:
    """An object that cannot be completed from its upload."""

    entry: Entry
    """The object."""
    reason: str
    """Why not."""

    @property
    def offsets(self) -> Offsets:
        """The records that were in it."""
        return Offsets.from_text(self.entry.offsets)


@dataclass(frozen=True, slots=True)
class Tags:
    """Tags for every object, which say where its records are from."""

    more: Mapping[str, str]
    """Further tags."""
    strict: bool
    """Whether a refusal to tag fails the task."""

    def put(self, bucket: Bucket, entry: Entry) -> None:
        """Tags the object. Raises TaskError if the server refuses and that matters."""
        offsets = Offsets.from_text(entry.offsets)
        own = {"startOffset": offsets.first, "endOffset": offsets.last, "recordCount": offsets.count}
        try:
            bucket.tag(entry.key, {name: str(value) for name, value in own.items()} | dict(self.more))
        except TaskError as error:
            if self.strict:
                raise
            log.warning("%s (s3.object.behavior.on.tagging.error=ignore)", error)


@dataclass(frozen=True, slots=True)
class Completion:
    """Completes committed uploads in a bucket, several at a time."""

    bucket: Bucket
    """Where the objects appear."""
    pool: Executor
    """Completes several at a time."""
    crash_point: CrashPoint
    """Marks each durable step for tests."""
    tags: Tags | None = None
    """What objects get once they have appeared."""

    def finish(self, entries: Sequence[Entry]) -> list[Missing]:
        """Completes what is open, the last when the others are there. What neither is an open upload nor there as the
        object of that upload is missing.

        Those of one destination go one after the other, in their order: whoever follows the archive takes an object
        that appears behind a later one for none of a sink's.
        """
        *others, witness = entries
        by_destination: dict[Destination, list[Entry]] = {}
        for entry in others:
            by_destination.setdefault(entry.destination, []).append(entry)
        found = list(self.pool.map(self._complete_in_turn, by_destination.values()))
        missing = [each for some in found for each in some]
        last = self._complete(witness)
        return missing if last is None else [*missing, last]

    def _complete_in_turn(self, entries: Sequence[Entry]) -> list[Missing]:
        return [missing for entry in entries if (missing := self._complete(entry)) is not None]

    def abort(self, entries: Iterable[Entry]) -> None:
        """Throws open uploads away."""
        list(self.pool.map(lambda entry: self.bucket.abort(entry.key, entry.upload), entries))

    def _complete(self, entry: Entry) -> Missing | None:
        missing = self._completed(entry)
        if missing is None and self.tags is not None:
            self.tags.put(self.bucket, entry)
        return missing

    def _completed(self, entry: Entry) -> Missing | None:
        self.crash_point("s3.before_complete")
        try:
            self.bucket.complete(entry.key, entry.upload, entry.etags)
        except Gone:
            if self._is_there(entry):
                return None
            return Missing(entry, "its upload was aborted")
        except InTheWay:
            if self._is_there(entry):
                return None
            return Missing(entry, "another object has its name")
        self.crash_point("s3.after_complete")
        return None

    def _is_there(self, entry: Entry) -> bool:
        metadata = self.bucket.metadata(entry.key)
        return metadata is not None and metadata.get(NONCE) == entry.nonce

    def is_done(self, note: CommitNote) -> bool:
        """Whether a manifest that is not there has done its work, by the object that would have been the last."""
        assert note.witness is not None
        key, nonce, upload = note.witness
        metadata = self.bucket.metadata(key)
        if metadata is not None and metadata.get(NONCE) == nonce:
            return True
        if self.bucket.is_open(key, upload):
            return False
        log.warning("%s was written and is no longer there", key)
        return True
