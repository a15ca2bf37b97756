"""The table of cliffs: each row's records are what it says, each sink's config can be run, and one row is run."""

import io
import json
import struct
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import fastavro
import orjson
import pytest

from bench.cliffs.configs import config, text
from bench.cliffs.contenders import OURS, PEER, TUNED, install, peers
from bench.cliffs.counting_sink import CountingSink
from bench.cliffs.data import Message, avro_schema, messages
from bench.cliffs.measure import Cell, Run, cell
from bench.cliffs.rows import REFUSED, ROWS, SINKS, Lot, Sink, lot
from bench.cliffs.table import remarks, table
from bench.cliffs.topics import filled
from bench.side import WORKER
from bench.world import World
from ferryman.plugins.catalog import connector
from ferryman.settings import settings
from ferryman.worker import connector_file
from tests.bench.test_bench import VARIABLES

RECORDS = 2_000


def made(name: str) -> tuple[Lot, list[Message]]:
    found = lot(ROWS[name], RECORDS)
    return found, list(messages(found, range(1, found.row.schemas + 1)))


def value_of(message: Message) -> dict[str, Any] | None:
    """What a record says; ValueError where it cannot be parsed."""
    if message.value is None:
        return None
    if message.value[:1] == b"\x00":
        writer = avro_schema(int.from_bytes(message.value[1:5], "big"))
        try:
            value: Any = fastavro.schemaless_reader(io.BytesIO(message.value[5:]), writer, None)
        except (EOFError, IndexError, struct.error) as error:
            raise ValueError("it is cut") from error
        return dict(value)
    envelope = json.loads(message.value)
    assert envelope["payload"].keys() == {field["field"] for field in envelope["schema"]["fields"]}
    return dict(envelope["payload"].get("after", envelope["payload"]))


def parses(message: Message) -> bool:
    try:
        value_of(message)
    except ValueError:
        return False
    return True


def of_partition(records: Sequence[Message], topic: int = 0, partition: int = 0) -> list[Message]:
    return [each for each in records if (each.topic, each.partition) == (topic, partition)]


def field_counts(records: Sequence[Message]) -> list[int]:
    """How many fields the values have, one record after the other."""
    return [len(value_of(each) or {}) for each in records]


def is_refused(lot: Lot, value: dict[str, Any]) -> bool:
    """Whether the table does not take it."""
    lacks_note = lot.row.violating > 0 and value["note"] is None
    turn = value["id"] // lot.row.slots
    return lacks_note or value.get("note") == REFUSED or lot.overflowing(turn) or lot.undated(turn)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_has_its_records_in_every_partition_and_they_leave_the_rows_that_are_waited_for(name: str) -> None:
    found, records = made(name)
    table: dict[int, dict[str, Any]] = {}
    for each in filter(parses, records):
        value = value_of(each)
        if value is None:
            table.pop(json.loads(each.key or b"")["payload"]["id"], None)
        elif not is_refused(found, value):
            table[value["id"]] = value

    assert len(records) == found.records > 0
    assert set(Counter((each.topic, each.partition) for each in records).values()) == {found.turns}
    assert len({(each.topic, each.partition) for each in records}) == found.row.slots
    undated = found.row.slots * (found.turns // found.row.undated) if found.row.undated else 0
    assert found.readable == sum(map(parses, records)) - undated
    assert found.table_rows == len(table)
    assert table.keys() >= set(found.last)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.sinks == SINKS])
def test_a_row_closes_the_files_of_a_partition_evenly_and_each_begins_with_the_newest_schema(name: str) -> None:
    found, records = made(name)
    parsed = [each for each in of_partition(records) if each.value is not None and parses(each)]
    values = [each for each in parsed if not is_refused(found, value_of(each) or {})]
    counts = field_counts(values)

    assert len(values) == found.files * found.flush_size
    assert {counts[at] for at in range(0, len(counts), found.flush_size)} == {max(counts)}


def test_rows_say_the_same_in_three_spellings() -> None:
    own, blanks, first = (made(name)[1][5] for name in ("own-spelling", "blanks", "payload-first"))

    assert value_of(own) == value_of(blanks) == value_of(first)
    assert own.value == orjson.dumps(json.loads(own.value or b""))
    assert blanks.value == json.dumps(json.loads(own.value)).encode()
    assert (first.value or b"").startswith(b'{"payload":{')


def test_what_goes_by_turns_changes_from_one_record_of_a_partition_to_the_next() -> None:
    names = ("three-schemas", "two-writers", "null-keys", "tombstones", "headers")
    first = {name: of_partition(made(name)[1])[:6] for name in names}

    assert field_counts(first["three-schemas"]) == [12, 11, 10, 12, 11, 10]
    assert field_counts(first["two-writers"]) == [11, 10, 11, 10, 11, 10]
    assert [each.key is None for each in first["null-keys"]] == [False, True] * 3
    assert [each.value is None for each in first["tombstones"]] == [False, True] * 3
    assert [len(each.headers) for each in first["headers"]] == [0, 2] * 3


@pytest.mark.parametrize(
    ("name", "many"), [("poisoned-10", 10), ("poisoned-1000", 1000), ("letters-10", 10), ("damaged-10", 10)]
)
def test_one_in_so_many_cannot_be_parsed(name: str, many: int) -> None:
    records = of_partition(list(messages(Lot(ROWS[name], 2_000), [1])))

    assert [at for at, each in enumerate(records) if not parses(each)] == [*range(many - 1, 2_000, many)]


def test_one_in_ten_has_no_note_where_the_table_wants_one() -> None:
    values = [value_of(each) or {} for each in of_partition(made("not-null-10")[1])]

    assert [at for at, each in enumerate(values) if each["note"] is None] == [*range(9, len(values), 10)]


