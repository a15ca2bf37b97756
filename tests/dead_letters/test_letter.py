"""What a dead letter says, whoever wrote it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.dead_letters.letter import DeadLetter, parsed
from ferryman.record import Coordinates

AT = Coordinates("dlq", 0, 17)
JVM = {
    "topic": "orders",
    "partition": "3",
    "offset": "9007199254740993",
    "connector.name": "warehouse",
    "task.id": "1",
    "stage": "VALUE_CONVERTER",
    "class.name": "org.apache.kafka.connect.json.JsonConverter",
    "exception.class.name": "org.apache.kafka.connect.errors.DataException",
    "exception.message": 'Invalid value: null used for required field: "id", schema type: INT64',
    "exception.stacktrace": "org.apache.kafka.connect.errors.DataException: …\n\tat …",
}


def letter(said: dict[str, str], *own: tuple[str, bytes | None]) -> DeadLetter:
    headers = [*own, *((f"__connect.errors.{name}", value.encode()) for name, value in said.items())]
    return parsed(AT, 5, b"k", None, headers)


def test_a_letter_of_kafka_connect_tells_all_that_its_headers_hold() -> None:
    found = letter(JVM, ("trace-id", b"\xff"), ("none", None))
    assert (found.id, found.origin) == ("0-17", Coordinates("orders", 3, 9007199254740993))
    assert (found.connector, found.task, found.stage) == ("warehouse", 1, "VALUE_CONVERTER")
    assert (found.exception, found.field) == ("org.apache.kafka.connect.errors.DataException", "id")
    assert found.headers == [("trace-id", b"\xff"), ("none", None)]


def test_a_letter_without_headers_is_the_record_alone() -> None:
    found = letter({})
    assert (found.key, found.value, found.timestamp, found.headers) == (b"k", None, 5, [])
    assert {found.origin, found.connector, found.stage, found.message, found.field, found.left_out} == {None}


@pytest.mark.parametrize(
    ("said", "type_", "time"),
    [
        ("3", "CreateTime", (3, True)),
        (None, "CreateTime", (5, True)),
        ("soon", "CreateTime", (5, True)),
        ("3", "LogAppendTime", (3, True)),
        (None, "LogAppendTime", (5, False)),
        ("soon", "LogAppendTime", (5, False)),
        ("-3", "LogAppendTime", (5, False)),
        ("9" * 20, "LogAppendTime", (5, False)),
    ],
)
def test_letters_say_the_time_of_their_record_also_where_theirs_is_another(
    said: str | None, type_: str, time: tuple[int, bool]
) -> None:
    headers = [] if said is None else [("__ferryman.errors.timestamp", said.encode())]
    found = parsed(AT, 5, b"k", None, headers, type_)
    original = found.original("t")
    assert (found.timestamp, found.is_timed, original and original.is_timed) == (*time, time[1])


@pytest.mark.parametrize(
    ("said", "type_", "time"),
    [
        ("3", "CreateTime", 3),
        ("3", "LogAppendTime", 3),
        (None, "LogAppendTime", 5),
        ("soon", "LogAppendTime", 5),
        (None, "CreateTime", None),
        ("-3", "CreateTime", None),
    ],
)
def test_when_a_record_was_refused_the_letter_says_or_else_the_broker(
    said: str | None, type_: str, time: int | None
) -> None:
    headers = [] if said is None else [("__ferryman.errors.time", said.encode())]
    assert parsed(AT, 5, b"k", None, headers, type_).refused_at == time


def test_what_was_refused_twice_says_why_the_second_time() -> None:
    headers = [("__connect.errors.stage", b"TRANSFORMATION"), ("__connect.errors.stage", b"TASK_PUT")]
    assert parsed(AT, None, None, None, headers).stage == "TASK_PUT"


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("null is not allowed (field address.city, STRING)", "address.city"),
        ("null is not allowed (field lines[3].price)", "lines[3].price"),
        ('Invalid Java object for schema with type INT32: class java.lang.String for field: "amount"', "amount"),
        ("Field 'x' is not found", "x"),
        ("it broke", None),
        ("", None),
    ],
)
def test_a_field_is_found_in_messages_of_either(message: str, field: str | None) -> None:
    assert letter({"exception.message": message}).field == field


@given(
    st.lists(st.tuples(st.sampled_from([f"__connect.errors.{name}" for name in JVM] + ["x"]), st.binary() | st.none()))
)
def test_any_headers_make_a_letter(headers: list[tuple[str, bytes | None]]) -> None:
    found = parsed(AT, None, None, b"", headers)
    assert found.headers == [each for each in headers if each[0] == "x"]
