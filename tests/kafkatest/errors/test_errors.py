"""A config that is wrong in many ways is answered with all that Kafka's worker says of it, in as many messages.

``recorded.json`` has, by plugin, configs and what Kafka's own worker (4.3.1) answered about each key. In long runs that
worker is asked again.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.kafkatest.connect import Connect
from tests.kafkatest.report.differences import KEYS_IN_FULL, WORDS_FOR_PATTERNS

RECORDED: dict[str, list[dict[str, Any]]] = json.loads(Path(__file__).with_name("recorded.json").read_text())
BELOW = re.compile(r"(transforms|predicates)\.[a-z]\.|(key|value|header)\.converter\.")


ON_PURPOSE = KEYS_IN_FULL, WORDS_FOR_PATTERNS


def plain(key: str, text: str) -> str:
    """A message without what differs ``ON_PURPOSE``."""
    short = BELOW.sub("", key, count=1)
    for form in ('"{}"', "'{}'", "configuration {}:"):
        text = text.replace(form.format(key), form.format(short))
    text = re.sub(r"Invalid value \s+ for", "Invalid value  for", text)
    return re.sub(r"Invalid regex: .*", "Invalid regex: *", text, flags=re.DOTALL)


def said(connect: Connect, config: dict[str, str | None]) -> dict[str, list[str]]:
    """The messages by key, as many as the answer counts."""
    answer = connect.call("PUT", f"/connector-plugins/{config['connector.class']}/config/validate", config)
    found: dict[str, list[str]] = {}
    for each in answer["configs"]:  # a key that is null may come twice
        found.setdefault(each["value"]["name"], []).extend(each["value"]["errors"])
    assert answer["error_count"] == sum(map(len, found.values()))
    return {key: sorted(plain(key, text) for text in errors) for key, errors in found.items() if errors}


@pytest.mark.modes("standalone")
@pytest.mark.parametrize("plugin", RECORDED)
def test_all_that_kafka_says_of_a_wrong_config_is_said(connect: Connect, plugin: str) -> None:
    for each in RECORDED[plugin]:
        assert (each["config"], said(connect, each["config"])) == (each["config"], each["errors"])
