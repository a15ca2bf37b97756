"""A plugin of Kafka's declares its keys here as it does there: clients make forms of them.

``definitions.json`` has what Kafka's own worker (4.3.1) answered, by class. In long runs that worker is asked again.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.kafkatest.connect import Connect
from tests.kafkatest.report.differences import DOCUMENTATION_OF_KEYS, ORDER_OF_KEYS

RECORDED: dict[str, list[dict[str, Any]]] = json.loads(Path(__file__).with_name("definitions.json").read_text())
QUEUE = "errors.deadletterqueue."
"""How keys begin that sources have here and not there (docs/differences.md)."""
ON_PURPOSE = {"documentation": DOCUMENTATION_OF_KEYS, "order": ORDER_OF_KEYS, "order_in_group": ORDER_OF_KEYS}


def plain(definition: dict[str, Any]) -> dict[str, Any]:
    """A definition without what differs ``ON_PURPOSE``, and without a worker's own version."""
    told = {field: value for field, value in definition.items() if field not in ON_PURPOSE}
    return told | ({"default_value": "*"} if definition["name"].endswith("plugin.version") else {})


@pytest.mark.modes("standalone")
@pytest.mark.parametrize("plugin", RECORDED)
def test_a_plugin_declares_the_keys_that_kafkas_declares(connect: Connect, plugin: str) -> None:
    answer = connect.call("GET", f"/connector-plugins/{plugin}/config")
    more = QUEUE if "Source" in plugin else "-"
    assert [plain(each) for each in answer if not each["name"].startswith(more)] == RECORDED[plugin]
