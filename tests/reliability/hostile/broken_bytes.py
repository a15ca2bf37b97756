"""Decodes broken messages in a process of its own: ``broken_bytes SEED COUNT``; prints how many it got through.

Each is a good one with bits flipped, a piece cut out, repeated or taken from another, or a number made huge. It is
decoded alone and among others; all that may happen is a value or a DataError, within five seconds of CPU.
"""

import json
import random
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ferryman.converters.avro import AvroConverter, AvroConverterConfig
from ferryman.converters.json import JsonConverter, JsonConverterConfig
from ferryman.errors import DataError
from tests.converters.test_avro import PAYMENT, encode, framed, payment
from tests.schema_registry.registry_server import FakeRegistry, running

ROOM = 1 << 30
"""Bytes of memory that decoding may take in all."""
SECONDS = 5.0
TOGETHER = 20
LIST = {"type": "record", "name": "L", "fields": [{"name": "next", "type": ["null", "L"]}]}
NESTED = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "lines", "type": {"type": "array", "items": PAYMENT}},
        {"name": "tags", "type": {"type": "map", "values": ["null", "string", "long"]}},
        {"name": "nothing", "type": {"type": "array", "items": "null"}},
        {"name": "empty", "type": {"type": "array", "items": {"type": "record", "name": "E", "fields": []}}},
        {"name": "raw", "type": ["bytes", {"type": "fixed", "name": "F", "size": 4}]},
    ],
}
HUGE = (b"\xff" * 9 + b"\x01", b"\xfe\xff\xff\xff\x0f", b"\x80" * 10, b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f")
TEXTS = (
    b"9" * 400,
    b"1e999999999",
    b"-",
    b'"\\ud800"',
    b"[" * 300,
    b'{"a":' * 150,
    b"\x00",
    b"NaN",
    b"1" + b"0" * 5000,
)
Decode = Callable[[Sequence[bytes]], Any]


def order(number: int) -> dict[str, Any]:
    """A value of NESTED."""
    return {
        "lines": [payment(each) for each in range(number % 4)],
        "tags": {"a": None, "b": "text", "c": number},
        "nothing": [None] * (number % 3),
        "empty": [{}],
        "raw": b"\x00\xff" if number % 2 else b"abcd",
    }


def chain(depth: int) -> dict[str, Any] | None:
    """A value of LIST."""
    return {"next": chain(depth - 1)} if depth else {"next": None}


def good_avro(registry: FakeRegistry) -> list[bytes]:
    """Messages of several schemas."""
    kinds: list[tuple[Any, Sequence[Any]]] = [
        (PAYMENT, [payment(n) for n in range(9)]),
        (NESTED, [order(n) for n in range(9)]),
        (LIST, [chain(5)]),
    ]
    return [body or b"" for schema, values in kinds for body in framed(registry.add(schema), encode(schema, values))]


def good_json() -> list[bytes]:
    """Envelopes, and plain values."""
    types = [("a", "int64"), ("b", "string"), ("c", "double"), ("d", "bytes"), ("e", "boolean"), ("f", "int8")]
    fields: list[dict[str, Any]] = [{"field": name, "type": kind, "optional": True} for name, kind in types]
    number = {"type": "bytes", "name": "org.apache.kafka.connect.data.Decimal", "parameters": {"scale": "2"}}
    fields += [{"field": "g", "optional": True, **number}]
    fields += [{"field": "h", "type": "array", "items": {"type": "int32"}, "optional": True}]
    schema = {"type": "struct", "name": "s", "fields": fields}
    payload = {"a": 1, "b": "text", "c": 1.5, "d": "AAE=", "e": True, "f": 7, "g": "AMg=", "h": [1, 2]}
    spelled = [json.dumps({"schema": schema, "payload": payload | {"a": n}}) for n in range(5)]
    return [text.encode() for text in [*spelled, json.dumps(payload), '{"schema":null,"payload":null}', "[[1,[2]]]"]]


def broken(good: Sequence[bytes], inserts: Sequence[bytes], chance: random.Random) -> bytes:
    """A good message, changed one to three times."""
    found = bytearray(chance.choice(good))
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(found) + 1)
        to = min(len(found), at + chance.randrange(1, 12))
        match chance.randrange(6):
            case 0 if at < len(found):
                found[at] ^= 1 << chance.randrange(8)
            case 1:
                del found[at:]
            case 2:
                del found[at:to]
            case 3:
                found[at:at] = found[at:to] * chance.randrange(1, 40)
            case 4:
                other = chance.choice(good)
                found[at:] = other[chance.randrange(len(other) + 1) :]
            case _:
                found[at:to] = chance.choice(inserts)
    return bytes(found)


def attempt(decode: Decode, messages: Sequence[bytes]) -> None:
    """Decodes; anything but a DataError is raised, and a long time is an error."""
    began = time.process_time()
    try:
        decode(messages)
    except DataError:
        pass
    except BaseException as error:
        error.add_note(f"messages {[message.hex() for message in messages]}")
        raise
    took = time.process_time() - began
    assert took < SECONDS, f"{took:.1f} s of CPU for {[message.hex()[:2000] for message in messages]}"


def decoders(registry: FakeRegistry) -> list[tuple[Decode, list[bytes], Sequence[bytes]]]:
    """How to decode, what is good, and what to put into it."""
    config = {"schema.registry.url": registry.url}
    avro = AvroConverter(AvroConverterConfig.parse(config), "value")
    envelope = JsonConverter(JsonConverterConfig.parse({}), "value")
    plain = JsonConverter(JsonConverterConfig.parse({"schemas.enable": "false"}), "value")
    return [
        (lambda messages: _rows(avro.to_data("t", messages)), good_avro(registry), HUGE),
        (lambda messages: _rows(envelope.to_data("t", messages)), good_json(), TEXTS),
        (lambda messages: _rows(plain.to_data("t", messages)), good_json(), TEXTS),
    ]


def _rows(pieces: Sequence[Any]) -> list[Any]:
    return [piece.rows().values for piece in pieces]


def main(seed: int, count: int) -> None:
    """Decodes so many broken messages."""
    chance = random.Random(seed)
    with running() as registry:
        chosen = decoders(registry)
        for decode, good, _ in chosen:
            decode(good[:1])
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + ROOM, size + ROOM))
        done = 0
        while done < count:
            decode, good, inserts = chance.choice(chosen)
            messages = [broken(good, inserts, chance) for _ in range(TOGETHER)]
            for message in messages:
                attempt(decode, [message])
            attempt(decode, [good[0], *messages[:2], good[1]])
            done += len(messages)
            print(done, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
