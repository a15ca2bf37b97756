"""What a run notes beside its offsets, and what of that is its sink's."""

import pytest

from ferryman.runs import note
from ferryman.runs.note import MAX_METADATA_BYTES, Note


@pytest.mark.parametrize("own", ["", "the sink's own", "{}\nof two lines"])
def test_a_note_stands_beside_what_the_sink_says_and_gives_it_back(own: str) -> None:
    noted = Note(0.25, 3)
    assert note.load(note.dump(noted, own)) == (noted, own)
    assert note.dump(Note(), own) == own
    long = "x" * (MAX_METADATA_BYTES - 10)
    assert note.dump(noted, long) == long


@pytest.mark.parametrize(
    "text", ["", "x", "{}", '{"ferryman.run.pace": "x"}', '{"ferryman.run.pace": 7}', "[" * 99, '["ferryman.run.pace"]']
)
def test_what_is_no_note_of_a_pace_is_the_sinks(text: str) -> None:
    assert note.load(text) == (Note(), text)


def test_the_pace_of_a_run_is_the_least_of_its_partitions() -> None:
    assert note.least([Note(0.5), Note(), Note(0.75)]) == 0.5
    assert note.least([]) == 1.0
