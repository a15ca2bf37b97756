"""Listeners on real sockets: TLS with stores of Java's tools, several at once, admin endpoints apart."""

import socket
import ssl
from typing import Any

import httpx
import pytest

from ferryman.rest import handshakes, server
from ferryman.settings import settings
from ferryman.tls.trusting import trusting
from tests.rest.listening import AUTHORITY, KEYSTORE, STORES, https, listening
from tests.rest.served import SETTINGS


def asking(*, showing: bool = False) -> httpx.Client:
    """A client that believes the authority of the tests, and may show a certificate of its."""
    context = trusting(AUTHORITY)
    if showing:
        context.load_cert_chain(STORES / "server.pem")
    return httpx.Client(verify=context, timeout=60)


@pytest.mark.parametrize(
    "keystore",
    [
        https(),
        KEYSTORE,
        {
            "listeners.https.ssl.keystore.location": str(STORES / "server.p12"),
            "listeners.https.ssl.keystore.password": "changeit",
        },
        {
            "listeners.https.ssl.keystore.location": str(STORES / "server.pem"),
            "listeners.https.ssl.keystore.type": "PEM",
        },
        {"ssl.keystore.location": str(STORES / "locked.pem"), "ssl.key.password": "keysecret"},
    ],
    ids=["jks", "plain keys", "pkcs12", "pem", "locked pem"],
)
def test_an_https_listener_answers_with_the_certificate_of_its_keystore(keystore: dict[str, str]) -> None:
    with listening({"listeners": "https://127.0.0.1:0"} | keystore) as ((bound,), _), asking() as client:
        assert bound.url.startswith("https://127.0.0.1:")
        answer = client.post(bound.url + "/connectors", json={"name": "c", "config": {}})
        assert answer.status_code == 400
        assert client.get(bound.url + "/connectors").json() == []
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(bound.url)
        with pytest.raises(httpx.HTTPError):
            httpx.get(bound.url.replace("https", "http"))


def test_several_listeners_answer_at_once() -> None:
    given = {"listeners": "http://127.0.0.1:0, https://127.0.0.1:0,http://localhost:0"} | https()
    with listening(given) as (bound, _), asking() as client:
        assert [client.get(each.url).status_code for each in bound] == [200, 200, 200]


def test_no_piece_of_an_answer_waits_until_the_client_has_acknowledged_another() -> None:
    (bound,) = server.bind(settings.parse(SETTINGS | {"listeners": "http://127.0.0.1:0"}).config)
    bound.socket.settimeout(60)
    with bound.socket, socket.create_connection(("127.0.0.1", bound.port)), bound.socket.accept()[0] as accepted:
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_certificate_of_the_client_is_asked_for_where_it_is_required() -> None:
    trust = {"ssl_client_auth": "required", "ssl_truststore_location": AUTHORITY, "ssl_truststore_type": "PEM"}
    with listening({"listeners": "https://127.0.0.1:0"} | https(**trust)) as ((bound,), _):
        with asking(showing=True) as client:
            assert client.get(bound.url).status_code == 200
        with asking() as client, pytest.raises(httpx.HTTPError):
            client.get(bound.url)


def test_a_certificate_may_be_left_out_where_it_is_only_requested() -> None:
    trust = {"ssl_client_auth": "requested", "ssl_truststore_location": AUTHORITY}
    with listening({"listeners": "https://127.0.0.1:0"} | https(**trust)) as ((bound,), _):
        for showing in (True, False):
            with asking(showing=showing) as client:
                assert client.get(bound.url).status_code == 200


def test_versions_of_tls_are_limited() -> None:
    with listening({"listeners": "https://127.0.0.1:0"} | https(ssl_protocol="TLSv1.2")) as ((bound,), _):
        context = trusting(AUTHORITY)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        with httpx.Client(verify=context) as client, pytest.raises(httpx.ConnectError):
            client.get(bound.url)
        with asking() as client:
            assert client.get(bound.url).status_code == 200


def test_a_local_tls_listener_answers_to_its_own_names_only() -> None:
    with listening({"listeners": "https://127.0.0.1:0"} | https()) as ((bound,), _), asking() as client:
        assert client.get(bound.url, headers={"Host": "evil.example"}).status_code == 403
        assert client.get(bound.url, headers={"Origin": "https://evil.example"}).status_code == 403
        assert client.get(bound.url, headers={"Origin": bound.url}).status_code == 200


def test_admin_endpoints_are_served_where_admin_listeners_say_and_nowhere_else() -> None:
    given = {"admin.listeners": "http://127.0.0.1:0,https://127.0.0.1:0"} | https("admin.listeners.https.")
    with listening(given) as ((main, admin, secure), herder), asking() as client:
        assert [each.admin for each in (main, admin, secure)] == [False, True, True]
        assert client.get(main.url + "/admin/loggers").status_code == 404
        for each in (admin, secure):
            assert "root" in client.get(each.url + "/admin/loggers").json()
            for path in ("/", "/health", "/connectors", "/openapi.json"):
                assert client.get(each.url + path).status_code == 404
        answer = client.put(secure.url + "/admin/loggers/server.test", json={"level": "DEBUG"})
        assert (answer.status_code, herder.levels) == (200, {"server.test": "DEBUG"})
        assert client.get(admin.url + "/admin/loggers/server.test").json()["level"] == "DEBUG"


