"""No protected value is ever written."""

import io
import logging
import random
from collections.abc import Iterator

import pytest

from ferryman.telemetry import free_text, redaction

CANARY = 'c4nary"/é word'


@pytest.fixture
def log() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    stream = io.StringIO()
    logger = logging.Logger("canary")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger.addHandler(handler)
    redaction.install(logger)
    yield logger, stream
    handler.close()


def test_a_secret_is_hidden_in_messages_arguments_and_tracebacks(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = log
    redaction.protect(CANARY)
    logger.info("plain %s and %r and %s", CANARY, [CANARY], {"k": CANARY})
    try:
        raise ValueError(f"cannot log in with {CANARY}")
    except ValueError:
        logger.exception("failed with %s", CANARY)
    assert "c4nary" not in stream.getvalue()
    assert stream.getvalue().startswith("INFO plain [hidden]")
    assert "Traceback" in stream.getvalue()


@pytest.mark.parametrize(
    ("key", "value", "secret"),
    [
        ("connection.password", "canary-01", "canary-01"),
        (
            "producer.override.sasl.jaas.config",
            'x.PlainLoginModule required username="u" password="canary-02";',
            "canary-02",
        ),
        ("value.converter.basic.auth.user.info", "user:canary-03", "user:canary-03"),
        ("gateway.api.key", "canary-04", "canary-04"),
        ("aws.secret.access.key", "canary-05", "canary-05"),
        ("connection.url", "postgresql://u:canary-06@h/db", "canary-06"),
        ("connection.url", "postgresql://u:canary%2D07@h/db", "canary-07"),
        ("connection.url", "jdbc:postgresql://h/db?user=u&password=canary-08", "canary-08"),
        ("connection.url", "jdbc:sqlserver://h;user=u;password=canary-09;x=y", "canary-09"),
        ("ssl.keystore.key", "canary-10", "canary-10"),
        ("consumer.override.ssl.key.pem", "canary-13", "canary-13"),
        ("connection.url", "jdbc:postgresql://h/db?sslpassword=canary-14", "canary-14"),
        ("connection.url", "jdbc:postgresql://h/db?user=u&password=canary 15;x", "canary 15;x"),
        ("connection.url", "postgresql://u:canary/16@h/db", "canary/16"),
        ("connection.url", "postgresql://u:canary 17@h/db", "canary 17"),
        ("schema.registry.url", "http://a,http://u:canary-18@b/x,http://c", "canary-18"),
        ("schema.registry.url", "http://u:canary,19@b", "canary,19"),
        ("my.pw", "canary-20", "canary-20"),
        ("ssl.key.pem", "-----BEGIN PRIVATE KEY-----\ncanary-21-MIIEvQIBADAN\n-----END", "canary-21-MIIEvQIBADAN"),
        ("bearer.token", "canary-11", "canary-11"),
    ],
)
def test_secrets_are_found_in_configs_by_key_and_in_urls(key: str, value: str, secret: str) -> None:
    redaction.protect_config({key: value})
    assert secret not in redaction.redact(f"error: ({secret})")


def test_declared_keys_are_protected_under_any_prefix() -> None:
    redaction.protect_config({"transforms.a.pin": "canary-12"}, {"pin"})
    assert redaction.redact("canary-12") == "[hidden]"


def test_passwords_in_urls_are_hidden_even_if_nobody_registered_them() -> None:
    assert redaction.redact("at postgresql://u:p@ss@h:5432/db") == "at postgresql://u:[hidden]@h:5432/db"


def test_lines_of_a_secret_that_are_blank_hide_nothing() -> None:
    redaction.protect("osprey-30\n" + " " * 40 + "\n" + " " * 40 + "x\nmore of osprey-30")
    assert redaction.redact("hello x, of osprey-30") == "hello x, of osprey-30"
    assert redaction.redact("more of osprey-30") == redaction.HIDDEN


def test_thousands_of_values_are_hidden_as_a_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(60):
        chance = random.Random(seed)
        text = "".join(chance.choices("ab$", k=chance.randrange(200)))
        values = free_text.Values(
            {
                "".join(chance.choices("ab$", k=chance.randrange(1, 20))): f"<{number}>"
                for number in range(chance.randrange(12))
            }
        )

        def left(text: str, start: int, value: str, seed: int = seed) -> bool:
            return (start + len(value)) % 5 == seed % 5

        with monkeypatch.context() as patches:
            patches.setattr(free_text, "_MANY", 1 << 20)
            few = free_text.without_values(text, values, left)
        with monkeypatch.context() as patches:
            patches.setattr(free_text, "_MANY", -1)
            assert free_text.without_values(text, values, left) == few, f"seed {seed}"


def test_ordinary_text_is_left_alone() -> None:
    before = "GET http://127.0.0.1:8083/connectors of user@host took 10 ms, true"
    redaction.protect_config(
        {
            "password": "abc",
            "errors.log.enable.secret": "true",
            "sasl.oauthbearer.token.endpoint.url": "GET",
            "private.key.file": "/connectors",
            "db.password": "${file:/x:password}",
        }
    )
    assert redaction.redact(before) == before


def test_another_text_may_stand_in_place_of_a_value() -> None:
    redaction.protect("canary-22", "${file:/x:pw}")
    assert redaction.redact("no entry for canary-22") == "no entry for ${file:/x:pw}"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("at x://u:pa/ss@h:1/db", "at x://u:[hidden]@h:1/db"),
        ("see http://h:8083/by/a@b.c", "see http://h:8083/by/a@b.c"),
        ("at x://u:${file:/a:pw}@h", "at x://u:${file:/a:pw}@h"),
        ("a://u:one@h,b://u:two@h", "a://u:[hidden]@h,b://u:[hidden]@h"),
        ("jdbc:x://h/db?sslpassword=one&trustPwd=two&a=b", "jdbc:x://h/db?sslpassword=[hidden]&trustPwd=[hidden]&a=b"),
    ],
)
def test_passwords_are_found_wherever_urls_have_them(text: str, clean: str) -> None:
    assert redaction.redact(text) == clean


def test_values_that_overlap_are_hidden_as_one() -> None:
    redaction.protect("canary-20-ab")
    redaction.protect("20-abcdef")
    redaction.protect("canary-20")
    assert redaction.redact("(canary-20-abcdef) canary-20") == "([hidden]) [hidden]"
