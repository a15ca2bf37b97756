"""Who runs a row into a sink: Ferryman, and Kafka Connect where it has that sink."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bench.cliffs import counting_sink
from bench.cliffs.configs import PLUGIN
from bench.cliffs.rows import Row, Sink
from bench.ours import ours
from bench.peer import peer
from bench.side import Side

OURS = "Ferryman"
PEER = "Kafka Connect"
TUNED = "Kafka Connect, tuned"
_BUNDLES: Mapping[Sink, Mapping[str, str]] = {
    "sql": {PEER: "jdbc", TUNED: "jdbc_newest"},
    "file": {PEER: "file"},
}
"""The bundle of peer.toml with a sink, by who runs it. UNNEST needs a newer Debezium than the default runs have."""


def peers(sink: Sink) -> tuple[str, ...]:
    """Kafka Connect's runs with a sink."""
    return tuple(_BUNDLES.get(sink, {}))


def side(who: str, sink: Sink, row: Row, plugins: Path) -> Side:
    """How to start it; ``plugins`` is where ``install`` has put the plugin."""
    if who != OURS:
        return peer(_BUNDLES[sink][who], *(["avro"] if row.avro else []))
    found = os.pathsep.join(filter(None, (str(plugins), os.environ.get("PYTHONPATH"))))
    plain = ours()
    return replace(plain, variables={**plain.variables, "PYTHONPATH": found})


def install(directory: Path) -> Path:
    """Installs the rows-only plugin as anybody's is; returns the folder for PYTHONPATH."""
    home = directory / "plugins"
    about = home / "counting-1.0.dist-info"
    about.mkdir(parents=True)
    shutil.copy(str(counting_sink.__file__), home / "counting_sink.py")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: counting\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[ferryman.connectors]\n{PLUGIN} = counting_sink:{PLUGIN}\n")
    return home
