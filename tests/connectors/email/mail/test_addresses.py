"""A text that is not one address is refused with what is wrong about it."""

import pytest

from ferryman.connectors.email.mail.addresses import join_addresses, one_address, several
from ferryman.errors import DataError

SEVERAL = "is not exactly one e-mail address: there are several"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not an e-mail address: the text is empty"),
        (" ", "not an e-mail address: the text is empty"),
        ("a@b.example, c@d.example", SEVERAL),
        ("a@b.example;c@d.example", SEVERAL),
        ("a@b.example c@d.example", SEVERAL),
        ("A <a@b.example> B <c@d.example>", SEVERAL),
        ("nobody", "it has no @"),
        ("A Name", "it has no @"),
        ("A <a@b.example", "its <> must enclose one"),
        ("<>", "it has no @"),
        ("@b.example", "there is nothing before its @"),
        ("a@", "there is nothing after the @"),
        ("a@b@c.example", "the character @ is not allowed before its @"),
        ("a b@c.example", "a blank is not allowed before its @"),
        ('"a"@c.example', 'the character " is not allowed before its @'),
        ("zoë@c.example", "the character ë (U+00EB) is not allowed before its @"),
        (".a@c.example", "a dot before its @ must be between two other characters"),
        ("a..b@c.example", "a dot before its @ must be between two other characters"),
        ("a" * 65 + "@c.example", "it has 65 characters before its @, at most 64 are allowed"),
        ("a@-b.example", "'-b.example' is not the domain of an e-mail address"),
        ("a@b..example", "'b..example' is not the domain of an e-mail address"),
        ("a@b_c.example", "'b_c.example' is not the domain of an e-mail address"),
        ("a@b.example\r\nBcc: c@d.example", "the character U+000D must not be in a header"),
    ],
)
def test_the_reason_is_said(text: str, reason: str) -> None:
    with pytest.raises(DataError) as raised:
        one_address("mail.to", text)
    assert str(raised.value).startswith("mail.to: ")
    assert reason in str(raised.value)


@pytest.mark.parametrize(
    ("text", "spec", "name"),
    [
        ("a@b.example", "a@b.example", ""),
        ("Zoë <a.b+c@b.example>", "a.b+c@b.example", "Zoë"),
        ('"Doe, Jane" <j@b.example>', "j@b.example", "Doe, Jane"),
        ("a@bücher.example", "a@xn--bcher-kva.example", ""),
        ("a@straße.example", "a@xn--strae-oqa.example", ""),
        ("a@βόλος.example", "a@xn--nxasmm1c.example", ""),
    ],
)
def test_one_address_is_taken(text: str, spec: str, name: str) -> None:
    found = one_address("mail.to", text)
    assert (found.spec, found.name) == (spec, name)


def test_several_come_from_a_list_of_the_records_only() -> None:
    assert [each.spec for each in several("mail.to", join_addresses(["a@b.example", "c@d.example"]))] == [
        "a@b.example",
        "c@d.example",
    ]
    with pytest.raises(DataError, match="the filter addresses turns a list in the record into several recipients"):
        several("mail.to", "a@b.example,c@d.example")
