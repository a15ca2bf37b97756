"""A worker with one live connector, and the command for its runs."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.backfill.calls import Command
from tests.backfill.folded import PARTITIONS
from tests.running import Worker, create_topic, settings, worker

Live = tuple[Worker, Command]


@contextmanager
def live_connector(kafka: str, folder: Path, name: str, config: Mapping[str, str]) -> Iterator[Live]:
    """The connector and its topic are called by that name."""
    create_topic(kafka, name, partitions=PARTITIONS)
    chosen = settings(kafka, name)
    file, connector = folder / "backfill.properties", folder / "live.json"
    file.write_text("".join(f"{key}={value}\n" for key, value in chosen.items()))
    connector.write_text(json.dumps({"name": name, "config": dict(config)}))
    with worker(folder, chosen) as running:
        running.create(dict(config))
        yield running, Command(folder, file, connector)
