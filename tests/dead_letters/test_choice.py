"""Which letters a choice takes."""

from dataclasses import replace

import pytest

from ferryman.dead_letters.choice import Choice
from ferryman.dead_letters.letter import parsed
from ferryman.record import Coordinates
from tests.dead_letters.test_letter import JVM, letter

WHOLE = letter(JVM)


@pytest.mark.parametrize(
    ("choice", "taken"),
    [
        (Choice(), True),
        (Choice(connector="warehouse"), True),
        (Choice(connector="other"), False),
        (Choice(stage="VALUE_CONVERTER"), True),
        (Choice(stage="TASK_PUT"), False),
        (Choice(exception="DataException"), True),
        (Choice(exception="org.apache.kafka.connect.errors.DataException"), True),
        (Choice(exception="Exception"), False),
        (Choice(field="id"), True),
        (Choice(field="i"), False),
        (Choice(since=5, until=6), True),
        (Choice(since=6), False),
        (Choice(until=5), False),
    ],
)
def test_a_choice_takes_what_is_like_it(choice: Choice, taken: bool) -> None:
    assert choice.takes(WHOLE) is taken


def test_letters_that_say_nothing_are_everybodys_and_of_no_time() -> None:
    bare = parsed(Coordinates("dlq", 0, 0), None, None, None, [])
    assert Choice(connector="anybody").takes(bare)
    assert not Choice(since=0).takes(bare)
    assert not Choice(stage="TASK_PUT").takes(bare)


@pytest.mark.parametrize(
    ("choice", "taken", "missed"),
    [
        (Choice(refused_since=50, refused_until=51), True, True),
        (Choice(refused_since=51), False, True),
        (Choice(refused_until=50), False, True),
        (Choice(refused_since=50, stage="TASK_PUT"), False, False),
        (Choice(since=5), True, False),
    ],
)
def test_letters_that_do_not_say_when_they_were_refused_may_be_missed(
    choice: Choice, taken: bool, missed: bool
) -> None:
    dated = replace(WHOLE, refused_at=50)
    assert (choice.takes(dated), choice.misses(dated)) == (taken, False)
    assert (choice.takes(WHOLE), choice.misses(WHOLE)) == (taken and not missed, missed)
