"""Items that come again and again are worked on once, and stand in their places as in a list."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from ferryman.repeated import Late, Repeated

OBJECTS = [[number] for number in range(5)]
PLACES = st.lists(st.integers(0, 4), max_size=20)


def objects(numbers: Sequence[int]) -> list[list[int]]:
    return [OBJECTS[number] for number in numbers]


@given(PLACES)
def test_one_object_is_converted_once_however_often_it_stands_there(numbers: list[int]) -> None:
    asked = list[int]()

    def convert(each: list[int]) -> list[int]:
        asked.append(each[0])
        return [each[0] * 2]

    found = Repeated.of(objects(numbers)).each(convert)
    assert found == [[number * 2] for number in numbers]
    assert sorted(asked) == sorted(set(numbers))
    assert all(found[0] is each for each, number in zip(found, numbers, strict=True) if number == numbers[0])


@given(PLACES, st.slices(20), st.sets(st.integers(0, 19)))
def test_parts_are_those_of_a_list(numbers: list[int], part: slice, places: set[int]) -> None:
    listed = objects(numbers)
    found = Repeated.of(listed)
    wanted = [place for place in sorted(places) if place < len(listed)]
    assert len(found) == len(listed)
    assert list(found) == listed
    assert found[part] == listed[part]
    assert found.take(wanted) == [listed[place] for place in wanted]
    assert [found[place] for place in wanted] == [listed[place] for place in wanted]


@given(PLACES, st.data())
def test_what_stands_in_one_place_of_several_is_joined_once_for_each_combination(
    numbers: list[int], data: st.DataObject
) -> None:
    others = data.draw(st.lists(st.integers(0, 4), min_size=len(numbers), max_size=len(numbers)))
    asked = list[tuple[int, int]]()

    def join(one: list[int], other: list[int]) -> tuple[int, int]:
        asked.append((one[0], other[0]))
        return one[0], other[0]

    pairs = list(zip(numbers, others, strict=True))
    assert Repeated.joined([Repeated.of(objects(numbers)), Repeated.of(objects(others))], join) == pairs
    assert sorted(asked) == sorted(set(pairs))


@given(st.lists(st.sampled_from(["a", "b", ""]), max_size=9))
def test_equal_items_become_one(texts: list[str]) -> None:
    found = Repeated.equal(texts, lambda text: [text])
    assert found == [[text] for text in texts]
    assert len(found.distinct) == len(set(texts))


@given(PLACES, st.slices(20), st.sets(st.integers(0, 19)), st.booleans())
def test_what_is_made_late_is_as_if_it_had_been_made(
    numbers: list[int], part: slice, places: set[int], is_asked_before: bool
) -> None:
    made = list[int]()

    def make(given: Sequence[int]) -> Repeated[list[int]]:
        made.extend(given)
        return Repeated.of(objects(given))

    found, listed = Late(numbers, make), objects(numbers)
    wanted = [place for place in sorted(places) if place < len(listed)]
    if is_asked_before:
        assert list(found) == listed
    parts = [found[part], found.take(wanted)]
    assert len(found) == len(listed)
    assert made == (numbers if is_asked_before else []), "nothing is made for a part that nobody looks at"
    assert parts == [listed[part], [listed[place] for place in wanted]]
    assert Repeated.of(found) == listed
    assert [found[place] for place in wanted] == [listed[place] for place in wanted]
