"""What is one object stays one, and is worked on once."""

from hypothesis import given
from hypothesis import strategies as st

from ferryman.formats.once_each import once_each


@given(st.lists(st.integers(0, 4), max_size=20))
def test_one_object_is_converted_once_however_often_it_stands_there(numbers: list[int]) -> None:
    objects = [[number] for number in range(5)]
    asked = list[int]()

    def convert(each: list[int]) -> list[int]:
        asked.append(each[0])
        return [each[0] * 2]

    found = once_each([objects[number] for number in numbers], convert)
    assert found == [[number * 2] for number in numbers]
    assert sorted(asked) == sorted(set(numbers))
    assert all(found[0] is each for each, number in zip(found, numbers, strict=True) if number == numbers[0])
