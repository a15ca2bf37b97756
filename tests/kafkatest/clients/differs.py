"""What our worker answers otherwise than Kafka's on purpose: the only differences that clients meet here."""

import re
from dataclasses import dataclass
from typing import Any

from tests.kafkatest.report.differences import NO_BODY_NO_TYPE, UNKNOWN_IS_NOT_THERE, UNREADABLE_IS_BAD, Difference


@dataclass(frozen=True)
class Otherwise:
    """An error that we answer otherwise."""

    kafka: str
    """A pattern of Kafka's message."""
    status: int
    ours: str | None
    """A pattern of ours; None if it is no error, and says nothing."""
    because: Difference
    kafkas: int = 500
    """The status of Kafka's."""


OTHERWISE = (
    Otherwise(r'Cannot invoke .* because "connProps" is null', 404, "Unknown connector: UNIQUE", UNKNOWN_IS_NOT_THERE),
    Otherwise(r"Failed to start task UNIQUE-0 since it is .*", 404, "Unknown connector: UNIQUE", UNKNOWN_IS_NOT_THERE),
    Otherwise(r"No connector `UNIQUE` configured", 404, "Unknown connector UNIQUE", UNKNOWN_IS_NOT_THERE),
    Otherwise(
        r"Cannot construct instance of `java.util.LinkedHashMap` .*",
        400,
        "Cannot deserialize config: an object of keys and values is expected",
        UNREADABLE_IS_BAD,
    ),
    Otherwise(
        r"Invalid UTF-8 middle byte .*",
        400,
        r"The request's body is not readable JSON: 'utf-8' codec can't decode byte .*",
        UNREADABLE_IS_BAD,
    ),
    Otherwise("HTTP 415 Unsupported Media Type", 202, None, NO_BODY_NO_TYPE, kafkas=415),
    Otherwise("HTTP 415 Unsupported Media Type", 204, None, NO_BODY_NO_TYPE, kafkas=415),
    Otherwise("HTTP 415 Unsupported Media Type", 404, "Unknown connector:? UNIQUE", NO_BODY_NO_TYPE, kafkas=415),
)


def differs(kafka: Any, ours: Any) -> bool:
    """Whether an answer is neither Kafka's nor different from it on purpose; both as they are recorded."""
    return kafka != ours and not any(_is(each, kafka, ours) for each in OTHERWISE)


def _is(otherwise: Otherwise, kafka: Any, ours: Any) -> bool:
    return (
        (kafka["status"], ours["status"]) == (otherwise.kafkas, otherwise.status)
        and _says(kafka, otherwise.kafka)
        and _says(ours, otherwise.ours)
    )


def _says(answer: Any, pattern: str | None) -> bool:
    body = answer["body"]
    if pattern is None or body is None:
        return pattern is body
    return (
        body.keys() == {"error_code", "message"}
        and body["error_code"] == answer["status"]
        and re.fullmatch(pattern, body["message"], re.DOTALL) is not None
    )