def test_empty_admin_listeners_serve_no_admin_endpoints() -> None:
    with listening({"admin.listeners": ""}) as ((main,), _):
        assert httpx.get(main.url + "/admin/loggers").status_code == 404


def test_whoever_begins_handshakes_and_does_not_end_them_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshakes, "MAX_HANDSHAKES", 3)
    monkeypatch.setattr(handshakes, "HEAD_SECONDS", 3600)
    with listening({"listeners": "https://127.0.0.1:0"} | https()) as ((bound,), _), asking() as client:
        idle = [socket.create_connection(("127.0.0.1", bound.port)) for _ in range(5)]
        try:
            assert client.get(bound.url).status_code == 200
            idle[0].settimeout(60)
            assert idle[0].recv(1) == b""  # the oldest has made room
        finally:
            for each in idle:
                each.close()


def test_a_handshake_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshakes, "HEAD_SECONDS", 0.2)
    with (
        listening({"listeners": "https://127.0.0.1:0"} | https()) as ((bound,), _),
        socket.create_connection(("127.0.0.1", bound.port), 30) as idle,  # asyncio's own limit is twice that
    ):
        assert idle.recv(1) == b""


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_that_shows_no_certificate_where_one_is_required_is_told(version: ssl.TLSVersion) -> None:
    given = {"listeners": "https://127.0.0.1:0"} | https(ssl_client_auth="required", ssl_truststore_location=AUTHORITY)
    context = trusting(AUTHORITY)
    context.maximum_version = version
    with (
        listening(given) as ((bound,), _),
        httpx.Client(verify=context) as client,
        pytest.raises(httpx.TransportError, match="ALERT"),
    ):
        client.get(bound.url)


def test_a_server_ends_although_connections_are_open() -> None:
    with listening({"listeners": "https://127.0.0.1:0"} | https()) as ((bound,), _), asking() as client:
        client.get(bound.url)
        port = bound.port
        idle = socket.create_connection(("127.0.0.1", port))
    with idle, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 60)


def test_an_address_in_use_is_named_and_the_others_are_given_back() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as free:
        other = free.getsockname()[1]
        free.close()
        port = taken.getsockname()[1]
        config = settings.parse(SETTINGS | {"listeners": f"http://127.0.0.1:{other},http://127.0.0.1:{port}"}).config
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}"):
            server.bind(config)
        socket.create_server(("127.0.0.1", other)).close()


def advertised(**given: str) -> str:
    config = settings.parse(SETTINGS | {key.replace("_", "."): value for key, value in given.items()} | https()).config
    bound = server.bind(config)
    try:
        return (
            server.advertised(config, bound)
            .url.replace(f":{bound[0].port}/", ":FIRST/")
            .replace(f":{bound[-1].port}/", ":LAST/")
        )
    finally:
        for each in bound:
            each.socket.close()


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"listeners": "http://127.0.0.1:0"}, "http://127.0.0.1:FIRST/"),
        ({"listeners": "https://127.0.0.1:0"}, "https://127.0.0.1:FIRST/"),
        ({"listeners": "https://127.0.0.1:0,http://localhost:0"}, "http://localhost:LAST/"),
        (
            {"listeners": "http://127.0.0.1:0,https://127.0.0.1:0", "rest_advertised_listener": "HTTPS"},
            "https://127.0.0.1:LAST/",
        ),
        (
            {
                "listeners": "http://127.0.0.1:0",
                "rest_advertised_listener": "https",
                "rest_advertised_port": "443",
                "rest_advertised_host_name": "connect.example",
            },
            "https://connect.example:443/",
        ),
    ],
)
def test_the_address_that_others_are_told_is_that_of_the_advertised_listener(given: dict[str, str], url: str) -> None:
    assert advertised(**given) == url


def test_a_worker_on_every_interface_is_known_by_the_address_of_its_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = [(socket.AF_INET6, 1, 6, "", ("2001:db8::7", 0, 0, 0)), (socket.AF_INET, 1, 6, "", ("192.0.2.7", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *name, **more: mine)
    assert advertised(listeners="http://:0") == "http://192.0.2.7:FIRST/"
    del mine[1]
    assert advertised(listeners="http://:0") == "http://[2001:db8::7]:FIRST/"


@pytest.mark.parametrize(("host", "reached"), [("", ("127.0.0.1", "::1")), ("[::1]", ("::1",)), ("six", ("::1",))])
def test_a_listener_hears_all_addresses_that_it_names(
    host: str, reached: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda name, *rest, **m: resolve({"six": "::1"}.get(name, name), *rest, **m)
    )
    (bound,) = server.bind(settings.parse(SETTINGS | {"listeners": f"http://{host}:0"}).config)
    with bound.socket:
        for address in reached:
            socket.create_connection((address, bound.port), 10).close()


def test_without_ipv6_a_listener_of_all_addresses_hears_those_of_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    made = socket.socket

    def four(family: int = socket.AF_INET, *rest: Any, **more: Any) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(97, "Address family not supported by protocol")
        return made(family, *rest, **more)

    monkeypatch.setattr(socket, "socket", four)
    (bound,) = server.bind(settings.parse(SETTINGS | {"listeners": "http://:0"}).config)
    monkeypatch.undo()
    with bound.socket:
        socket.create_connection(("127.0.0.1", bound.port), 10).close()
