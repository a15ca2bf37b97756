"""Which key was meant."""

import pytest

from ferryman.java.spelling import meant, nearly, one_letter


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("topic", "topics"),
        ("schema.enable", "schemas.enable"),
        ("batch.sise", "batch.size"),
        ("bacth.size", "batch.size"),
        ("file", "fil"),
        ("batch_size", "batch.size"),
        ("batchSize", "batch.size"),
        ("ile", "file"),
        ("File", "file"),
    ],
)
def test_texts_are_near_that_one_letter_or_the_case_tells_apart(a: str, b: str) -> None:
    assert one_letter(a, b)
    assert one_letter(b, a)


@pytest.mark.parametrize(("a", "b"), [("file", "file"), ("topic", "topical"), ("abcd", "badc"), ("", ""), ("a", "bc")])
def test_texts_are_not_near_that_are_equal_or_further_apart(a: str, b: str) -> None:
    assert not one_letter(a, b)


def test_the_nearest_key_is_named_and_none_where_there_is_none() -> None:
    known = {"topics", "topics.regex", "connection.password"}
    assert meant("topic", known) == "; did you mean topics?"
    assert meant("connection.pasword", known) == "; did you mean connection.password?"
    assert meant("conection.pasword", known) == "; did you mean connection.password?"
    assert meant("something.else", known) == ""


def test_a_key_that_is_known_was_meant() -> None:
    assert meant("topics", {"topic", "topics"}, ("topic.",)) == ""


def test_a_mistake_in_a_prefix_is_found_too() -> None:
    prefixes = ("consumer.override.", "transforms.unwrap.")
    assert meant("consumer.overide.a.b", (), prefixes) == "; did you mean consumer.override.a.b?"
    assert meant("transforms.unwarp.type", (), prefixes) == "; did you mean transforms.unwrap.type?"
    assert meant("transforms.x.type", (), ("transforms.y.",)) == ""


def test_what_may_well_be_right_is_asked_about_for_one_letter_only() -> None:
    assert nearly("offset.storage.topics", {"offset.storage.topic"}) == "; did you mean offset.storage.topic?"
    assert nearly("offset.storage.retention.ms", {"offset.storage.topic"}) == ""
