"""The plan says for each step whether it works on columns or on rows, and why."""

from ferryman.chain import builder
from ferryman.plugins import catalog

JSON = "org.apache.kafka.connect.json.JsonConverter"
STRING = "org.apache.kafka.connect.storage.StringConverter"
TRANSFORMS = {
    "transforms": "mask,time",
    "transforms.mask.type": "org.apache.kafka.connect.transforms.MaskField$Value",
    "transforms.mask.fields": "card",
    "transforms.time.type": "org.apache.kafka.connect.transforms.TimestampConverter$Value",
    "transforms.time.field": "at",
    "transforms.time.target.type": "Timestamp",
}


def planned(sink: str, **config: str) -> list[str]:
    raw = {"key.converter": STRING, "value.converter": JSON, **TRANSFORMS}
    raw |= {name.replace("_", "."): value for name, value in config.items()}
    found = catalog.find("sink", sink)
    assert found is not None
    return [str(step) for step in builder.chain(raw, {}, found).plan.steps]


def test_records_with_a_schema_stay_columns_all_the_way_into_the_warehouse() -> None:
    assert planned("io.confluent.connect.jdbc.JdbcSinkConnector") == [
        "decode by JsonConverter: columns",
        "transform mask by MaskField: columns",
        "transform time by TimestampConverter: columns",
        "put by SqlSinkConnector: columns",
    ]


def test_a_sink_of_rows_is_where_columns_end() -> None:
    assert planned("FileStreamSink")[-1] == (
        "put by FileStreamSinkConnector: rows (FileStreamSinkConnector takes rows)"
    )


def test_schemaless_json_is_rows_from_the_start() -> None:
    steps = planned("FileStreamSink", value_converter_schemas_enable="false")
    assert steps[0] == "decode by JsonConverter: rows (schemaless JSON has no columns (schemas.enable is false))"
    assert steps[1] == "transform mask by MaskField: rows (decode by JsonConverter gives rows)"
