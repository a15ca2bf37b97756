"""Files to attach, out of a record's fields."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ferryman.connectors.email.mail.addresses import one_line
from ferryman.connectors.email.mail.sandbox import kind_of
from ferryman.connectors.email.mail.templates import Pattern
from ferryman.errors import DataError

BINARY = "application/octet-stream"
LONGEST_NAME = 240
"""Bytes of a file's name: it must fit into a line of a header in its longest form."""
_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}")
_CONTAINERS = ("multipart/", "message/")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file."""

    name: str
    """As it is shown, without a path."""
    type: str
    """Its media type."""
    content: bytes
    """Its bytes."""


@dataclass(frozen=True, slots=True)
class AttachmentField:
    """A field of the value that holds a file, several, or none (null).

    The file is bytes, text in base64, or a struct of ``content`` and perhaps ``name`` and ``type``; several are a list.
    """

    path: str
    """The field, nested ones with dots."""
    name: Pattern
    """The file's name, unless the struct says it."""
    type: Pattern
    """Its media type, unless the struct says it."""

    def attachments(self, facts: Mapping[str, Any]) -> Iterator[Attachment]:
        """The files of a record. Raises DataError that names the field."""
        found = self._value(facts["value"])
        for file in found if isinstance(found, list) else [found]:
            if file is not None:
                yield self._attachment(file, facts)

    def _value(self, value: Any) -> Any:
        for step in self.path.split("."):
            if value is None:
                return None
            if not isinstance(value, Mapping) or step not in value:
                what = (
                    "" if isinstance(value, Mapping) else f", since the value that should hold it is {kind_of(value)}"
                )
                raise DataError(f"attachment.fields: there is no field {step!r} ({self.path}){what}")
            value = value[step]
        return value

    def _attachment(self, file: Any, facts: Mapping[str, Any]) -> Attachment:
        own: Mapping[str, Any] = file if isinstance(file, Mapping) else {}
        name, kind = own.get("name") or self.name.render(facts), own.get("type") or self.type.render(facts)
        return Attachment(
            _file_name(str(name)),
            media_type(str(kind)),
            self._content(own.get("content") if isinstance(file, Mapping) else file),
        )

    def _content(self, content: Any) -> bytes:
        if isinstance(content, bytes):
            return content
        if isinstance(content, str):
            try:
                return base64.b64decode("".join(content.split()), validate=True)
            except (binascii.Error, ValueError):
                raise DataError(f"attachment.fields: the text in field {self.path} is not base64") from None
        raise DataError(
            f"attachment.fields: field {self.path} holds {kind_of(content)}, not bytes, base64 or a struct with content"
        )


def _file_name(text: str) -> str:
    name = one_line("attachment.names", text, 200)
    if not name or "/" in name or "\\" in name or len(name.encode()) > LONGEST_NAME:
        raise DataError(f"attachment.names: {name!r} is not the name of a file")
    return name


def media_type(text: str) -> str:
    """A media type as ``application/pdf``. Raises DataError for anything else, and for types that contain messages."""
    if not _TYPE.fullmatch(text) or text.lower().startswith(_CONTAINERS):
        raise DataError(f"attachment.types: {text[:80]!r} is not the type of a file, such as application/pdf")
    return text


def total(attachments: Sequence[Attachment]) -> int:
    """Bytes of all of them."""
    return sum(len(each.content) for each in attachments)
