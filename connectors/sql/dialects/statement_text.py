"""Statements as people read them: on one line, without a change of what stands in quotes."""

import re

_QUOTED = re.compile(r"""('(?:[^']|'')*+'|"(?:[^"]|"")*+"|`(?:[^`]|``)*+`)""")


def on_one_line(text: str) -> str:
    """A statement whose blanks are one each, but for those in names and literals."""
    outside, *others = _QUOTED.split(text)
    found = [_plain(outside)]
    for quoted, following in zip(others[::2], others[1::2], strict=True):
        found += [quoted, _plain(following)]
    return "".join(found).strip()


def _plain(text: str) -> str:
    return re.sub(r"[ \t\n]+", " ", text)
