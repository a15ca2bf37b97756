"""Connect's Decimal: unscaled two's complement bytes, the scale in the schema."""

from decimal import Context, Decimal, Inexact, InvalidOperation

from ferryman.errors import DataError

WIDE = Context(prec=100_000, Emax=999_999, Emin=-999_999, traps=[Inexact, InvalidOperation])
"""Arithmetic that is exact or fails."""


def rescaled(value: Decimal, scale: int) -> Decimal:
    """The same number with that many digits after the point. Raises DataError if it has more of them."""
    if value.as_tuple().exponent == -scale:
        return value
    try:
        return value.quantize(Decimal((0, (1,), -scale)), context=WIDE)
    except (Inexact, InvalidOperation) as error:
        raise DataError(
            f"Decimal value has mismatching scale for given Decimal schema. Schema has scale {scale}, value is {value}."
        ) from error


def twos_complement(unscaled: int) -> bytes:
    """An integer's shortest big-endian two's complement, as BigInteger.toByteArray."""
    return unscaled.to_bytes((unscaled if unscaled >= 0 else ~unscaled).bit_length() // 8 + 1, "big", signed=True)


def unscaled(value: Decimal, scale: int) -> int:
    """The integer behind a decimal of that scale."""
    return int(rescaled(value, scale).scaleb(scale, WIDE))


def from_unscaled(number: int, scale: int) -> Decimal:
    """The decimal of an unscaled integer."""
    return Decimal(number).scaleb(-scale, WIDE)
