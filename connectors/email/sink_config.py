"""The e-mail sink's config: what its keys say together, as templates, addresses and a server."""

import re
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from ferryman.connectors.email import sent_events as events
from ferryman.connectors.email.mail.addresses import one_address
from ferryman.connectors.email.mail.attachments import BINARY, AttachmentField, media_type
from ferryman.connectors.email.mail.templates import Pattern, entries, pattern
from ferryman.connectors.email.sink_keys import EmailKeys
from ferryman.connectors.email.smtp.connection import MailServer
from ferryman.conversion import Converter
from ferryman.errors import ConfigError, DataError, KeyProblem
from ferryman.tls.trusting import trusting

_DOMAIN_AT_END = re.compile(r"@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)\s*+>?\s*+\Z")


class EmailSinkConfig(EmailKeys):
    """The keys of the e-mail sink."""

    @classmethod
    def read(cls, raw: Mapping[str, str | None]) -> tuple[Self | None, list[KeyProblem]]:
        """As every config; the settings of the events' converter and producer are checked as well."""
        config, problems = super().read(raw)
        if config is not None and config.event_topic and config.event_bootstrap_servers:
            for check in (config.event_converter, config.event_producer):
                try:
                    check({key: value for key, value in raw.items() if value is not None})
                except ConfigError as error:
                    problems += error.problems
        return config, problems

    @classmethod
    def warnings(cls, raw: Mapping[str, str]) -> Iterable[str]:
        """As every connector's; and settings that the events' converter and producer do not have."""
        yield from super().warnings(raw)
        yield from events.producer_warnings(raw, str(cls.model_fields["event_value_converter"].default))

    def event_converter(self, raw: Mapping[str, str]) -> Converter[Any]:
        """Makes events into bytes."""
        return events.converter(raw, self.event_value_converter)

    def event_producer(self, raw: Mapping[str, str], task: int = 0) -> dict[str, Any]:
        """The settings of the events' producer."""
        return events.producer_config(",".join(self.event_bootstrap_servers), self.name, task, raw)

    def problems(self) -> Iterable[KeyProblem]:
        """Invalid templates, impossible addresses, missing files."""
        yield from super().problems()
        yield from _tried("mail.text.file" if self.mail_text_file else "mail.text", lambda: self.text)
        yield from _tried("mail.html.file" if self.mail_html_file else "mail.html", lambda: self.html)
        for each in ("mail.from", "mail.reply.to", "mail.envelope.from", "mail.subject"):
            yield from _tried(each, lambda name=each: self._pattern(name))  # type: ignore[misc]
        for each in ("mail.to", "mail.cc", "mail.bcc"):
            yield from _tried(each, lambda name=each: self.recipients(name))  # type: ignore[misc]
        yield from _tried("attachment.names", lambda: self.attachments)
        yield from _tried("smtp.ssl.ca.location", lambda: self.tls)
        yield from self._fixed_addresses()
        yield from self._missing()

    def _fixed_addresses(self) -> Iterator[KeyProblem]:
        fixed = {"mail.from": [self.mail_from], "mail.to": entries(self.mail_to), "mail.cc": entries(self.mail_cc)}
        fixed |= {"mail.bcc": entries(self.mail_bcc), "mail.reply.to": [self.mail_reply_to]}
        fixed |= {"mail.envelope.from": [self.mail_envelope_from]}
        for name, texts in fixed.items():
            for text in texts:
                if text and "{" not in text:
                    yield from _tried(name, lambda name=name, text=text: one_address(name, text))  # type: ignore[misc]

    def _missing(self) -> Iterator[KeyProblem]:
        if not entries(self.mail_to):
            yield KeyProblem("mail.to", "mail.to: there is no recipient")
        if not self.message_id_domain and "{" in self.mail_from:
            text = "mail.message.id.domain must be set, since mail.from does not show the domain of its address"
            yield KeyProblem("mail.message.id.domain", text)
        if self.mail_text is None and self.mail_html is None and not (self.mail_text_file or self.mail_html_file):
            yield KeyProblem("mail.text", "One of mail.text, mail.html, mail.text.file and mail.html.file must be set")
        if bool(self.smtp_username) != (self.smtp_password is not None):
            yield KeyProblem("smtp.password", "smtp.username and smtp.password belong together, but only one is set")
        if self.event_topic and not self.event_bootstrap_servers:
            text = "event.bootstrap.servers must be set if event.topic is"
            yield KeyProblem("event.bootstrap.servers", text)

    @property
    def written_topics(self) -> tuple[str, ...]:
        """The dead letter queue, and the topic of the events."""
        return (*super().written_topics, *filter(None, (self.event_topic,)))

    def _pattern(self, name: str) -> Pattern | None:
        """The template of a key with one; None if it is empty."""
        text = {
            "mail.from": self.mail_from,
            "mail.reply.to": self.mail_reply_to,
            "mail.envelope.from": self.mail_envelope_from,
            "mail.subject": self.mail_subject,
        }[name]
        return pattern(name, text) if text else None

    @property
    def sender(self) -> Pattern:
        """mail.from."""
        return pattern("mail.from", self.mail_from)

    @property
    def fixed_sender(self) -> str | None:
        """The sender's address that servers are given, if it is the same for all messages."""
        key = "mail.envelope.from" if self.mail_envelope_from else "mail.from"
        given = self.mail_envelope_from or self.mail_from
        return None if "{" in given else one_address(key, given).spec

    @property
    def fixed_recipients(self) -> list[str]:
        """The addresses that every message goes to."""
        given = {name: entries(text) for name, text in self._recipients.items()}
        return [one_address(name, each).spec for name, texts in given.items() for each in texts if "{" not in each]

    @property
    def subject(self) -> Pattern:
        """mail.subject."""
        return pattern("mail.subject", self.mail_subject)

    @property
    def reply_to(self) -> Pattern | None:
        """mail.reply.to."""
        return self._pattern("mail.reply.to")

    @property
    def envelope_from(self) -> Pattern | None:
        """mail.envelope.from."""
        return self._pattern("mail.envelope.from")

    def recipients(self, name: str) -> list[Pattern]:
        """The templates of mail.to, mail.cc or mail.bcc."""
        return [pattern(name, entry) for entry in entries(self._recipients[name])]

    @property
    def _recipients(self) -> Mapping[str, str]:
        return {"mail.to": self.mail_to, "mail.cc": self.mail_cc, "mail.bcc": self.mail_bcc}

    @property
    def text(self) -> Pattern | None:
        """The plain body."""
        return _body("mail.text", self.mail_text, self.mail_text_file, html=False)

    @property
    def html(self) -> Pattern | None:
        """The HTML body."""
        return _body("mail.html", self.mail_html, self.mail_html_file, html=True)

    @property
    def attachments(self) -> list[AttachmentField]:
        """The fields to attach. Raises ValueError if their names or types are not as many as they are."""
        names, types = entries(self.attachment_names), entries(self.attachment_types)
        fields = self.attachment_fields
        if len(names) != len(fields) or len(types) not in (0, len(fields)):
            raise ValueError(
                f"there are {len(fields)} attachment.fields, {len(names)} attachment.names and {len(types)} "
                "attachment.types; there must be one name for each field, and one type for each or none at all"
            )
        for each in types:
            if "{" not in each:
                media_type(each)
        return [
            AttachmentField(field, pattern("attachment.names", name), pattern("attachment.types", kind))
            for field, name, kind in zip(fields, names, types or [BINARY] * len(fields), strict=True)
        ]

    @property
    def message_id_domain(self) -> str:
        """The domain of Message-IDs; empty if none is known."""
        shown = _DOMAIN_AT_END.search(self.mail_from)
        return self.mail_message_id_domain or (shown[1] if shown else "")

    @property
    def tls(self) -> ssl.SSLContext | None:
        """How encryption is done; None without. Raises ValueError for authorities that cannot be read."""
        if self.smtp_security == "none":
            return None
        where = Path(self.smtp_ssl_ca_location)
        try:
            context = trusting(self.smtp_ssl_ca_location or None)
        except OSError as error:
            raise ValueError(f"{where}: {error.strerror or error}") from None
        if not self.smtp_ssl_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    @property
    def server(self) -> MailServer:
        """Where messages go."""
        return MailServer(
            host=self.smtp_host,
            port=self.smtp_port,
            security=self.smtp_security,
            context=self.tls,
            username=self.smtp_username or None,
            password=self.smtp_password.get_secret_value() if self.smtp_password else None,
            greeting_name=self.smtp_helo_name or None,
            connect_timeout=self.smtp_connect_timeout_ms / 1000,
            timeout=self.smtp_timeout_ms / 1000,
            delivery_timeout=self.smtp_delivery_timeout_ms / 1000,
        )


def _body(name: str, text: str | None, file: str, html: bool) -> Pattern | None:
    if text is not None and file:
        raise ValueError(f"{name} and {name}.file are both set")
    if not file:
        return None if text is None else pattern(name, text, html)
    try:
        return pattern(f"{name}.file", Path(file).read_text(encoding="utf-8"), html)
    except OSError as error:  # its text has the name too, in another form, in which no secret in it would be hidden
        raise ValueError(f"the file {file} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"the file {file} cannot be read: {error}") from None


def _tried(name: str, make: Callable[[], object]) -> Iterator[KeyProblem]:
    try:
        make()
    except (ValueError, DataError) as error:
        yield KeyProblem(name, f"Invalid value for configuration {name}: {str(error).removeprefix(f'{name}: ')}")
