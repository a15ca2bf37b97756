"""The e-mail sink's keys."""

import re
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator

from ferryman.config import Bool, Double, Int, Long, Password, Plugin, Shown, Str, Strings, Text, key
from ferryman.connector import SinkConfig
from ferryman.connectors.email.sent_events import CONVERTER, PRODUCER
from ferryman.files.allowed_folders import FilePath

MOST_IN_FLIGHT = 250
"""Messages in flight at most: so many must fit into the metadata of an offset."""
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")


def _host(value: str) -> str:
    try:
        value.encode("idna")
    except UnicodeError:
        raise ValueError("Not the name or address of a host") from None
    if re.search(r"\s", value):
        raise ValueError("Not the name or address of a host")
    return value


def _port(value: int | None) -> int | None:
    if value is not None and value > 65_535:
        raise ValueError("Value must be no more than 65535")
    return value


def _at_most(value: int) -> int:
    if value > MOST_IN_FLIGHT:
        raise ValueError(f"Value must be no more than {MOST_IN_FLIGHT}")
    return value


def _rate(value: float) -> float:
    if not 0 <= value < float("inf"):
        raise ValueError("Value must be at least 0")
    return value


def _domain(value: str) -> str:
    if value and not _DOMAIN.fullmatch(value):
        raise ValueError("Not the name of a host or a domain")
    return value


Domain = Annotated[Str, AfterValidator(_domain)]


