"""Real clients lead a connector through its life and find no difference between our worker and Kafka's.

``recorded/`` has, for each client and each mode of the worker, what the client sent, what Kafka's own worker (4.3.1)
answered, and what the client printed or returned. The ordinary run sends the same requests again. In long runs the
clients themselves, at the versions and hashes that are pinned here, are brought here and asked, with our worker and
with Kafka's. ``python -m tests.kafkatest.clients.recording`` writes the recordings anew.
"""

import shutil
from pathlib import Path

import pytest

from tests.kafkatest.clients import recording
from tests.kafkatest.clients.clients import CLIENTS, Client
from tests.kafkatest.clients.differs import differs
from tests.kafkatest.connect import Connect
from tests.places import DOCS

pytestmark = pytest.mark.parametrize("client", CLIENTS, ids=str)
both_modes = pytest.mark.modes("standalone", "distributed")


def test_the_page_about_moving_names_each_client_in_its_version(client: Client) -> None:
    page = (DOCS / "moving-from-kafka-connect.md").read_text()
    assert client.name.lower() in page.lower()
    assert client.version in page


@both_modes
def test_what_clients_send_is_answered_as_kafka_answers_it(
    client: Client, connect: Connect, unique: str, tmp_path: Path
) -> None:
    for said, exchanges in recording.played(recording.read(client, connect.whose), connect, unique, tmp_path):
        for kafkas, ours in zip(said["exchanges"], exchanges, strict=True):
            if differs(kafkas["answer"], ours["answer"]):
                assert (said["step"], ours) == (said["step"], kafkas)


@both_modes
@pytest.mark.long
def test_clients_return_what_they_return_with_kafkas_worker(
    client: Client, connect: Connect, unique: str, tmp_path: Path
) -> None:
    if client.needs is not None and shutil.which(client.needs) is None:
        pytest.skip(f"{client.needs} is not installed, which {client} needs")
    lived = recording.lived(client, connect, unique, tmp_path)
    for ours, kafkas in zip(lived, recording.read(client, connect.whose), strict=True):
        differences = 0
        for our, kafka in zip(ours["exchanges"], kafkas["exchanges"], strict=True):
            assert our["request"] == kafka["request"]
            if our["answer"] != kafka["answer"]:
                differences += 1
                assert not differs(kafka["answer"], our["answer"]), (ours["step"], our["answer"], kafka["answer"])
        if not differences:
            assert (ours["step"], ours["returned"]) == (kafkas["step"], kafkas["returned"])
