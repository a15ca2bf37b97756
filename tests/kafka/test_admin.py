"""An admin client that comes and goes, on a real broker."""

import os
from pathlib import Path

import pytest

from ferryman.kafka.admin import Admin
from tests.places import ROOT
from tests.running import until


def threads() -> int:
    """The threads of librdkafka's clients in this process."""
    tasks = Path(f"/proc/{os.getpid()}/task")
    return sum(each.read_text().startswith("rdk:") for each in tasks.glob("*/comm"))


def test_it_takes_nothing_until_it_is_asked_and_after_it_is_closed(kafka: str) -> None:
    before = threads()
    admin = Admin({"bootstrap.servers": kafka})
    admin.close()
    assert threads() <= before
    cluster = admin.describe_cluster(request_timeout=60).result().cluster_id
    assert threads() > before
    admin.close()
    until(lambda: threads() <= before, what="its threads to end")
    assert admin.describe_cluster(request_timeout=60).result().cluster_id == cluster
    admin.close()


@pytest.mark.parametrize("folder", ["ferryman", "connectors", "transforms"])
def test_nobody_else_asks_librdkafka_where_partitions_end_whose_leader_may_have_changed(folder: str) -> None:
    asking = {each for each in (ROOT / folder).rglob("*.py") if ".list_offsets(" in each.read_text()}
    assert asking <= {ROOT / "ferryman" / "kafka" / "admin.py"}