class EmailKeys(SinkConfig):
    """The keys, each by itself."""

    ignored: ClassVar[tuple[str, ...]] = (*SinkConfig.ignored, f"{CONVERTER}.", PRODUCER)

    smtp_host: Annotated[Str, AfterValidator(_host)] = key(importance="HIGH", shown=Shown("Mail server"))
    """The mail server's name or address."""
    smtp_port: Annotated[Int | None, AfterValidator(_port)] = key(
        None, at_least=1, importance="HIGH", shown=Shown("Mail server")
    )
    """Its port; by default the usual one: 587 with starttls, 465 with tls, 25 with none."""
    smtp_security: Literal["none", "starttls", "tls"] = key("starttls", importance="HIGH", shown=Shown("Mail server"))
    """How the connection is encrypted: starttls (after the greeting, and never without), tls (from the first byte), or
    not at all."""
    smtp_ssl_ca_location: Str = key("", shown=Shown("Mail server"))
    """A file in PEM format, or a directory, with the authorities to trust; empty for the system's."""
    smtp_ssl_verify: Bool = key(True, shown=Shown("Mail server"))
    """Whether the server's certificate must be valid and bear smtp.host's name. false accepts anybody's."""
    smtp_username: Str = key("", shown=Shown("Mail server"))
    """The user to log in as; empty for no login."""
    smtp_password: Password | None = key(None, shown=Shown("Mail server"))
    """The user's password."""
    smtp_helo_name: Domain = key("", importance="LOW", shown=Shown("Mail server"))
    """The name by which Ferryman introduces itself; empty for the machine's."""
    smtp_connect_timeout_ms: Int = key(30_000, at_least=1, importance="LOW", shown=Shown("Mail server"))
    """How long a connection with encryption and login may take, in milliseconds, for each step."""
    smtp_timeout_ms: Int = key(60_000, at_least=1, importance="LOW", shown=Shown("Mail server"))
    """How long an answer to a command may take, in milliseconds."""
    smtp_delivery_timeout_ms: Int = key(600_000, at_least=1, importance="LOW", shown=Shown("Mail server"))
    """How long the server's word on a whole message may take, in milliseconds; after it the message is in doubt. RFC
    5321 asks for ten minutes."""

    mail_from: Str = key(importance="HIGH", shown=Shown("Message"))
    """The sender, a template: exactly one address, as a@b.example or Name <a@b.example>."""
    mail_to: Text = key(importance="HIGH", shown=Shown("Message"))
    """The recipients: templates with commas between them. Each is exactly one address, none if it is blank, or a list
    of the record's with the filter addresses."""
    mail_cc: Text = key("", shown=Shown("Message"))
    """Recipients of copies, as mail.to."""
    mail_bcc: Text = key("", shown=Shown("Message"))
    """Recipients of copies that no header names, as mail.to."""
    mail_reply_to: Str = key("", shown=Shown("Message"))
    """Where answers go, a template: one address, or none if it is blank."""
    mail_envelope_from: Str = key("", importance="LOW", shown=Shown("Message"))
    """Where the servers on the way report failures, a template; empty for the sender."""
    mail_subject: Str = key(importance="HIGH", shown=Shown("Message"))
    """The subject, a template: one line of at most 1000 characters."""
    mail_text: Text | None = key(None, importance="HIGH", shown=Shown("Message"))
    """The body as plain text, a template."""
    mail_text_file: FilePath = key("", shown=Shown("Message"))
    """A file with the template of the plain text, instead of mail.text; read when the task starts."""
    mail_html: Text | None = key(None, importance="HIGH", shown=Shown("Message"))
    """The body as HTML, a template in which data are escaped."""
    mail_html_file: FilePath = key("", shown=Shown("Message"))
    """A file with the template of the HTML, instead of mail.html; read when the task starts."""
    attachment_fields: Strings = key([], shown=Shown("Message"))
    """Fields of the value (nested ones with dots) that hold a file each: bytes, text in base64, a struct of content and
    perhaps name and type, a list of such, or null for none."""
    attachment_names: Text = key("", shown=Shown("Message"))
    """The files' names, templates with commas between them, one for each of attachment.fields."""
    attachment_types: Text = key("", shown=Shown("Message"))
    """The files' media types, as attachment.names; by default application/octet-stream."""
    mail_max_bytes: Long = key(25_000_000, at_least=1, shown=Shown("Message"))
    """The largest message; a larger one is a data error."""
    mail_message_id_domain: Domain = key("", importance="LOW", shown=Shown("Message"))
    """The domain in every Message-ID; empty for the sender's, if the template shows it."""

    max_in_flight: Annotated[Int, AfterValidator(_at_most)] = key(
        10, at_least=1, importance="HIGH", shown=Shown("Delivery")
    )
    """How many messages of a task may be on their way at once, each over a connection of its own; at most 250. A crash
    leaves that many in doubt."""
    messages_per_second: Annotated[Double, AfterValidator(_rate)] = key(0.0, shown=Shown("Delivery"))
    """The most messages a second of a task; 0 for no limit."""
    behavior_on_in_doubt: Literal["resend", "skip"] = key("resend", importance="HIGH", shown=Shown("Delivery"))
    """What happens to a message that may or may not have been sent: resend (it may arrive twice, with the same
    Message-ID) or skip (it may never arrive). Each is listed in the log."""
    in_doubt_max_retries: Int = key(3, at_least=0, shown=Shown("Delivery"))
    """With resend: how often a message is sent again that the server took whole without an answer; then it is a data
    error. A crash of Ferryman's own does not count."""
    mail_retry_timeout_ms: Long = key(14_400_000, at_least=0, shown=Shown("Delivery"))
    """How long a message is tried again that the server refuses for the time being (a mailbox that is full, a
    greylist), in milliseconds; then it is a data error. The others go on meanwhile."""
    behavior_on_null_values: Literal["fail", "ignore"] = key("fail", shown=Shown("Delivery"))
    """What a record without a value is: fail (a data error) or ignore (nothing is sent)."""

    event_topic: Str = key("", shown=Shown("Events"))
    """A topic that gets an EmailSent event for each message; empty for none."""
    event_bootstrap_servers: Strings = key([], shown=Shown("Events"))
    """The Kafka cluster of that topic. event.producer.* are further settings of its producer."""
    event_value_converter: Plugin = key("org.apache.kafka.connect.json.JsonConverter", shown=Shown("Events"))
    """How events become bytes; event.value.converter.* are its settings."""
