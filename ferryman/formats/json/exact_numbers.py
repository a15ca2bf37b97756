"""Numbers of JSON without a schema that neither a 64-bit integer nor a double holds: found, kept, written again.

Java's converter wraps such integers, and rounds or loses such fractions. Here an integer stays an int of any size, and
a fraction whose digits a double would change becomes a Decimal; every way out prints their digits or refuses them.
"""

import re
from decimal import Decimal
from typing import Any

import orjson

from ferryman.java.decimals import MOST_DIGITS, too_long

_FLAT = bytes(
    ord("0") if chr(each) in "0123456789." else ord("e") if chr(each) in "eE" else ord("-") if each == 45 else ord(" ")
    for each in range(256)
)
_MARKS = (b"0" * 17, b"0" * 16 + b"e", b"e-000")
"""What a number must have that is not plainly exact: 15 digits always are, and so are exponents above -100."""
_NUMBER = re.compile(rb"[0-9][0-9.]{15,}(?:[eE][+-]?[0-9]+)?|[0-9][0-9.]{0,15}[eE]-[0-9]{3,}")
_EXACT_LENGTH = 15
_WIDEST = 1 << 63


def may_change(text: bytes) -> bool:
    """Whether there may be a number that a 64-bit integer or a double does not hold; one pass over the text."""
    flat = text.translate(_FLAT)
    return any(mark in flat for mark in _MARKS)


def changes(text: bytes) -> bool:
    """Whether there is one, looked at closely; texts that look like such a number count too."""
    return not all(_is_exact(found[0].decode()) for found in _NUMBER.finditer(text))


def _is_exact(digits: str) -> bool:
    if digits.isdigit():
        return len(digits) < 20 and int(digits) < _WIDEST
    if len(digits) > MOST_DIGITS:
        return False
    try:
        return _is_same(float(digits), digits)
    except ValueError:
        return True  # Not a number but part of a text, such as an address.


def _is_same(number: float, digits: str) -> bool:
    try:
        return Decimal(repr(number)) == Decimal(digits)
    except ArithmeticError:
        return False


def integer(digits: str) -> int | Decimal:
    """A number without a point: a Decimal where Python would not print it as an integer, beyond 4,000 digits.

    Raises DataError for more than 10,000.
    """
    if len(digits) > MOST_DIGITS:
        raise too_long(len(digits))
    return int(digits) if len(digits) <= 4000 else Decimal(digits)


def fraction(digits: str) -> float | Decimal:
    """A number with a point or an exponent: a double if it has the same value, else a Decimal.

    Raises ArithmeticError for an exponent that not even that holds, DataError for more than 10,000 digits.
    """
    if len(digits) > MOST_DIGITS:
        raise too_long(len(digits.lstrip("-0.").replace(".", "")))
    number = float(digits)
    if len(digits) <= _EXACT_LENGTH and "e" not in digits and "E" not in digits:
        return number
    return number if _is_same(number, digits) else Decimal(digits)


def printed(prepared: Any) -> bytes:
    """The JSON of what is prepared for orjson; integers beyond 64 bits too. Raises orjson.JSONEncodeError."""
    try:
        return orjson.dumps(prepared)
    except orjson.JSONEncodeError:
        return orjson.dumps(_with_digits(prepared))


def _with_digits(value: Any) -> Any:
    match value:
        case bool():
            return value
        case int() if not -_WIDEST <= value < _WIDEST:
            return orjson.Fragment(str(value))
        case list():
            return [_with_digits(item) for item in value]
        case dict():
            return {key: _with_digits(item) for key, item in value.items()}
        case _:
            return value
