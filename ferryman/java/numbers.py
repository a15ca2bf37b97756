"""Numbers as Java converts them: narrowing, saturation, and the texts that its parse methods take."""

import re
from decimal import MAX_EMAX, MIN_EMIN, ROUND_05UP, Context, Decimal
from fractions import Fraction

from ferryman.java.texts import to_float32

_WHOLE = re.compile(r"[+-]?\d+")
_REAL = re.compile(r"([+-]?)(NaN|Infinity|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?=[fFdD]?$))[fFdD]?", re.ASCII)
_HEXADECIMAL = re.compile(r"([+-]?0[xX](?:[\da-fA-F]+\.?|[\da-fA-F]*\.[\da-fA-F]+)[pP][+-]?\d+)[fFdD]?", re.ASCII)
_CUT = Context(prec=1000, rounding=ROUND_05UP, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
_BLANKS = "".join(map(chr, range(33)))


def wrapped(number: int, bits: int) -> int:
    """An integer cut to so many bits, as Java narrows it."""
    half = 1 << bits - 1
    return number if -half <= number < half else (number + half) % (2 * half) - half


def truncated(number: float, bits: int) -> int:
    """A float as an integer type: cut towards zero and held within 32 bits (64 for long), then narrowed; NaN is 0."""
    if number != number:
        return 0
    limit = 1 << (63 if bits == 64 else 31)
    return wrapped(int(max(-limit, min(number, limit - 1)) if abs(number) >= limit else number), bits)


def parsed_integer(text: str, bits: int) -> int:
    """A text as Long.parseLong and its siblings take it. Raises ValueError."""
    if not _WHOLE.fullmatch(text) or (not text.isascii() and any(letter > "\uffff" for letter in text)):
        raise ValueError("not a whole number")
    number = int(text)
    if wrapped(number, bits) != number:
        raise ValueError("out of range")
    return number


def parsed_double(text: str) -> float:
    """A text as Double.parseDouble takes it. Raises ValueError."""
    bare = text.strip(_BLANKS)
    if found := _REAL.fullmatch(bare):
        return float(found[1] + found[2])
    if found := _HEXADECIMAL.fullmatch(bare):
        try:
            return float.fromhex(found[1])
        except OverflowError:
            return float("-inf" if bare[0] == "-" else "inf")
    raise ValueError("not a number")


def parsed_single(text: str) -> float:
    """A text as Float.parseFloat takes it. Raises ValueError."""
    near = parsed_double(text)
    found = _REAL.fullmatch(text.strip(_BLANKS))
    return single(near, Decimal(found[1] + found[2])) if found and near and near - near == 0 else to_float32(near)


def single(near: float, exact: Decimal | int) -> float:
    """The 32-bit float nearest to an exact number, given the nearest 64-bit one: rounded once, not twice."""
    rounded = to_float32(near)
    other = near + (near - rounded)
    if other == rounded or other - other != 0 or to_float32(other) != other:
        return rounded
    # Cut to a thousand digits, the last of which tells that others follow: an exact fraction takes the square of them.
    cut = _CUT.plus(exact) if isinstance(exact, Decimal) else exact
    beyond = Fraction(cut) - Fraction(near)
    if beyond == 0:
        return rounded
    return max(rounded, other) if beyond > 0 else min(rounded, other)
