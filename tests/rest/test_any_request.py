"""Requests of any shape, drawn from the description that a real worker serves: all are answered, none with 5xx."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.transport import Response

from tests.differential.search import seed_of
from tests.reliability.flows import file_sink
from tests.reliability.scoreboard.plugin import Trials
from tests.rest.openapi import likely
from tests.running import Worker, worker
from tests.running import settings as worker_settings

WAIT = 60
"""Seconds after which an answer counts as none."""


@pytest.fixture
def running(tmp_path: Path, kafka: str, unique: str) -> Iterator[Worker]:
    with worker(tmp_path, worker_settings(kafka, unique)) as one:
        yield one


def check(response: Response, path: str = "") -> None:
    """What holds for every answer. Offsets of another shape are a 500 in Kafka Connect."""
    status, text = response.status_code, response.text
    as_kafka = status == 500 and "Cannot deserialize the offsets" in text
    assert status < 500 or as_kafka, f"{status} {text[:500]}"
    kind = response.headers.get("content-type", [""])[0]
    if status == 204 or not response.content:
        assert response.content == b""
    elif kind.startswith("application/json"):
        body = json.loads(text)
        if status >= 400:
            assert body["error_code"] == status
            assert body["message"]
    else:
        assert kind.startswith("text/")
        assert status in (404, 405) or path == "/metrics"


@pytest.mark.timeout(1800)
@pytest.mark.scoreboard("R18 REST")
def test_any_request_is_answered_and_never_with_5xx(
    running: Worker, tmp_path: Path, unique: str, long: bool, trials: Trials
) -> None:
    sane = file_sink(unique, tmp_path / "out.txt")
    served = running.call("GET", "/openapi.json", expect=200)
    description = likely(served, dict(sane), [unique, "other", "FileStreamSink", "root"])
    found: Any = schemathesis.openapi.from_dict(description).get_all_operations()
    operations = [each.ok() for each in found]
    count, sent, rounds = trials.share(2 * len(operations)), 0, 0
    while sent < trials.required:  # some operations have fewer requests to draw than their share
        before = sent
        for operation in operations:
            for mode in GenerationMode:

                @seed(seed_of(long) + rounds)
                @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
                @given(operation.as_strategy(generation_mode=mode))
                def answered(case: Any) -> None:
                    nonlocal sent
                    sent += 1
                    check(case.call(base_url=running.url, timeout=WAIT), case.path)

                try:
                    answered()
                except Unsatisfiable:
                    assert mode is GenerationMode.NEGATIVE, f"{operation.label} cannot be drawn"
        assert sent > before
        rounds += 1
    running.call("GET", "/connectors", expect=200)
    trials.held(sent)
