"""Avro's own library in this process, and the converter from Avro's data to Connect's that is published beside it."""

from collections.abc import Mapping
from typing import Any

import jpype

from tests.differential import jvm
from tests.differential.jvm import java

PEER = "io.apicurio.registry.utils.converter.avro"
"""Apicurio's copy of Confluent's AvroData, which is not in a public registry."""


def parsed(text: str) -> Any:
    """A schema. Raises the Java exception; defaults that do not fit are for the converter to judge."""
    parser = java("org.apache.avro.Schema$Parser")()
    parser.setValidateDefaults(False)
    return parser.parse(text)


def decoded(schema: Any, body: bytes, reader: Any = None) -> Any:
    """The generic value of some bytes, perhaps as another schema reads it; raises the Java exception.

    What is left over raises ValueError: Avro's reader leaves it to its caller.
    """
    source = java("org.apache.avro.io.DecoderFactory").get().binaryDecoder(jpype.JArray(jpype.JByte)(body), None)
    found = java("org.apache.avro.generic.GenericDatumReader")(schema, reader or schema).read(None, source)
    if not source.isEnd():
        raise ValueError("bytes are left over")
    return found


def encoded(schema: Any, value: Any) -> bytes:
    """The bytes of a generic value; raises the Java exception."""
    stream = java("java.io.ByteArrayOutputStream")()
    encoder = java("org.apache.avro.io.EncoderFactory").get().directBinaryEncoder(stream, None)
    java("org.apache.avro.generic.GenericDatumWriter")(schema).write(value, encoder)
    return bytes(stream.toByteArray())


class Peer:
    """A converter of Java's between Avro's data and Connect's."""

    def __init__(self, config: Mapping[str, str]) -> None:
        builder = java(f"{PEER}.AvroDataConfig$Builder")()
        for name, text in config.items():
            builder = builder.with_(name, text)
        self.data = java(f"{PEER}.AvroData")(builder.build())

    def to_connect(self, schema: Any, value: Any) -> Any:
        """The SchemaAndValue of a generic value, or null."""
        return self.data.toConnectData(schema, value)

    def schema(self, connect: Any) -> Any:
        """The Avro schema of a Connect schema of Java's."""
        return self.data.fromConnectSchema(connect)

    def body(self, connect: Any, value: Any) -> bytes:
        """The bytes of Connect data of Java's."""
        found = self.data.fromConnectData(connect, value)
        if str(found.getClass().getSimpleName()) == "NonRecordContainer":
            found = found.getValue()
        return encoded(self.schema(connect), found)


def plain(found: Any) -> Any:
    """A SchemaAndValue in plain form."""
    return jvm.untyped(found)
