"""Connect's Decimal: unscaled two's complement bytes, the scale in the schema."""

from decimal import Context, Decimal, Inexact, InvalidOperation

from ferryman.errors import DataError

MOST_DIGITS = 10_000
"""Digits that a decimal may have, and places that its point may be moved. Between binary and decimal a number is
converted in the square of its length: a megabyte would take a quarter of a minute."""
_MOST_BITS = 33_219
"""What as many digits need."""
WIDE = Context(prec=2 * MOST_DIGITS, Emax=999_999, Emin=-999_999, traps=[Inexact, InvalidOperation])
"""Arithmetic that is exact or fails."""
_MOST_SHOWN = 60


def rescaled(value: Decimal, scale: int) -> Decimal:
    """The same number with that many digits after the point; zero has no sign, as in Java. Raises DataError if it has
    more of them, or altogether more than 10,000."""
    value = value if value else value.copy_abs()
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        raise DataError(f"{value} is not a decimal")
    digits = value.adjusted() + 1 + max(-exponent, scale)
    if digits > MOST_DIGITS and value:
        raise too_long(digits)
    if exponent == -scale:
        return value
    try:
        return value.quantize(Decimal((0, (1,), -scale)), context=WIDE)
    except (Inexact, InvalidOperation) as error:
        raise DataError(
            f"Decimal value has mismatching scale for given Decimal schema. Schema has scale {scale}, value is "
            f"{_shown(value)}."
        ) from error


def too_long(digits: int) -> DataError:
    """The error for a number of so many digits."""
    return DataError(f"A number of {digits:,} digits cannot be converted; at most {MOST_DIGITS:,} are")


def _shown(value: Decimal) -> str:
    text = str(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}… ({len(text):,} characters)"


def twos_complement(unscaled: int) -> bytes:
    """An integer's shortest big-endian two's complement, as BigInteger.toByteArray."""
    return unscaled.to_bytes((unscaled if unscaled >= 0 else ~unscaled).bit_length() // 8 + 1, "big", signed=True)


def unscaled(value: Decimal, scale: int) -> int:
    """The integer behind a decimal of that scale. Raises DataError as ``rescaled``."""
    return int(rescaled(value, scale).scaleb(scale, WIDE))


def from_unscaled(number: int, scale: int) -> Decimal:
    """The decimal of an unscaled integer. Raises DataError for more than 10,000 digits, or places of the point."""
    if number.bit_length() > _MOST_BITS:
        raise too_long(number.bit_length() * 30_103 // 100_000 + 1)
    if not -MOST_DIGITS <= scale <= MOST_DIGITS:
        raise DataError(f"The scale {scale} of a decimal is out of range: at most {MOST_DIGITS:,}")
    return Decimal(number).scaleb(-scale, WIDE)


def as_float(number: int | Decimal) -> float:
    """The nearest double; infinite beyond, as Java's doubleValue."""
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")
