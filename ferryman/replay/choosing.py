"""Which letters may be replayed of those that are meant, and what becomes of the others. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ferryman.dead_letters.letter import DeadLetter
from ferryman.dead_letters.mark import Mark
from ferryman.errors import RequestError
from ferryman.record import Original, TopicPartition
from ferryman.replay.request import Request
from ferryman.runs.ranges import Range

INCOMPLETE, HOMELESS, TIRED, TAKEN = "incomplete", "homeless", "attempts", "replayed"
_TEXTS = {
    INCOMPLETE: "lacks a part of its record: {left_out}",
    HOMELESS: "does not say which topic its record was in, and the connector reads several",
    TIRED: "was replayed {attempts} times already; attempts allows more",
}


@dataclass(slots=True)
class Chosen:
    """Letters of one topic."""

    request: Request
    only_topic: str
    """The topic that the connector reads; empty if these are several."""
    marks: Mapping[str, Mark]
    """What is marked already."""
    under_way: Collection[str] = ()
    """The runs that have not come to their end: what they have is not taken from them."""
    ids: list[str] = field(default_factory=list)
    """The letters that may go, in their order."""
    bounds: dict[int, Range] = field(default_factory=dict)
    """Where they lie, by partition."""
    topics: set[str] = field(default_factory=set)
    """The topics of their records."""
    passed_over: Counter[str] = field(default_factory=Counter)
    """How many others there are, by why they may not."""
    taken_by: dict[str, int] = field(default_factory=dict)
    """How many are marked, by who has them."""

    def add(self, letters: Iterable[DeadLetter]) -> None:
        """Letters that are meant. RequestError for one that was named by itself and may not go."""
        for each in letters:
            original = each.original(self.only_topic)
            reason = self._against(each, original)
            if original is not None and reason is None:
                self._take(each, original)
            elif reason is not None and self.request.letters:
                raise self._refusal(each, reason)
            elif reason is not None:
                self.passed_over[reason] += 1

    def _against(self, letter: DeadLetter, original: Original | None) -> str | None:
        if original is None:
            return HOMELESS if letter.left_out is None else INCOMPLETE
        if letter.attempts >= self.request.attempts:
            return TIRED
        mark = self.marks.get(letter.id)
        if mark is None or (self.request.again and mark.run not in self.under_way):
            return None
        self.taken_by[mark.told] = self.taken_by.get(mark.told, 0) + 1
        return TAKEN

    def _take(self, letter: DeadLetter, original: Original) -> None:
        self.ids.append(letter.id)
        self.topics.add(original.topic)
        known = self.bounds.get(letter.at.partition, Range(letter.at.offset, letter.at.offset + 1))
        first, behind = min(known.first, letter.at.offset), max(known.behind, letter.at.offset + 1)
        self.bounds[letter.at.partition] = Range(first, behind)

    def _refusal(self, letter: DeadLetter, reason: str) -> RequestError:
        if reason == TAKEN:
            mark = self.marks[letter.id]
            return taken(letter.id, mark, mark.run in self.under_way)
        text = _TEXTS[reason].format(left_out=letter.left_out, attempts=letter.attempts)
        return RequestError(409 if reason == TIRED else 400, f"Dead letter {letter.id} {text}")

    def checked(self) -> None:
        """RequestError 409 if there is none to go."""
        if not self.ids:
            others = [f"{count} {who}" for who, count in sorted(self.taken_by.items())]
            others += [f"{count} {_OF[why]}" for why, count in sorted(self.passed_over.items()) if why != TAKEN]
            raise RequestError(409, f"There is no dead letter to replay: {', '.join(others) or 'none is like that'}")

    def ranges(self, topic: str) -> dict[TopicPartition, Range]:
        """The least ranges that hold them."""
        return {TopicPartition(topic, partition): range_ for partition, range_ in sorted(self.bounds.items())}


_OF = {
    INCOMPLETE: "without their whole record",
    HOMELESS: "that do not say which topic their record was in",
    TIRED: "that were replayed too often (attempts)",
}


def taken(letter: str, mark: Mark, is_under_way: bool) -> RequestError:
    """Why a letter that somebody has is not taken once more."""
    if is_under_way:
        return RequestError(409, f"Dead letter {letter} is being replayed by {mark.run}, which has not come to its end")
    return RequestError(409, f"Dead letter {letter} was {mark.told} already; again=true replays it once more")
