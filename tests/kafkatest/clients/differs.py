"""What our worker answers otherwise than Kafka's on purpose, and why: the only differences that clients meet here."""

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """An error that we answer otherwise."""

    kafka: str
    """A pattern of Kafka's message, which is answered with 500."""
    status: int
    ours: str
    """A pattern of ours."""
    because: str


_UNKNOWN = "an unknown connector is no fault of the worker's; Kafka's answers so too when it runs distributed"
_UNREADABLE = "a body that cannot be read is the client's fault, not the worker's"
DIFFERENCES = (
    Difference(r'Cannot invoke .* because "connProps" is null', 404, "Unknown connector: UNIQUE", _UNKNOWN),
    Difference(r"Failed to start task UNIQUE-0 since it is .*", 404, "Unknown connector: UNIQUE", _UNKNOWN),
    Difference(r"No connector `UNIQUE` configured", 404, "Unknown connector UNIQUE", _UNKNOWN),
    Difference(
        r"Cannot construct instance of `java.util.LinkedHashMap` .*",
        400,
        "Cannot deserialize config: an object of keys and values is expected",
        f"{_UNREADABLE}; kafka-connect-py's command line sends a text for an object when it validates",
    ),
    Difference(
        r"Invalid UTF-8 middle byte .*",
        400,
        r"The request's body is not readable JSON: 'utf-8' codec can't decode byte .*",
        f"{_UNREADABLE}; Sourcelab's client writes Latin-1",
    ),
)


def differs(kafka: Any, ours: Any) -> bool:
    """Whether an answer is neither Kafka's nor different from it on purpose; both as they are recorded."""
    return kafka != ours and not any(_is(each, kafka, ours) for each in DIFFERENCES)


def _is(difference: Difference, kafka: Any, ours: Any) -> bool:
    return (kafka["status"], ours["status"]) == (500, difference.status) and all(
        answer["body"].keys() == {"error_code", "message"}
        and answer["body"]["error_code"] == answer["status"]
        and re.fullmatch(pattern, answer["body"]["message"], re.DOTALL)
        for pattern, answer in ((difference.kafka, kafka), (difference.ours, ours))
    )
