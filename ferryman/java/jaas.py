"""JAAS login configurations: entries with login modules and their options, as javax.security.auth.login.Configuration
describes them and ``sasl.jaas.config`` abbreviates them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

FLAGS = frozenset({"required", "requisite", "sufficient", "optional"})
_SPACE = re.compile(r"(?:\s++|//[^\n]*+|/\*(?:[^*]++|\*(?!/))*\*/)*")
_NAME = re.compile(r"[^\s{};=\"']++")
_VALUE = re.compile(
    r"\"(?P<double>(?:[^\"\\]|\\.)*+)\"|'(?P<single>(?:[^'\\]|\\.)*+)'|(?P<bare>[^\s;\"']++)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class LoginModule:
    """One login module of an entry."""

    name: str
    """Its Java class."""
    flag: str
    """required, requisite, sufficient or optional."""
    options: Mapping[str, str] = field(repr=False)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._skip()

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at

    @property
    def at_end(self) -> bool:
        return self._at >= len(self._text)

    @property
    def line(self) -> int:
        return self._text.count("\n", 0, self._at) + 1

    def sign(self, sign: str) -> bool:
        """Whether the sign comes next; then it is behind us."""
        found = self._text.startswith(sign, self._at)
        if found:
            self._at += len(sign)
            self._skip()
        return found

    def need(self, sign: str) -> None:
        if not self.sign(sign):
            raise ValueError(f"{sign} is expected in line {self.line}")

    def name(self, what: str) -> str:
        found = _NAME.match(self._text, self._at)
        if not found:
            raise ValueError(f"{what} is expected in line {self.line}")
        self._at = found.end()
        self._skip()
        return found[0]

    def value(self, option: str) -> str:
        found = _VALUE.match(self._text, self._at)
        if not found:
            raise ValueError(f"the value of {option} is expected in line {self.line}")
        self._at = found.end()
        self._skip()
        if found["bare"] is not None:
            return found["bare"]
        return re.sub(r"(?s)\\(.)", r"\1", found["double"] if found["double"] is not None else found["single"])


def entries(text: str) -> Mapping[str, Sequence[LoginModule]]:
    """The entries of a login configuration file, ``Name { module flag option="value"; };``, by name.

    ValueError says what is expected where, and shows no value.
    """
    reader, found = _Reader(text), dict[str, Sequence[LoginModule]]()
    while not reader.at_end:
        name, modules = reader.name("the name of an entry"), list[LoginModule]()
        reader.need("{")
        while not reader.sign("}"):
            modules.append(_module(reader))
        reader.need(";")
        found[name] = modules
    return found


def module(text: str) -> LoginModule:
    """The one login module of a line like that of ``sasl.jaas.config``. ValueError for anything else, which shows
    nothing of it: a reference to a secret may have ended up there by mistake."""
    reader = _Reader(text)
    found = _module(reader)
    if not reader.at_end:
        raise ValueError("there is more than one login module")
    return found


def _module(reader: _Reader) -> LoginModule:
    name = reader.name("the class of a login module")
    flag = reader.name("required, requisite, sufficient or optional").lower()
    if flag not in FLAGS:
        raise ValueError(f"one of {', '.join(sorted(FLAGS))} is expected in line {reader.line}, after the class")
    options = dict[str, str]()
    while not reader.sign(";"):
        option = reader.name("an option, or a semicolon,")
        reader.need("=")
        options[option] = reader.value(option)
    return LoginModule(name, flag, options)
