"""Aiven's file.name.template, read backwards: what names look like that were made by it."""

import re
from collections.abc import Callable, Sequence

from ferryman.errors import ConfigError
from ferryman.regex.pattern import compiled

VARIABLE = re.compile(r"\{\{ {0,9}(\w{1,40})(?: {0,9}: {0,9}\w{1,40} {0,9}= {0,9}\w{1,40})? {0,9}\}\}", re.ASCII)
_PATTERNS = {
    "topic": "[A-Za-z0-9._%=-]+",
    "partition": "[0-9]+",
    "start_offset": "[0-9]+",
    "timestamp": "[0-9]+",
}


_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_IN_PREFIXES = {**_PATTERNS, "utc_date": _DATE, "local_date": _DATE}


def template_pattern(template: str, around: Callable[[str], str] = str) -> str:
    """The template as a regular expression of Java's, each variable a group of its name without underscores.

    A timestamp, which may occur several times, is no group. What lies around variables stands as it is, as in Aiven's
    source, unless ``around`` makes something else of it. Raises KeyError for an unknown variable.
    """
    pattern, at = "", 0
    for found in VARIABLE.finditer(template):
        name = found[1]
        group = _PATTERNS[name] if name == "timestamp" else f"(?<{name.replace('_', '')}>{_PATTERNS[name]})"
        pattern += around(template[at : found.start()]) + group
        at = found.end()
    return pattern + around(template[at:])


def template_patterns(template: str) -> Sequence[str]:
    """What names may look like: first as Aiven's sink makes them, where what lies around variables is itself."""
    return list(dict.fromkeys([template_pattern(template, re.escape), template_pattern(template)]))


def prefix_pattern(prefix: str, template: str) -> str:
    """A prefix with variables as a regular expression from the beginning of a name, before that of the template.

    What lies around variables is itself. What the template tells is no group here.
    """
    told = {found[1] for found in VARIABLE.finditer(template)}
    pattern, at = "^", 0
    for found in VARIABLE.finditer(prefix):
        name = found[1]
        text = _IN_PREFIXES.get(name, re.escape(found[0]))
        if name in _PATTERNS and name != "timestamp" and name not in told:
            told.add(name)
            text = f"(?<{name.replace('_', '')}>{text})"
        pattern += re.escape(prefix[at : found.start()]) + text
        at = found.end()
    return pattern + re.escape(prefix[at:])


def template_problem(template: str) -> str | None:
    """What is wrong with a template; None if names can be read by it."""
    found = [each[1] for each in VARIABLE.finditer(template)]
    if "key" in found:
        return "keys are not read from names: .* with topic restores such objects, in the order of their names"
    if unknown := set(found) - _PATTERNS.keys():
        return f"unknown variable {', '.join(sorted(unknown))}"
    groups = [name for name in found if name != "timestamp"]
    if len(set(groups)) < len(groups):
        return "it has a variable twice"
    try:
        compiled(template_pattern(template), "file.name.template")
    except ConfigError as error:
        return str(error)
    return None
