"""Parts of a file that were read before, found again by their positions in bytes."""

from pathlib import Path

from ferryman.api import Part, Span
from ferryman.connectors.file.lines_reader import LineCutter
from ferryman.errors import ConfigError
from ferryman.files import allowed_folders

PIECE_BYTES = 1 << 20
LINE_ENDS = (b"\n", b"\r")


def part(path: Path, wanted: Span) -> Part:
    """The lines between two positions, by default all whole lines that there are now. ConfigError for positions within
    a line or behind the file's last whole one, and for times. Reads the part once, to count its lines."""
    if wanted.begins is not None or wanted.ends is not None:
        key = "from" if wanted.begins is not None else "to"
        raise ConfigError.for_key(key, "the lines of a file have no times: give positions, in bytes, from 0")
    allowed_folders.check_again(str(path))
    first = wanted.first or 0
    if path.exists() and not path.is_file():
        raise ConfigError.for_key("file", f"'{path}' is not a regular file, and keeps no history")
    try:
        behind, lines = _lines(path, first, wanted.behind)
    except OSError as error:
        raise ConfigError.for_key("file", f"'{path}' cannot be read: {error.strerror}") from None
    if wanted.behind is not None and behind != wanted.behind:
        text = f"no line of '{path}' ends at {wanted.behind}, the last before does so at {behind}"
        raise ConfigError.for_key("positions", text)
    return Part(Span(first=first, behind=behind, records=lines))


def _lines(path: Path, first: int, behind: int | None) -> tuple[int, int]:
    """Where the last whole line before ``behind`` ends, and how many lines there are."""
    with path.open("rb") as file:
        if first:
            file.seek(first - 1)
            around = file.read(2)
            if around[:1] not in LINE_ENDS or around == b"\r\n":
                raise ConfigError.for_key("positions", f"no line of '{path}' begins at {first}")
            file.seek(first)
        cutter, position, end, count = LineCutter(first), first, first, 0
        # The character after the part tells whether a carriage return before it ends a line.
        while data := file.read(PIECE_BYTES if behind is None else min(PIECE_BYTES, behind + 1 - position)):
            position += len(data)
            found = cutter.feed(data).up_to(behind)
            count += len(found.texts)
            end = found.positions[-1] if found.positions else end
    return end, count
