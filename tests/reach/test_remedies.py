"""What is to be done about an obstacle, in the words of the config."""

import ssl
from dataclasses import replace
from typing import get_args

import pytest

from ferryman.reach import remedies
from ferryman.reach.connectivity import Obstacle, Place
from ferryman.reach.remedies import Keys

URL = replace(Keys.of_url("store.url", "ca.file"), identity="certificate.file")


def test_each_obstacle_names_a_key_or_what_to_do_with_the_server() -> None:
    told = {at: remedies.finding("server", Obstacle(at, "so it is"), URL).mend for at in get_args(Place)}
    keys = ("store.url", "ca.file", "certificate.file")
    without = [at for at, text in told.items() if not any(key in text for key in keys)]
    assert without == ["time"]
    assert told["tls"] == "https:// in place of http:// in store.url, or correct the port in store.url"
    assert told["authority"] == "give its authority's certificate with ca.file"


def test_the_port_of_a_url_is_that_of_its_scheme_unless_it_says_so() -> None:
    context = ssl.create_default_context()
    found = {
        url: remedies.to_url("server", url, context, URL, 30.0)
        for url in ("http://nobody.invalid", "https://nobody.invalid:1/path", "http://127.0.0.1:1")
    }
    assert [each.said for each in found.values() if each] == [
        *["the host name nobody.invalid is not known"] * 2,
        "nothing listens at 127.0.0.1:1",
    ]


def test_what_goes_by_a_proxy_of_the_environment_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:3128")
    monkeypatch.setenv("no_proxy", "inside.example")
    assert remedies.is_by_proxy("http://outside.example/a")
    assert not remedies.is_by_proxy("http://inside.example/a")
