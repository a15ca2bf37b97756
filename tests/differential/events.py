"""What Hypothesis draws for Debezium's transforms: change events, and configs."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from ferryman.record import Header, Record
from ferryman.schema import BYTES, INT32, INT64, STRING, TIMESTAMP_SCHEMA, Schema, array, struct
from tests.differential.strategies import LISTED, MAPS, NAME, Configs, Typed, structs, typed

EXTRACT = "io.debezium.transforms.ExtractNewRecordState"
_SOURCE = struct(
    {"version": STRING, "table": STRING, "ts_ms": INT64, "lsn": INT64.as_optional(), "a": replace(INT32, default=3)}
)
_TRANSACTION = struct({"id": STRING, "total_order": INT64}, optional=True)
_LIST = array(STRING)


@st.composite
def envelopes(draw: st.DrawFn) -> Typed:
    """The schema of change events, mostly as Debezium makes it, and what draws such events."""
    row = draw(structs(1)) if draw(st.integers(0, 9)) else draw(typed(0))
    rest = {"source": _SOURCE, "op": STRING, "ts_ms": INT64.as_optional()}
    optional = row.schema.as_optional()
    members = {"before": optional, "after": optional, **rest}
    if draw(st.booleans()):
        members["transaction"] = _TRANSACTION
    if draw(st.integers(0, 3)) == 0:
        members["x"] = replace(BYTES, optional=True, default=draw(st.none() | st.just(b"x")))
    if draw(st.integers(0, 15)) == 0:
        members.pop(draw(st.sampled_from(sorted(members))))
    if draw(st.integers(0, 15)) == 0:
        members["op"] = INT32
    one = row.values
    nothing = st.none()
    source = st.fixed_dictionaries(
        {"version": st.just("3"), "table": st.just("t"), "ts_ms": st.integers(0, 9), "lsn": nothing | st.just(7)},
        optional={"a": st.just(5)},
    )
    drawn: dict[str, st.SearchStrategy[Any]] = {
        "before": nothing | one,
        "after": one if draw(st.booleans()) else nothing | one | one,
        "source": source,
        "op": st.sampled_from("crud") if members.get("op") is STRING else st.just(1),
        "ts_ms": nothing | st.just(99),
        "transaction": nothing | st.just({"id": "t1", "total_order": 4}),
        "x": nothing | st.just(b"y"),
    }
    name = draw(st.sampled_from(["db.t.Envelope"] * 9 + ["db.t"]))
    return Typed(struct(members, name=name), st.fixed_dictionaries({name: drawn[name] for name in members}))


@st.composite
def events(draw: st.DrawFn, most: int = 8) -> list[Record]:
    """Records of one topic with change events, and tombstones among them."""
    count = draw(st.sampled_from([1, most // 2, most]))
    key = draw(structs(0))
    found = draw(envelopes())
    values = draw(
        st.lists(st.none() | found.values if draw(st.booleans()) else found.values, min_size=count, max_size=count)
    )
    schema: Schema | None = found.schema
    if all(value is None for value in values) and draw(st.booleans()):
        schema = None
    dropped = LISTED.map(lambda names: Header("drop", names.split(","), _LIST))
    headers = st.lists(dropped | st.just(Header("h", "v", STRING)), max_size=2).map(tuple)
    with_headers = draw(st.booleans())
    return [
        Record(
            topic="db.t",
            partition=0,
            key=draw(key.values),
            key_schema=key.schema,
            value=value,
            value_schema=schema,
            timestamp=1,
            headers=draw(headers) if with_headers else (),
            offset=place,
        )
        for place, value in enumerate(values)
    ] or [Record(topic="t", value=draw(MAPS))]


_MODES = ["drop", "tombstone", "rewrite", "rewrite-with-tombstone", "delete-to-tombstone", " Rewrite "]
_METADATA = [
    "op",
    "ts_ms",
    "table",
    "source.ts_ms",
    "version:v",
    "id",
    "transaction.total_order:o",
    "lsn",
    "x",
    "q",
    "a",
]
_ODD = ["a:b:c", "source", "before.a", "op:b", "x.y", ""]
_REFERENCES = st.lists(st.sampled_from(_METADATA * 4 + _ODD), min_size=1, max_size=3, unique=True).map(",".join)
_SWITCH = st.sampled_from(["true", "false"])
_PREFIX = st.sampled_from(["", "m_", "__"])
EXTRACT_CONFIGS: Configs = st.fixed_dictionaries(
    {},
    optional={
        "delete.tombstone.handling.mode": st.sampled_from(_MODES),
        "add.fields": _REFERENCES,
        "add.fields.prefix": _PREFIX,
        "add.headers": _REFERENCES,
        "add.headers.prefix": _PREFIX,
        "replace.null.with.default": _SWITCH,
    },
) | st.fixed_dictionaries(
    {"delete.tombstone.handling.mode": st.sampled_from([*_MODES, "zz"])},
    optional={
        "route.by.field": NAME,
        "drop.fields.header.name": st.sampled_from(["drop", "drop", "h"]),
        "drop.fields.from.key": _SWITCH,
        "drop.fields.keep.schema.compatible": _SWITCH,
        "add.fields": _REFERENCES,
    },
)

ROUTER = "io.debezium.transforms.outbox.EventRouter"
_TEXTS = [
    "",
    " ",
    "plain",
    '{"a":1,"b":"x","c":null,"d":[1,2],"e":{"f":true,"g":1.5}}',
    '{"l":12345678901,"big":123456789012345678901,"e":[]}',
    '{"l":12345678901,"n":{"m":{}},"s":"é"} and more',
    '[{"a":1}]',
    "[]",
    "[1,2]",
    '{"o":[{"a":1},{"a":1,"b":"x"}]}',
    '{"o":[{"a":1},{"a":1},null]}',
    '{"o":[{"a":null},{"a":"x"}]}',
    '{"o":[1,"x"]}',
    '{"o":[1,2.5]}',
    '{"o":[null,null]}',
    '{"o":[[1],[2,3]]}',
    '{"o":[[],[1]]}',
    '{"a":1,"a":"two"}',
    '{"a":NaN}',
    '{"a":01}',
    "{",
]
_TIMES = [
    replace(INT64, name=f"io.debezium.time.{name}", version=1)
    for name in ("Timestamp", "MicroTimestamp", "NanoTimestamp")
]


@st.composite
def rows(draw: st.DrawFn) -> Typed:
    """The schema of an outbox table's rows, and what draws such rows."""
    payload = draw(st.sampled_from([STRING.as_optional()] * 4 + [STRING, BYTES.as_optional(), _TRANSACTION]))
    time = draw(st.sampled_from([*_TIMES, INT64, TIMESTAMP_SCHEMA, STRING])).as_optional(draw(st.booleans()))
    extra = draw(typed(1))
    key = draw(st.sampled_from([STRING, INT64, STRING.as_optional()]))
    members = {"id": STRING, "aggregatetype": STRING, "aggregateid": key, "type": STRING, "payload": payload}
    members |= {"ts": time, "ver": INT32, "a": extra.schema, "p": INT32.as_optional()}
    if draw(st.integers(0, 15)) == 7:
        members.pop(draw(st.sampled_from(sorted(members))))
    if draw(st.integers(0, 15)) == 7:
        members = {name.upper(): schema for name, schema in members.items()}
    texts = st.sampled_from(_TEXTS)
    times = {"STRING": st.just("x"), "org": st.just(datetime(2023, 1, 1, tzinfo=UTC))}
    kind = times["STRING"] if time.type == "STRING" else times["org"] if time.name == TIMESTAMP_SCHEMA.name else None
    drawn: dict[str, st.SearchStrategy[Any]] = {
        "id": st.just("i1"),
        "aggregatetype": st.sampled_from(["Order", "User"]),
        "aggregateid": st.just(7) if key is INT64 else st.just("k") if key is STRING else st.none() | st.just("k"),
        "type": st.just("Created"),
        "payload": {"BYTES": st.just(b"{}"), "STRUCT": st.just({"id": "t", "total_order": 1})}.get(payload.type, texts),
        "ts": st.integers(-10_000_000, 10**16) if kind is None else kind,
        "ver": st.integers(1, 2),
        "a": extra.values,
        "p": st.none() | st.integers(0, 3),
    }
    if payload.optional:
        drawn["payload"] = st.none() | drawn["payload"] | drawn["payload"]
    if time.optional:
        drawn["ts"] = st.none() | drawn["ts"]
    name = draw(st.sampled_from([None, "Value", "db.outbox.Value"]))
    schema = struct(members, name=name, optional=draw(st.booleans()))
    return Typed(schema, st.fixed_dictionaries({name: drawn[name.lower()] for name in members}))


