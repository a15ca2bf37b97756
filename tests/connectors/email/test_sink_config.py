"""Configs of the e-mail sink: what is refused before anything starts, and in which words."""

from pathlib import Path

import pytest

from ferryman.connectors.email.sink import EmailSinkConnector
from ferryman.plugins import catalog
from ferryman.settings.settings import Settings, parse
from ferryman.validation import connector_config
from tests.connectors.email.email_task import TEMPLATES

BASIC = {"name": "receipts", "connector.class": "EmailSink", "topics": "pledges", "smtp.host": "mail", **TEMPLATES}
EVENTS = {"event.topic": "sent", "event.bootstrap.servers": "localhost:9092"}


def problems(**config: str) -> dict[str, str]:
    """What is wrong, by key."""
    given = {name.replace("_", "."): value for name, value in config.items()}
    return {each.key: each.message for each in EmailSinkConnector.config_class.read({**BASIC, **given})[1]}


@pytest.mark.parametrize("name", ["EmailSinkConnector", "EmailSink"])
def test_it_is_found_by_its_names(name: str) -> None:
    assert catalog.connector(name) is EmailSinkConnector


def test_the_least_config_is_enough() -> None:
    assert problems() == {}


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("mail.text", "{{ value", "line 1: unexpected end of template"),
        ("mail.html", "a\n{% if %}", "line 2: "),
        ("mail.subject", "{% for x in y %}", "line 1: "),
        ("mail.from", "a@b.c, d@e.f", "is not exactly one e-mail address"),
        ("mail.from", "A Name", "is not exactly one e-mail address"),
        ("mail.to", "{{ value.to }}, nobody", "'nobody' is not exactly one e-mail address"),
        ("mail.to", "{{ value.to", "unexpected end of template"),
        ("mail.to", " , ", "there is no recipient"),
        ("mail.cc", "{{ a | nofilter }}", "No filter named 'nofilter'"),
        ("max.in.flight", "0", "Value must be at least 1"),
        ("max.in.flight", "251", "Value must be no more than 250"),
        ("messages.per.second", "-1", "Value must be at least 0"),
        ("messages.per.second", "inf", "Value must be at least 0"),
        ("smtp.security", "ssl", "String must be one of: none, starttls, tls"),
        ("smtp.helo.name", "two words", "Not the name of a host"),
        ("smtp.port", "0", "Value must be at least 1"),
        ("behavior.on.in.doubt", "hope", "String must be one of: resend, skip"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_by_name(key: str, value: str, why: str) -> None:
    found = problems(**{key: value})
    assert list(found) == [key]
    assert why in found[key]


def test_what_belongs_together_is_missed() -> None:
    assert list(problems(smtp_username="ada")) == ["smtp.password"]
    assert list(problems(smtp_password="a-secret")) == ["smtp.password"]
    assert list(problems(event_topic="sent")) == ["event.bootstrap.servers"]
    assert "mail.message.id.domain must be set" in problems(mail_from="{{ value.sender }}")["mail.message.id.domain"]
    assert problems(mail_from="{{ value.sender }}", mail_message_id_domain="example.org") == {}
    assert problems(mail_from="{{ value.project }} <crowd@example.org>") == {}


def test_a_body_is_needed_and_is_given_once(tmp_path: Path) -> None:
    without = {name: value for name, value in BASIC.items() if name != "mail.text"}
    (found,) = EmailSinkConnector.config_class.read(without)[1]
    assert found.message == "One of mail.text, mail.html, mail.text.file and mail.html.file must be set"
    file = tmp_path / "body.txt"
    file.write_text("Hello {{ value.name }}")
    assert EmailSinkConnector.config_class.read({**without, "mail.text.file": str(file)})[1] == []
    assert "both set" in problems(mail_text_file=str(file))["mail.text.file"]
    file.write_text("Hello {{ value.name")
    (broken,) = EmailSinkConnector.config_class.read({**without, "mail.text.file": str(file)})[1]
    assert "line 1: " in broken.message
    assert "No such file" in problems(mail_html_file=str(tmp_path / "nowhere"))["mail.html.file"]


def test_attachments_need_a_name_each() -> None:
    assert "there are 2 attachment.fields, 1 attachment.names" in str(
        problems(attachment_fields="a,b", attachment_names="a.pdf")
    )
    assert "is not the type of a file" in str(
        problems(attachment_fields="a", attachment_names="a", attachment_types="pdf")
    )
    assert problems(attachment_fields="a", attachment_names="{{ value.x }}", attachment_types="{{ value.y }}") == {}


def test_authorities_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    assert "No such file" in problems(smtp_ssl_ca_location=str(tmp_path / "no.pem"))["smtp.ssl.ca.location"]
    (tmp_path / "bad.pem").write_text("not a certificate")
    assert "bad.pem" in problems(smtp_ssl_ca_location=str(tmp_path / "bad.pem"))["smtp.ssl.ca.location"]


def test_settings_of_the_events_are_checked_under_their_own_names() -> None:
    given = {name.replace(".", "_"): value for name, value in EVENTS.items()}
    assert problems(**given) == {}
    assert list(problems(**given, event_value_converter="Nope")) == ["event.value.converter"]
    avro = {**given, "event_value_converter": "io.confluent.connect.avro.AvroConverter"}
    assert list(problems(**avro)) == ["event.value.converter.schema.registry.url"]
    refused = problems(**given, event_producer_linger_ms="soon")
    assert list(refused) == ["event.producer.linger.ms"]


def test_no_password_is_ever_shown() -> None:
    raw = {**BASIC, "smtp.username": "ada", "smtp.password": "a-secret-word"}
    config = EmailSinkConnector.config_class.parse(raw)
    assert "a-secret-word" not in repr(config)
    assert "a-secret-word" not in repr(config.server)
    assert "smtp.password" in EmailSinkConnector.config_class.secrets()


@pytest.fixture
def worker() -> Settings:
    """A worker with converters."""
    string = "org.apache.kafka.connect.storage.StringConverter"
    return parse({"bootstrap.servers": "localhost:9092", "key.converter": string, "value.converter": string})


def test_a_misspelt_key_is_warned_about_and_settings_of_events_are_not(worker: Settings) -> None:
    events = {"event.producer.linger.ms": "5", "event.value.converter.schemas.enable": "false"}
    assert connector_config.check({**BASIC, **EVENTS, **events}, worker).warnings == ()
    (warning,) = connector_config.check({**BASIC, "mail.subjekt": "x"}, worker).warnings
    assert "mail.subjekt" in warning
