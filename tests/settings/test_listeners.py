"""Listener URLs."""

import pytest

from ferryman.settings.listeners import Listener, advertised, authority, listener


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://127.0.0.1:8083", Listener("127.0.0.1", 8083)),
        (" HTTPS://[::1]:8443 ", Listener("::1", 8443, True)),
        ("https://0.0.0.0:0", Listener("", 0, True)),
        ("http://my-host.example:1", Listener("my-host.example", 1)),
    ],
)
def test_a_url_is_an_address(url: str, found: Listener) -> None:
    assert listener(url) == found


@pytest.mark.parametrize(
    "url", ["ftp://x:1", "http://x", "x:8083", "http://x:-1", "http://x:65536", "http://x y:1", ""]
)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"listener|Listener|port"):
        listener(url)


def test_http_is_advertised_before_https_unless_the_scheme_is_said() -> None:
    plain, secure = Listener("a", 1), Listener("b", 2, True)
    assert advertised([secure, plain], None) == plain
    assert advertised([secure, plain], "https") == secure
    assert advertised([secure], None) == secure
    assert advertised([plain], "https") == plain


def test_an_address_of_version_6_stands_in_brackets() -> None:
    assert (authority("::1", 8083), authority("box", 8083)) == ("[::1]:8083", "box:8083")
