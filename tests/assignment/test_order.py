"""Names are in the order that Java gives them."""

from ferryman.assignment import order
from ferryman.assignment.protocol import Work


def test_names_are_sorted_by_their_16_bit_units() -> None:
    assert order.names(["\uffee", "\U0001f600", "b", "B"]) == ["B", "b", "\U0001f600", "\uffee"]


def test_tasks_are_sorted_by_number_within_a_connector() -> None:
    found = order.work(Work(("b", "a"), (("b", 10), ("b", 9), ("a", 3))))
    assert found == Work(("a", "b"), (("a", 3), ("b", 9), ("b", 10)))
