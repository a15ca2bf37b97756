"""Columns by what they can hold, whatever a database calls them."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Integer:
    """Whole numbers."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Float:
    """Binary floating point."""

    double: bool
    """64 bits, or 32."""
    special: bool = True
    """Whether NaN and infinity are among them."""
    widened: bool = True
    """Whether a float of 32 bits comes to 64 as what it is (0.1 as 0.10000000149011612), or as it is printed."""
    places: int | None = None
    """Digits after the point to which it rounds; None: it does not."""


@dataclass(frozen=True, slots=True)
class Decimal:
    """Decimal numbers."""

    scale: int | None = None
    """Digits after the point; negative: zeros before it; None: any number."""
    special: bool = False
    """Whether NaN and infinity are among them."""


@dataclass(frozen=True, slots=True)
class Boolean:
    """True and false, and no numbers."""


@dataclass(frozen=True, slots=True)
class Bits:
    """A number written as bits."""

    length: int


@dataclass(frozen=True, slots=True)
class Text:
    """Text."""

    length: int | None = None
    """The most characters; None: the server knows."""
    trimmed: bool = False
    """Whether blanks at the end are lost."""
    nul: bool = True
    """Whether the character U+0000 is stored."""

    def is_shorter_than(self, characters: int) -> bool:
        """Whether a text of so many characters is too long."""
        return self.length is not None and self.length < characters


@dataclass(frozen=True, slots=True)
class Bytes:
    """Bytes."""

    length: int | None = None
    """Exactly so many."""
    texts: bool = False
    """Whether text is stored there as its UTF-8."""


@dataclass(frozen=True, slots=True)
class Date:
    """Dates."""

    endless: bool = False
    """Whether the texts infinity and -infinity are among them."""


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """Times of day."""

    digits: int = 6
    """Digits of a second's fraction."""
    zoned: bool = False
    """Whether each has its offset from UTC."""
    long: bool = False
    """Whether it is a span of time too, negative or longer than a day."""


@dataclass(frozen=True, slots=True)
class Timestamp:
    """Timestamps."""

    digits: int = 6
    """Digits of a second's fraction."""
    zoned: bool = False
    """Whether they are instants, or what the clock on the wall shows."""
    suffix: str = ""
    """What follows an instant's text in UTC."""
    endless: bool = False
    """Whether the texts infinity and -infinity are among them."""


@dataclass(frozen=True, slots=True)
class Enum:
    """One of some texts, or several of them between commas."""

    labels: tuple[str, ...]
    several: bool = False


@dataclass(frozen=True, slots=True)
class Json:
    """JSON."""


@dataclass(frozen=True, slots=True)
class Array:
    """An array."""

    items: "Target"


@dataclass(frozen=True, slots=True)
class NativeText:
    """Texts in the type's own notation, and nothing else."""

    pattern: str | None = None
    """What they look like, as far as the server would also take what means something else."""
    takes: str = "texts of its own notation"
    echoed: bool = False
    """Whether only the column itself can tell what it makes of one."""


@dataclass(frozen=True, slots=True)
class NotWritable:
    """A type that is not written to."""

    reason: str


Target = (
    Integer
    | Float
    | Decimal
    | Boolean
    | Bits
    | Text
    | Bytes
    | Date
    | TimeOfDay
    | Timestamp
    | Enum
    | Json
    | Array
    | NativeText
    | NotWritable
)

Flags = Literal["as numbers", "apart"]
"""Whether booleans are the numbers 0 and 1 to a database."""
