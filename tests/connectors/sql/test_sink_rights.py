"""Rights that a user lacks: the task says what to grant, and what it says is enough."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa

from ferryman.errors import RefusedError
from ferryman.schema import INT64, OPTIONAL_STRING, struct
from tests.connectors.sql.sql_task import World

ORDER = struct({"id": INT64, "item": OPTIONAL_STRING})
TABLE = "CREATE TABLE {place}orders (id bigint PRIMARY KEY, item varchar(20))"
CREATE = {"auto.create": "true", "auto.evolve": "true"}
UPSERT = {"insert.mode": "upsert", "pk.mode": "record_key"}
DELETES = {**UPSERT, "delete.enabled": "true"}


@dataclass
class User:
    """A user with few rights, and the owner of the database who may grant them."""

    world: World
    owner: sa.URL
    name: str
    granted: list[str] = field(default_factory=list)

    def puts(self, at: int) -> None:
        """Two records; each right that is asked for is granted, until none is. Fails if the same is asked for twice."""
        self.world.value_schema, self.world.key_schema = ORDER, struct({"id": INT64})
        rows = [{"id": at, "item": "a"}, {"id": at + 1, "item": "b"}]
        while True:
            try:
                self.world.begin()
                self.world.put(rows, [{"id": row["id"]} for row in rows], at=at)
                return
            except RefusedError as error:
                self._grant(str(error))

    def _grant(self, text: str) -> None:
        found = re.search(r"grant it: (.+?)(?:, or |$)", text)
        assert found is not None, text
        for statement in found[1].split("; "):
            assert statement not in self.granted, text
            self.granted.append(statement)
            self.world.query_as(self.owner, statement)


@pytest.fixture
def pg(postgres: str, unique: str) -> Iterator[User]:
    """A role that may only log in."""
    owner = sa.make_url(postgres)
    world = World(owner.set(username=unique, password="x").render_as_string(hide_password=False))
    world.query_as(owner, f"CREATE ROLE {unique} LOGIN PASSWORD 'x'")
    world.query_as(owner, f"GRANT {unique} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE")
    world.query_as(owner, f'REVOKE ALL ON DATABASE "{owner.database}" FROM PUBLIC')
    world.query_as(owner, f'GRANT CONNECT ON DATABASE "{owner.database}" TO {unique}')
    yield User(world, owner, unique)
    world.kill()
    world.query_as(owner, f"DROP OWNED BY {unique}")
    world.query_as(owner, f"DROP ROLE {unique}")


@pytest.fixture
def maria(mariadb: str, unique: str) -> Iterator[User]:
    """A user that sees the database, and nothing in it."""
    owner = sa.make_url(mariadb)
    world = World(owner.set(username=unique, password="x").render_as_string(hide_password=False))
    world.query_as(owner, f"CREATE USER {unique}@'127.0.0.1' IDENTIFIED BY 'x'")
    world.query_as(owner, "CREATE TABLE seen (id int)")
    world.query_as(owner, f"GRANT SELECT ON `{owner.database}`.seen TO {unique}@'127.0.0.1'")
    yield User(world, owner, unique)
    world.kill()
    world.query_as(owner, f"DROP USER {unique}@'127.0.0.1'")


@pytest.mark.parametrize("config", [{}, UPSERT, DELETES, CREATE | UPSERT], ids=["insert", "upsert", "delete", "create"])
def test_what_postgresql_is_to_be_granted_is_named_and_is_enough(pg: User, config: Mapping[str, str]) -> None:
    pg.world.config = {**config, "table.name.format": "sales.${topic}", "offsets.table.name": "ops.places"}
    pg.world.query_as(pg.owner, "CREATE SCHEMA sales")
    pg.world.query_as(pg.owner, "CREATE SCHEMA ops")
    if "auto.create" not in config:
        pg.world.query_as(pg.owner, TABLE.format(place="sales."))
    pg.puts(0)
    user = pg.name
    rights = {"": "SELECT, INSERT", "upsert": "SELECT, INSERT, UPDATE"}[config.get("insert.mode", "")]
    rights += ", DELETE" if "delete.enabled" in config else ""
    expected = {f"GRANT TEMPORARY ON DATABASE {pg.owner.database} TO {user}", f"GRANT CREATE ON SCHEMA ops TO {user}"}
    expected |= {f"GRANT USAGE ON SCHEMA {schema} TO {user}" for schema in ("ops", "sales")}
    by_table = f"GRANT {rights} ON TABLE sales.orders TO {user}"
    expected.add(by_table if "auto.create" not in config else f"GRANT CREATE ON SCHEMA sales TO {user}")
    assert set(pg.granted) == expected
    assert pg.world.query_as(pg.owner, "SELECT count(*) FROM sales.orders") == [(2,)]


def test_a_schema_of_the_search_path_that_may_not_be_used_is_named(pg: User) -> None:
    pg.world.query_as(pg.owner, "CREATE SCHEMA sales")
    pg.world.query_as(pg.owner, TABLE.format(place="sales."))
    pg.world.config = {"offsets.table.name": "sales.places"}
    pg.world.url = pg.world.url.replace("postgresql+psycopg://", "postgresql://") + "?currentSchema=sales"
    pg.puts(0)
    assert f"GRANT USAGE ON SCHEMA sales TO {pg.name}" in pg.granted
    assert pg.world.query_as(pg.owner, "SELECT count(*) FROM sales.orders") == [(2,)]


def test_a_schema_that_is_not_there_is_named(pg: User) -> None:
    pg.world.query_as(pg.owner, "GRANT ALL ON SCHEMA public TO PUBLIC")
    pg.world.config = {"table.name.format": "sales.${topic}", **CREATE}
    pg.puts(0)
    assert "CREATE SCHEMA sales" in pg.granted
    assert pg.world.query_as(pg.owner, "SELECT count(*) FROM sales.orders") == [(2,)]


def test_a_sequence_that_a_serial_column_counts_by_is_named(pg: User) -> None:
    pg.world.query_as(pg.owner, "GRANT ALL ON SCHEMA public TO PUBLIC")
    pg.world.query_as(pg.owner, "CREATE TABLE orders (n serial, id bigint, item text)")
    pg.puts(0)
    assert f"GRANT USAGE ON SEQUENCE orders_n_seq TO {pg.name}" in pg.granted


def test_a_column_that_only_the_owner_may_add_comes_with_its_ddl(pg: User) -> None:
    pg.world.query_as(pg.owner, "GRANT ALL ON SCHEMA public TO PUBLIC")
    pg.world.query_as(pg.owner, f'GRANT TEMPORARY ON DATABASE "{pg.owner.database}" TO PUBLIC')
    pg.world.query_as(pg.owner, "CREATE TABLE orders (id bigint)")
    pg.world.query_as(pg.owner, "GRANT ALL ON TABLE orders TO PUBLIC")
    pg.world.config, pg.world.value_schema = CREATE, ORDER
    with pytest.raises(RefusedError, match=rf"grant it: GRANT \w+ TO {pg.name}, or make the change: ALTER") as caught:
        pg.world.put([{"id": 1, "item": "a"}])
    pg.world.query_as(pg.owner, str(caught.value).partition("make the change: ")[2])
    pg.world.put([{"id": 1, "item": "a"}], at=0)
    assert pg.world.query_as(pg.owner, "SELECT * FROM orders") == [(1, "a")]


def test_a_right_that_is_taken_away_is_refused_until_it_is_given_back(pg: User) -> None:
    pg.world.query_as(pg.owner, "GRANT ALL ON SCHEMA public TO PUBLIC")
    pg.world.query_as(pg.owner, TABLE.format(place=""))
    pg.puts(0)
    pg.world.query_as(pg.owner, f"REVOKE INSERT ON orders FROM {pg.name}")
    with pytest.raises(RefusedError, match=f"grant it: GRANT INSERT ON TABLE public.orders TO {pg.name}"):
        pg.world.put([{"id": 7, "item": "x"}], [{"id": 7}], at=2)
    pg.world.query_as(pg.owner, f"GRANT INSERT ON orders TO {pg.name}")
    pg.world.put([{"id": 7, "item": "x"}], [{"id": 7}], at=2)
    assert pg.world.query_as(pg.owner, "SELECT count(*) FROM orders") == [(3,)]


@pytest.mark.parametrize("config", [{}, UPSERT, DELETES, CREATE | UPSERT], ids=["insert", "upsert", "delete", "create"])
def test_what_mariadb_is_to_be_granted_is_named_and_is_enough(maria: User, config: Mapping[str, str]) -> None:
    maria.world.config = config
    if "auto.create" not in config:
        maria.world.query_as(maria.owner, TABLE.format(place=""))
    maria.puts(0)
    user, database = f"'{maria.name}'@'127.0.0.1'", maria.owner.database
    rights = {"": "INSERT", "upsert": "SELECT, INSERT, UPDATE"}[config.get("insert.mode", "")]
    rights = "CREATE, " * ("auto.create" in config) + rights + ", DELETE" * ("delete.enabled" in config)
    assert set(maria.granted) == {
        f"GRANT CREATE TEMPORARY TABLES ON `{database}`.* TO {user}",
        f"GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON `{database}`.`ferryman_offsets` TO {user}",
        f"GRANT {rights} ON `{database}`.`orders` TO {user}",
    }
    assert maria.world.query_as(maria.owner, "SELECT count(*) FROM orders") == [(2,)]


@pytest.mark.parametrize("user", ["pg", "maria"])
def test_a_login_that_fails_is_refused_by_its_key(request: pytest.FixtureRequest, user: str) -> None:
    found: User = request.getfixturevalue(user)
    found.world.url = found.world.url.replace(":x@", ":wrong@")
    with pytest.raises(RefusedError, match=r"connection\.password"):
        found.world.begin()
    found.world.url = found.world.url.replace(f"/{found.owner.database}", f"/{found.owner.database}_gone")
    found.world.url = found.world.url.replace(":wrong@", ":x@")
    with pytest.raises(RefusedError):
        found.world.begin()