def test_the_other_forms_are_what_they_are_called() -> None:
    events = [json.loads(each.value or b"")["payload"] for each in of_partition(made("change-events")[1])[:4]]
    schemas = [json.loads(each.value or b"")["schema"] for each in of_partition(made("1100-schemas")[1])[:3]]
    numbers = [value_of(each) or {} for each in made("numeric-decimals")[1][:9]]
    headers = [each.headers for each in made("own-headers")[1]]
    dates = [value_of(each) or {} for each in of_partition(made("undated-10")[1])]

    assert [event["op"] for event in events] == ["c", "u"] * 2
    assert all((event["before"] is None) == (event["op"] == "c") for event in events)
    assert [schema["version"] for schema in schemas] == [1100, 1099, 1098]
    assert all(isinstance(value["amount"], float) for value in numbers)
    assert len(set(headers)) == len(headers) == len([each for each in headers if len(each) == 2])
    assert [at for at, each in enumerate(dates) if each["note"] != "2026-11-28"] == [*range(9, len(dates), 10)]


def test_large_records_are_large() -> None:
    found, records = made("5-mb")

    assert found.records == 4
    assert all(len(each.value or b"") > 5_000_000 for each in records)


@pytest.mark.parametrize(("sink", "name"), [(sink, name) for name, row in ROWS.items() for sink in row.sinks])
def test_a_sink_takes_the_config_of_a_row(
    sink: Sink, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ROWS[name]
    for variable, value in {**VARIABLES, "BENCH_TOPIC": ",".join(row.topic_names)}.items():
        monkeypatch.setenv(variable, value)
    file = tmp_path / "connector.properties"
    for tuned in {False, TUNED in peers(sink)}:
        file.write_text(text(config(sink, row, tuned=tuned)))
        resolved = settings.load(WORKER, {}).providers.resolve(connector_file.read(file).config)
        plugin = CountingSink if sink == "plugin" else connector(resolved.values["connector.class"])

        assert plugin is not None
        assert plugin.config_class.parse(resolved.values).topics == row.topic_names
        assert ("use.reduction.buffer" in resolved.values) == tuned


def cells(name: str, ours: Sequence[float], **others: float) -> tuple[Lot, dict[str, Cell]]:
    """Runs at these rates; one at a thousand records a second takes a CPU second for them."""
    found = lot(ROWS[name], RECORDS)

    def ran(rates: Sequence[float]) -> Cell:
        runs = [Run(1.0, rate / 1000, rate / found.records, False, "the same", found.records) for rate in rates]
        return Cell([replace(run, cpu=1.0) for run in runs])

    named = {"peer": PEER, "tuned": TUNED}
    return found, {OURS: ran(ours), **{named[who]: ran([rate]) for who, rate in others.items()}}


def verdicts(*rows: tuple[Lot, dict[str, Cell]]) -> list[str]:
    shown = table("sql", [made for made, _ in rows], [found for _, found in rows], (PEER, TUNED))
    return [line.split("|")[-2].strip() for line in shown.splitlines()[3:]]


def test_the_table_says_which_aims_are_missed() -> None:
    assert verdicts(
        cells("own-spelling", [900, 1100], peer=300, tuned=200),
        cells("blanks", [400], peer=100, tuned=201),
        cells("headers", [300], peer=10, tuned=20),
        cells("poisoned-10", [300]),
        (lot(ROWS["tombstones"], RECORDS), {OURS: Cell(failure="the task has failed")}),
    ) == ["met", "MISSED: rate, CPU", "MISSED: our best", "—", "FAILED"]


def test_the_table_shows_the_noise_and_large_records_in_megabytes() -> None:
    rows = [cells("own-spelling", [900, 1100]), cells("5-mb", [10])]
    own, large = table("sql", [made for made, _ in rows], [found for _, found in rows], ()).splitlines()[3:]

    assert own.split("|")[3:5] == [" 1,000    ", " 10% "]
    assert "50 MB/s" in large
    assert "20.0/GB" in large


def test_runs_that_left_different_things_are_told() -> None:
    made, found = cells("own-spelling", [900], peer=300)
    other = Cell([replace(run, digest="something else") for run in found[PEER].runs])

    assert list(remarks("sql", [made], [found])) == []
    (said,) = remarks("sql", [made], [{**found, PEER: other}])
    assert "own-spelling: THE RUNS LEFT DIFFERENT THINGS" in said


def test_the_reason_of_a_failure_is_told_in_a_line() -> None:
    made, found = cells("own-spelling", [900])
    traces = {
        PEER: "the task has failed:\nat a.A\nCaused by: one\nat b.B\nCaused by: another\nat c.C",
        TUNED: "it is gone",
    }
    said = list(remarks("sql", [made], [{**found, **{who: Cell(failure=trace) for who, trace in traces.items()}}]))

    assert [line.partition(" failed: ")[2] for line in said] == ["Caused by: another", "it is gone"]


def test_a_row_is_run_into_tables_and_into_the_plugin(stack: dict[str, str], unique: str, tmp_path: Path) -> None:
    where, found = World(stack, tmp_path), lot(replace(ROWS["tombstones"], name=unique), 100)
    plugins = install(tmp_path)
    with filled(where, found):
        ran: dict[Sink, Cell] = {sink: cell(where, plugins, OURS, sink, found, 1) for sink in ("sql", "plugin")}

    assert {sink: each.failure for sink, each in ran.items()} == {"sql": "", "plugin": ""}
    assert ran["sql"].runs[0].digest.startswith(f"{found.table_rows} rows, ")
    assert ran["plugin"].runs[0].digest.startswith(f"{found.records} records, ")
    assert all(run.rate > 0 for each in ran.values() for run in each.runs)