@st.composite
def outbox(draw: st.DrawFn, most: int = 6) -> list[Record]:
    """Change events of an outbox table."""
    row = draw(rows())
    source = struct({"connector": STRING})
    members = {"before": row.schema, "after": row.schema, "op": STRING, "ts_ms": INT64.as_optional(), "source": source}
    if draw(st.integers(0, 19)) == 7:
        members.pop(draw(st.sampled_from(["after", "op", "ts_ms"])))
    drawn: dict[str, st.SearchStrategy[Any]] = {
        "before": st.none(),
        "after": row.values if draw(st.booleans()) or not row.schema.optional else st.none() | row.values,
        "op": st.sampled_from("ccccccrrud"),
        "ts_ms": st.none() | st.just(99),
        "source": st.just({"connector": "postgresql"}),
    }
    schema = struct(members, name=draw(st.sampled_from(["o.Envelope"] * 9 + ["o.Value"])))
    value = st.fixed_dictionaries({name: drawn[name] for name in members})
    count = draw(st.sampled_from([1, most]))
    each_value = value if draw(st.integers(0, 3)) else value | st.none()
    values = draw(st.lists(each_value, min_size=count, max_size=count))
    return [
        Record(
            topic="outbox",
            partition=0,
            value=each,
            value_schema=schema,
            timestamp=1,
            headers=(Header("h", "v", STRING),) if place % 2 else (),
        )
        for place, each in enumerate(values)
    ]


