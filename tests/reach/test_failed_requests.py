"""What the errors of requests tell about the way to a server, with real sockets and real libraries."""

import ssl
from contextlib import closing
from socket import create_server

import httpx
import pytest

from ferryman.reach import failed_requests
from tests.reach.test_connectivity import certified, serving, trusting


def met(url: str, tls: ssl.SSLContext) -> str | None:
    try:
        httpx.get(url, verify=tls, trust_env=False, timeout=30)
    except httpx.HTTPError as error:
        found = failed_requests.obstacle(url, error)
        return None if found is None else found.at
    raise AssertionError("somebody answers")


def test_a_certificate_that_is_not_trusted_or_anothers_is_told_apart() -> None:
    with serving(certified("127.0.0.1")) as port:
        assert met(f"https://127.0.0.1:{port}", ssl.create_default_context()) == "authority"
    with serving(certified("elsewhere.example")) as port:
        assert met(f"https://127.0.0.1:{port}", trusting()) == "other name"


def test_a_server_that_wants_our_certificate_is_no_server_without_tls() -> None:
    wanting = certified("127.0.0.1")
    wanting.maximum_version = ssl.TLSVersion.TLSv1_2
    wanting.verify_mode = ssl.CERT_REQUIRED
    with serving(wanting) as port:
        assert met(f"https://127.0.0.1:{port}", trusting()) == "identity"
    with serving(says=b"HTTP/1.1 200 OK\r\n\r\n") as port:
        assert met(f"https://127.0.0.1:{port}", trusting()) == "no tls"


def test_nobody_there_is_told_and_who_hangs_up_says_nothing() -> None:
    with closing(create_server(("127.0.0.1", 0))) as gone:
        port = gone.getsockname()[1]
    assert met(f"http://127.0.0.1:{port}", trusting()) == "port"
    assert met("http://no-such-host.invalid", trusting()) == "name"
    with serving() as port:
        assert met(f"http://127.0.0.1:{port}", trusting()) is None


@pytest.mark.parametrize("error", [ValueError("too large"), TimeoutError()])
def test_what_says_nothing_about_the_way_is_no_obstacle(error: Exception) -> None:
    assert failed_requests.obstacle("https://127.0.0.1", error) is None
