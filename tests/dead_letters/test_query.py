"""Which letters a request asks for."""

import pytest

from ferryman.dead_letters import query
from ferryman.dead_letters.choice import Choice
from ferryman.errors import RequestError


def test_without_parameters_the_newest_letters_of_the_connector_are_meant() -> None:
    assert query.parsed({}, "c") == (Choice(connector="c"), query.DEFAULT_SCANNED, query.DEFAULT_LISTED)


def test_each_parameter_narrows_the_choice() -> None:
    given = {
        "stage": "task_put",
        "exception": "E",
        "field": "f",
        "since": "1970-01-01T00:00:01Z",
        "until": "20000000000",
        "refused_since": "20000000000",
        "refused_until": "1970-10-01T00:00:00Z",
    }
    choice, scan, limit = query.parsed({**given, "scan": "5", "limit": "0"}, "c")
    assert choice == Choice("c", "TASK_PUT", "E", "f", 1000, 20_000_000_000, 20_000_000_000, 23_587_200_000)
    assert (scan, limit) == (5, 0)
    assert query.parsed({"since": "1970-01-01T00:00:01"}, "c")[0].since == 1000
    assert query.parsed({"since": "20261101"}, "c")[0].since == 1_793_491_200_000


@pytest.mark.parametrize(
    "given",
    [
        {"scan": "-1"},
        {"scan": "x"},
        {"limit": "99999999999"},
        {"since": "soon"},
        {"until": "²"},
        {"since": ""},
        {"since": "20000000000", "until": "20000000000"},
        {"refused_until": "20000000000", "refused_since": "20000000000"},
        {"refused_since": "soon"},
        {"since": "2026"},
        {"since": "1793491200"},
    ],
)
def test_what_is_no_parameter_is_refused_by_name(given: dict[str, str]) -> None:
    with pytest.raises(RequestError, match=next(iter(given))) as refused:
        query.parsed(given, "c")
    assert refused.value.status == 400


def test_letters_that_are_left_may_be_asked_for_alone() -> None:
    assert [query.only_open(given) for given in ({}, {"open": "false"}, {"open": "True"})] == [False, False, True]
    with pytest.raises(RequestError, match="open must be true or false, not 1"):
        query.only_open({"open": "1"})


@pytest.mark.parametrize("text", ["", "1", "-", "a-1", "1-", "1-2-3", "٣-1", "1-" + "9" * 30])
def test_a_letter_is_named_by_partition_and_offset_alone(text: str) -> None:
    assert query.place("1-2") == (1, 2)
    with pytest.raises(RequestError) as refused:
        query.place(text)
    assert refused.value.status == 404