_PLACEMENTS = ["a:header", "a:envelope:x", "type:envelope:eventType", "p:partition", "type:header:t", "ver:header"]
_PLACED = st.lists(
    st.sampled_from(
        _PLACEMENTS * 4 + ["q:header", "q:envelope", "q:partition", "a:partition", "a", "a:b:c:d", "p:Partition"]
    ),
    min_size=1,
    max_size=3,
    unique=True,
).map(",".join)
ROUTER_CONFIGS: Configs = st.fixed_dictionaries(
    {},
    optional={
        "table.fields.additional.placement": _PLACED,
        "table.field.additional.missing": st.sampled_from(["error", "ignore", "Ignore"]),
        "table.field.event.timestamp": st.sampled_from(["ts", "ts", "a", "q"]),
        "table.field.event.schema.version": st.just("ver"),
        "table.expand.json.payload": st.sampled_from(["true", "true", "false"]),
        "table.json.payload.null.behavior": st.sampled_from(["ignore", "optional_bytes"]),
        "route.tombstone.on.empty.payload": _SWITCH,
    },
) | st.fixed_dictionaries(
    {},
    optional={
        "table.field.event.id": st.sampled_from(["id", "a", "q"]),
        "table.field.event.key": st.sampled_from(["type", "a", "q"]),
        "table.field.event.payload": st.sampled_from(["payload", "a", "q"]),
        "route.by.field": st.sampled_from(["type", "a", "q"]),
        "route.topic.regex": st.sampled_from(["(.*)", "O(.*)", "(?<routedByValue>U.*)"]),
        "route.topic.replacement": st.sampled_from(["events.$1", "x", "${routedByValue}"]),
        "table.op.invalid.behavior": st.sampled_from(["warn", "error", "fatal", "zz"]),
        "table.expand.json.payload": st.just("true"),
    },
)
