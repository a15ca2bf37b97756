"""Ferryman as a user starts it: `ferryman standalone worker.properties connector.properties`."""

import sys

from bench.side import Files, Side


def ours() -> Side:
    """This interpreter's Ferryman."""
    return Side(
        name="Ferryman",
        command=_command,
        variables={
            "BENCH_AVRO_CONVERTER": "io.confluent.connect.avro.AvroConverter",
            # Empty is unset: an installed program has its bytecode in caches, whatever this shell says.
            "PYTHONDONTWRITEBYTECODE": "",
        },
    )


def _command(files: Files) -> tuple[str, ...]:
    return (sys.executable, "-m", "ferryman", "standalone", str(files.worker), str(files.connector))
