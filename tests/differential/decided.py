"""Where our answers differ from Kafka's on purpose, each with its reason. Nothing else may differ."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.differential.jvm import Answer, Outcome, Raised
from tests.differential.sides import Side


def crash_of_a_config(kafkas: Raised, ours: Raised) -> bool:
    """A config over which Kafka stumbles with another exception than its own is refused in the usual way."""
    stumbled = kafkas.kind.startswith("java.lang.") or kafkas.message == "Unable to validate config."
    return stumbled and ours.kind.endswith("ConfigException")


def text_of_a_static_field(kafkas: Raised, ours: Raised) -> bool:
    """Kafka prints a Java object's address for the name of the static field."""
    return "InsertionSpec@" in (kafkas.message or "") and kafkas.kind == ours.kind


def record_in_a_message(kafkas: Raised, ours: Raised) -> bool:
    """Java prints the whole record, or its key; ours names the topic at most."""
    starts = ("Timestamp missing on record: ", "Unexpected update message received")
    return (kafkas.message or "").startswith(starts) and (ours.message or "").startswith(starts)


def words_for_a_choice(kafkas: Raised, ours: Raised) -> bool:
    """Debezium has words of its own for a value that is none of those allowed; ours are Kafka's."""
    debeziums, kafkas_own = "Value must be one of", "String must be one of"
    return kafkas.kind == ours.kind and debeziums in (kafkas.message or "") and kafkas_own in (ours.message or "")


def text_of_a_null_pointer(kafkas: Raised, ours: Raised) -> bool:
    """What Java says of a null reference tells nothing to a user; ours names what is missing."""
    return kafkas.kind == ours.kind == "java.lang.NullPointerException"


def text_of_a_class_cast(kafkas: Raised, ours: Raised) -> bool:
    """Nor does what Java says of a class and its loader; ours says what should have been there."""
    return kafkas.kind == ours.kind == "java.lang.ClassCastException"


def width_in_a_message(kafkas: Raised, ours: Raised) -> bool:
    """Our schemaless numbers have no width: messages call them Long or Double."""
    message = re.sub("java.lang.(Byte|Short|Integer)", "java.lang.Long", kafkas.message or "")
    return ours == Raised(kafkas.kind, message.replace("java.lang.Float", "java.lang.Double"))


ERRORS: Sequence[Callable[[Raised, Raised], bool]] = (
    crash_of_a_config,
    text_of_a_static_field,
    record_in_a_message,
    words_for_a_choice,
    text_of_a_null_pointer,
    text_of_a_class_cast,
    width_in_a_message,
)


def width_of_a_time(kafkas: Outcome, ours: Outcome) -> bool:
    """Kafka takes no schemaless number for a time but a Long; ours have no width, and all are taken."""
    message = kafkas.message or "" if isinstance(kafkas, Raised) else ""
    return bool(re.match("TimestampConverter does not support class java.lang.(Byte|Short|Integer) ", message))


def far_away(ours: Outcome) -> bool:
    """Our dates are Python's: a time outside the years 1 to 9999 is a data error."""
    return isinstance(ours, Raised) and "outside the years 1 to 9999" in (ours.message or "")


def null_that_was_inserted(kafkas: Outcome) -> bool:
    """InsertField leaves null in a required field if the record has no timestamp or partition.

    Kafka notices when the next transform copies the struct; ours when it is written, and spares all others the search.
    """
    message = kafkas.message or "" if isinstance(kafkas, Raised) else ""
    return message.startswith("Invalid value: null used for required field")


def default_of_a_struct(kafkas: Outcome) -> bool:
    """Where a struct is null that has a default, Kafka's transforms copy the default, whose schema has none itself, and
    which is refused therefore. Ours copy the null."""
    return isinstance(kafkas, Raised) and kafkas.message == "Struct schemas do not match."


def scale_of_a_mask(kafkas: Outcome, ours: Outcome) -> bool:
    """Kafka masks a decimal with one of another scale, which its converters then refuse to write.

    Ours has the field's scale, and a replacement with more digits than that is an error at once.
    """
    if isinstance(ours, Raised):
        return (ours.message or "").startswith("Decimal value has mismatching scale")
    if not isinstance(kafkas, Answer) or not isinstance(ours, Answer):
        return False
    return _rescaled(kafkas) == _rescaled(ours)


def _rescaled(answer: Answer) -> Answer:
    return replace(answer, key=_numbers(answer.key), value=_numbers(answer.value))


def _numbers(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        name: Decimal(item.removeprefix("decimal ")) if isinstance(item, str) and item.startswith("decimal ") else item
        for name, item in value.items()
    }


def agree(transform: str, kafkas: Side, ours: Side) -> bool:
    """Whether the answers are the same, but for what has been decided."""
    if isinstance(kafkas, Raised) and isinstance(ours, Raised):
        return same(transform, kafkas, ours)
    if isinstance(kafkas, Raised) or isinstance(ours, Raised):
        return False
    return all(same(transform, one, other) for one, other in zip(kafkas, ours, strict=True))


def same(transform: str, kafkas: Outcome, ours: Outcome) -> bool:
    """The same for one record; ``transform`` may name several."""
    if kafkas == ours or far_away(ours) or width_of_a_time(kafkas, ours):
        return True
    if "MaskField" in transform and scale_of_a_mask(kafkas, ours):
        return True
    if default_of_a_struct(kafkas):
        return True
    if "!'" in transform and null_that_was_inserted(kafkas):
        return True
    if isinstance(kafkas, Raised) and isinstance(ours, Raised):
        return any(decided(kafkas, ours) for decided in ERRORS)
    return False
