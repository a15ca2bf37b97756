"""What SessionedProtocolIntegrationTest asks of a group of workers: nobody else gets at what they tell each other."""

import httpx
import pytest

from tests.kafkatest.configs import sink
from tests.kafkatest.connect import Connect

FORGED = {"X-Connect-Authorization": "S2Fma2Flc3F1ZQ==", "X-Connect-Request-Signature-Algorithm": "HmacSHA256"}


def answers(connect: Connect, name: str) -> list[int]:
    """Those to task configs that nobody has signed, and that somebody has signed with another key."""
    node = connect.nodes[0]

    def posted(headers: dict[str, str]) -> httpx.Response:
        return node.web.post(f"{node.url}/connectors/{name}/tasks", json=[], headers=headers)

    return [posted(headers).status_code for headers in ({}, FORGED)]


@pytest.mark.modes("distributed")
def test_tasks_configs_are_taken_from_no_other_than_a_worker_of_the_group(connect: Connect, unique: str) -> None:
    assert answers(connect, unique) == [400, 403]  # not 404: who does not sign does not learn what there is
    connect.configure(unique, sink(unique, tasks_max="1"))
    connect.runs(unique, 1)
    assert answers(connect, unique) == [400, 403]
    assert len(connect.tasks(unique)) == 1
