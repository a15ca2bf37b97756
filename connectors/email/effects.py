"""What messages the e-mail sink would send, composed as it composes them; no server is asked."""

from collections.abc import Iterator, Mapping, Sequence
from email import message_from_bytes
from email.policy import default
from typing import Any

from ferryman.connectors.email.composer import Composer
from ferryman.connectors.email.mail.message import Mail
from ferryman.connectors.email.sink_config import EmailSinkConfig
from ferryman.connectors.email.smtp.connection import Envelope
from ferryman.effects import Effect
from ferryman.errors import DataError
from ferryman.record import Batch, Record, in_order

_OURS = ("MIME-Version", "Content-Type", "Content-Transfer-Encoding")


def effects(config: EmailSinkConfig, batches: Sequence[Batch]) -> Iterator[Effect]:
    """A message for each record, or why there is none."""
    server = config.server
    security = "without TLS" if config.smtp_security == "none" else f"smtp.security={config.smtp_security}"
    yield Effect("note", str(server), f"is the mail server, {security}; it is not asked")
    composer = Composer(config)
    for batch in in_order(batches):
        for record in batch.records():
            yield _effect(config, composer, record)
    if config.event_topic:
        yield Effect("record", config.event_topic, "one for each message, when it was sent or refused")


def _effect(config: EmailSinkConfig, composer: Composer, record: Record) -> Effect:
    at = record.origin
    assert at is not None
    if record.value is None and config.behavior_on_null_values == "ignore":
        return Effect("passed over", str(at), "the value is null, and behavior.on.null.values=ignore")
    # What stands before the point is made of the ids of cluster and topic, which are not known here.
    id = f"<….{at.partition}.{at.offset}@{config.message_id_domain}>"
    try:
        mail, sender = composer.compose(record, id)
        envelope = composer.envelope(mail, sender, in_doubt=False)
    except DataError as error:
        return Effect("refused", str(at), str(error))
    details = {"record": str(at), **_details(mail, envelope)}
    return Effect("mail", ", ".join(envelope.recipients), _text(details), details)


def _details(mail: Mail, envelope: Envelope) -> Mapping[str, Any]:
    """The message as a reader's program shows it: from the bytes that would be sent."""
    message = message_from_bytes(envelope.content, policy=default)
    headers = {name: str(value) for name, value in message.items() if name not in _OURS} | {"Message-ID": mail.id}
    bodies = {"text": message.get_body(("plain",)), "html": message.get_body(("html",))}
    return {
        "envelope_from": envelope.sender,
        "recipients": list(envelope.recipients),
        "headers": headers,
        **{kind: body.get_content() for kind, body in bodies.items() if body is not None},
        "attachments": [
            {"name": each.name, "type": each.type, "bytes": len(each.content)} for each in mail.attachments
        ],
        "bytes": len(envelope.content),
    }


def _text(details: Mapping[str, Any]) -> str:
    lines = [f"{name}: {value}" for name, value in details["headers"].items()]
    for kind in ("text", "html"):
        if kind in details:
            lines += ["", f"({kind})", details[kind].rstrip("\n")]
    lines += [f"({each['name']}: {each['type']}, {each['bytes']:,} bytes)" for each in details["attachments"]]
    return "\n".join(lines)
