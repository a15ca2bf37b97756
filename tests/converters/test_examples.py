"""The examples on the converters' pages are what the converters do."""

import re
from pathlib import Path
from typing import cast

import pytest

from ferryman.chain import builder
from ferryman.conversion import Side
from ferryman.converters.json import JsonConverter, JsonConverterConfig
from ferryman.docs import reference
from ferryman.java import properties
from tests.places import DOCS
from tests.schema_registry.registry_server import running

PAGES = [DOCS / reference.FOLDERS["converter"] / reference.page_name(each) for each in reference.ours("converter")]


def fenced(page: Path, language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)\n^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [str(each) for each in found]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_example_of_a_page_is_what_is_written_and_read(page: Path) -> None:
    (config,), (given,), (expected,) = (fenced(page, language) for language in ("properties", "json", "text"))
    shown = bytes.fromhex(expected.removeprefix("bytes ")) if expected.startswith("bytes ") else expected.encode()
    (value,) = JsonConverter(JsonConverterConfig.parse({}), "value").to_data("t", [given.encode()])
    with running() as registry:
        raw = properties.parse(config.replace("http://registry:8081", registry.url))
        side = cast(Side, config.partition(".")[0])
        used = builder.converter(side, raw, {})

        assert used.from_data("t", value) == [shown]
        assert used.to_data("t", [shown])[0].rows().values == value.rows().values
        assert [each["schema"] for each in registry.schemas.values()] == fenced(page, "avro")
        assert [name for name, _ in registry.subjects] == ["shop.Order"] * len(registry.schemas)
