"""The broker, registry and database that both sides use, and what the variables of the config files say of them."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url

from ferryman.stack import Stack


@dataclass(frozen=True)
class World:
    """A running stack and a directory for the runs."""

    addresses: Mapping[str, str]
    directory: Path

    @property
    def broker(self) -> str:
        """bootstrap.servers."""
        return self.addresses["kafka"]

    @property
    def registry(self) -> str:
        """The registry's Confluent API; empty where none runs."""
        return self.addresses.get("registry", "")

    @property
    def server(self) -> str:
        """The URL of the database server, for psycopg."""
        return self.addresses["postgres"].replace("+psycopg", "")

    def file_variables(self, topic: str, file: Path) -> dict[str, str]:
        """For file-sink.properties."""
        return {"BENCH_BROKER": self.broker, "BENCH_TOPIC": topic, "BENCH_FILE": str(file)}

    @property
    def mariadb(self) -> str:
        """The URL of MariaDB."""
        return self.addresses["mariadb"]

    def table_variables(self, topic: str, database: str) -> dict[str, str]:
        """For sql-postgresql-*.properties."""
        server = make_url(self.addresses["postgres"])
        return self._variables(topic, server, f"jdbc:postgresql://{server.host}:{server.port}/{database}")

    def mariadb_variables(self, topic: str, database: str) -> dict[str, str]:
        """For sql-mariadb-*.properties. Connector/J without its rewriting would send each row alone."""
        server = make_url(self.mariadb)
        options = "rewriteBatchedStatements=true&sslMode=DISABLED"
        return self._variables(topic, server, f"jdbc:mysql://{server.host}:{server.port}/{database}?{options}")

    def _variables(self, topic: str, server: URL, database: str) -> dict[str, str]:
        return {
            "BENCH_BROKER": self.broker,
            "BENCH_TOPIC": topic,
            "BENCH_DATABASE": database,
            "BENCH_USER": str(server.username),
            "BENCH_PASSWORD": str(server.password),
            "BENCH_REGISTRY": self.registry,
            "BENCH_APICURIO": self.registry.replace("/apis/ccompat/v7", "/apis/registry/v2"),
        }


@contextmanager
def world(components: Iterable[str]) -> Iterator[World]:
    """Start the named components; everything is gone afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="ferryman-bench-"))
    try:
        with Stack(components) as stack:
            yield World(dict(stack.addresses), directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
