"""The table `payments` of MariaDB: what `TableTarget` is for PostgreSQL."""

from typing import Any

import pymysql
from sqlalchemy import make_url

from bench.records import Topic, key_of, payment

_COLUMNS = (
    "id, account, name, email, amount, currency, paid, date_format(created, '%Y-%m-%d %H:%i:%s'), coalesce(remark, ''),"
    " date_format(received, '%Y-%m-%d %H:%i:%s'), origin"
)
_TABLE = """\
CREATE TABLE payments (
  id bigint PRIMARY KEY, account bigint, name varchar(255), email varchar(255), amount decimal(12, 2),
  currency varchar(10), paid tinyint, created datetime(3), remark varchar(255), received datetime(3),
  origin varchar(20)) ENGINE=InnoDB CHARACTER SET utf8mb4"""


class MariadbTarget:
    """The table in a database of its own, whose name must begin as the role's."""

    def __init__(self, server: str, database: str, topic: Topic) -> None:
        """`server` is the URL of a database whose user may create others."""
        self.topic = topic
        url = make_url(server)
        self._connection = pymysql.connect(
            host=url.host, port=url.port or 0, user=url.username, password=str(url.password), autocommit=True
        )
        self._run(f"CREATE DATABASE {database}")
        self._run(f"USE {database}")
        self._run(_TABLE)
        self._last = [(key_of(index), payment(index)["amount"]) for index in topic.last]
        self._per_row = topic.records / topic.keys if topic.records else 1.0

    def arrived(self) -> int:
        """By the number of rows; a row may stand for several records."""
        return int(int(self._run("SELECT count(*) FROM payments")[0][0]) * self._per_row)

    def complete(self) -> bool:
        pairs = ", ".join(f"({number}, {amount})" for number, amount in self._last)
        query = f"SELECT count(*) FROM payments WHERE (id, amount) IN ({pairs})"
        return int(self._run(query)[0][0]) == len(self._last)

    def digest(self) -> str:
        rows, total = self._run(f"SELECT count(*), sum(crc32(concat_ws('|', {_COLUMNS}))) FROM payments")[0]
        return f"{rows} rows, {int(total or 0) % 2**64:016x}"

    def loss(self) -> str | None:
        """The digest looks at whole seconds, as it does for PostgreSQL."""
        found = int(self._run("SELECT count(*) FROM payments WHERE microsecond(created) <> 0")[0][0])
        return None if found else "fractions of seconds were cut off all timestamps"

    def close(self) -> None:
        """Let the database go."""
        self._connection.close()

    def _run(self, statement: str) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            return [tuple(row) for row in cursor.fetchall()]
