"""A task's chain from configs: whose converters, with whose settings, and all that is wrong at once."""

from collections.abc import Mapping

import pytest

from ferryman.chain import builder
from ferryman.converters.json import JsonConverter
from ferryman.converters.simple_header import SimpleHeaderConverter
from ferryman.converters.string import StringConverter
from ferryman.errors import ConfigError
from tests.chain.parts import FrameSink, FrameSource, RecordSink, RecordSource

JSON, STRING = "org.apache.kafka.connect.json.JsonConverter", "org.apache.kafka.connect.storage.StringConverter"
WORKER = {
    "key.converter": STRING,
    "key.converter.converter.encoding": "latin-1",
    "value.converter": JSON,
    "value.converter.schemas.enable": "false",
}
MASK = {
    "transforms": "mask",
    "transforms.mask.type": "org.apache.kafka.connect.transforms.MaskField$Value",
    "transforms.mask.fields": "card",
}


def problems(raw: Mapping[str, str], worker: Mapping[str, str] = WORKER) -> dict[str, str]:
    with pytest.raises(ConfigError) as raised:
        builder.chain(raw, worker)
    return {problem.key: problem.message for problem in raised.value.problems}


def test_a_connector_without_converters_has_the_workers_with_the_workers_settings() -> None:
    chain = builder.chain({}, WORKER)
    assert isinstance(chain.key, StringConverter)
    assert isinstance(chain.value, JsonConverter)
    assert chain.value.config.schemas_enable is False
    assert (chain.key.side, chain.value.side, chain.header.side) == ("key", "value", "header")


def test_headers_are_simple_unless_somebody_says_otherwise() -> None:
    assert isinstance(builder.chain({}, WORKER).header, SimpleHeaderConverter)
    assert isinstance(builder.chain({}, WORKER | {"header.converter": STRING}).header, StringConverter)
    assert isinstance(builder.chain({"header.converter": JSON}, WORKER).header, JsonConverter)


def test_a_connectors_own_converter_has_only_its_own_settings() -> None:
    chain = builder.chain({"value.converter": JSON}, WORKER)
    assert isinstance(chain.value, JsonConverter)
    assert chain.value.config.schemas_enable is True


def test_settings_without_a_converter_of_its_own_do_not_reach_the_workers() -> None:
    chain = builder.chain({"value.converter.schemas.enable": "true", "value.converter": " "}, WORKER)
    assert isinstance(chain.value, JsonConverter)
    assert chain.value.config.schemas_enable is False


def test_a_converter_that_nobody_named_or_knows_is_refused_by_its_key() -> None:
    found = problems({}, {"value.converter": "com.example.NoConverter"})
    assert found["value.converter"] == (
        "Invalid value com.example.NoConverter for configuration value.converter: "
        "Class com.example.NoConverter could not be found."
    )
    assert "Class  could not be found" in found["key.converter"]
    assert "header.converter" not in found


def test_a_wrong_setting_of_a_converter_is_named_in_full() -> None:
    found = problems({"value.converter": JSON, "value.converter.schemas.enable": "perhaps"})
    assert list(found) == ["value.converter.schemas.enable"]
    assert "configuration value.converter.schemas.enable:" in found["value.converter.schemas.enable"]


def test_problems_of_converters_and_transforms_come_together() -> None:
    found = problems({"key.converter": "No", "header.converter": "No", "transforms": "a"})
    assert set(found) == {"key.converter", "header.converter", "transforms.a.type"}


def test_the_plan_reaches_to_the_connector() -> None:
    plans = {
        plugin: [step.name for step in builder.chain(MASK, WORKER, plugin).plan.steps]
        for plugin in (None, FrameSink, RecordSource)
    }
    assert plans == {
        None: ["decode by JsonConverter", "transform mask by MaskField"],
        FrameSink: ["decode by JsonConverter", "transform mask by MaskField", "put by FrameSink"],
        RecordSource: ["poll by RecordSource", "transform mask by MaskField", "encode by JsonConverter"],
    }


def test_keys_and_values_are_planned_apart_and_converters_ask_their_own_plan() -> None:
    worker = WORKER | {"value.converter.schemas.enable": "true"}
    chain = builder.chain({}, worker, FrameSink)
    assert [step.form for step in chain.value_forms.plan.steps] == ["columns", "columns"]
    assert [step.form for step in chain.key_forms.plan.steps] == ["rows", "rows"]
    assert chain.key.forms is chain.key_forms
    assert chain.value.forms is chain.value_forms


def test_sinks_and_sources_say_themselves_whether_columns_reach_them() -> None:
    worker = WORKER | {"value.converter.schemas.enable": "true"}
    forms = {
        plugin: [step.form for step in builder.chain({}, worker, plugin).plan.steps]
        for plugin in (FrameSink, RecordSink, FrameSource, RecordSource)
    }
    assert forms == {
        FrameSink: ["columns", "columns"],
        RecordSink: ["columns", "rows"],
        FrameSource: ["columns", "columns"],
        RecordSource: ["rows", "rows"],
    }
