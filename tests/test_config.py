"""Values are parsed as Kafka's ConfigDef does it: the blanks around them are Java's, others are part of them."""

from typing import Literal

import pytest

from ferryman.chain import chain_config
from ferryman.config import Bool, Config, Double, Int, Password, Str, Strings, Text, any_case, key, split_list, trim
from ferryman.errors import ConfigError
from ferryman.plugins import catalog

JAVAS = "".join(map(chr, range(0x21)))
OTHERS = "\x85\u00a0\u1680\u2003\u2028\u3000\ufeff"
"""Blanks for Python, or for readers, that Java's String.trim leaves."""


class Odd(Config):
    """One key of each type."""

    name: Str = key("")
    text: Text = key("")
    number: Int = key(0)
    part: Double = key(0.0)
    flag: Bool = key(False)
    names: Strings = key([])
    secret: Password | None = key(None)
    choice: Literal["one", "two"] = key("one")
    perhaps: Literal["one", "two"] | None = key(None)


def problem(**given: str) -> str:
    with pytest.raises(ConfigError) as raised:
        Odd.parse(given)
    return str(raised.value)


def test_what_java_trims_is_trimmed_of_every_type() -> None:
    def around(value: str) -> str:
        return f"{JAVAS}{value}{JAVAS}"

    found = Odd.parse({name: around(value) for name, value in {"name": "a b", "number": "1", "part": "0.5"}.items()})
    assert (found.name, found.number, found.part) == ("a b", 1, 0.5)
    assert Odd.parse({"flag": around("TRUE"), "names": around("a \t, b")}).names == ["a", "b"]
    chosen = Odd.parse({name: around("two") for name in ("choice", "perhaps")})
    assert (chosen.choice, chosen.perhaps) == ("two", "two")
    secret = Odd.parse({"secret": around("a b")}).secret
    assert secret is not None
    assert secret.get_secret_value() == "a b"
    assert Odd.parse({"text": " x "}).text == " x "


@pytest.mark.parametrize("blank", OTHERS)
def test_any_other_blank_is_part_of_a_value_and_no_number_has_one(blank: str) -> None:
    value = f"{blank}1{blank}"
    assert (trim(f" {value} "), Odd.parse({"name": value}).name) == (value, value)
    assert Odd.parse({"names": f"{value} , {value}"}).names == [value, value]
    assert "Not a number of type INT" in problem(number=value)
    assert "Not a number of type DOUBLE" in problem(part=value)
    assert "true or false" in problem(flag=f"true{blank}")
    assert chain_config.aliases({"transforms": f"a,{blank}"}, "transforms") == ["a", blank]
    assert catalog.connector_entry(f" FileStreamSink{JAVAS}") is not None
    assert catalog.connector_entry(f"FileStreamSink{blank}") is None
    assert any_case("one").func(f"ONE{blank}") == f"ONE{blank}"  # type: ignore[call-arg]


def test_lists_are_split_at_commas_with_the_blanks_of_their_pattern() -> None:
    assert split_list("") == split_list(" \0") == []
    assert split_list("a,,b") == ["a", "", "b"]
    assert split_list(",") == ["", ""]
    assert split_list("a\x1f , \v b") == ["a\x1f", "b"]


def test_a_double_is_what_java_reads() -> None:
    assert Odd.parse({"part": "1e3"}).part == 1000
    assert "Not a number of type DOUBLE" in problem(part="1_000")
