"""`ferryman doctor` looks at databases: each fault is made in a real one, and what it says to mend mends it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ferryman.findings import Finding
from tests.connectors.sql.databases import DATABASES, url_of
from tests.doctor.looks import about, at, system

UPSERT = {"insert.mode": "upsert", "pk.mode": "record_value", "pk.fields": "id"}
TABLE = "CREATE TABLE orders (id bigint PRIMARY KEY, item varchar(20))"


class Server:
    """A database and who may do anything there, with a sink's config for it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        file = url.removeprefix("jdbc:sqlite:")
        self.owner = sa.create_engine(url if file == url else f"sqlite:///{file}", poolclass=sa.NullPool)

    def run(self, *statements: str) -> None:
        with self.owner.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement.replace("%", "%%"))

    def tables(self) -> list[str]:
        return sorted(sa.inspect(self.owner).get_table_names())

    def looked(self, **more: Any) -> list[Finding]:
        config = {
            "name": "shop",
            "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
            "topics": "orders",
            "connection.url": self.url,
            **UPSERT,
            **{name.replace("_", "."): text for name, text in more.items()},
        }
        return system(self.folder, config)


@pytest.fixture(params=DATABASES)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Server:
    return Server(tmp_path, url_of(request.param, request))


@pytest.fixture
def pg(postgres: str, tmp_path: Path) -> Server:
    return Server(tmp_path, postgres)


def test_a_database_with_its_table_is_well_and_nothing_is_written_there(server: Server) -> None:
    server.run(TABLE)
    found = server.looked()
    assert {each.level for each in found} == {"ok"}
    assert about("key of orders", found).said == "unique over id"
    assert server.tables() == ["orders"]


def test_a_table_with_another_key_cannot_be_upserted_into_until_the_statement_is_run(server: Server) -> None:
    server.run("CREATE TABLE orders (id bigint NOT NULL, item varchar(20) PRIMARY KEY)")
    finding = about("key of orders", server.looked())
    assert (finding.level, "(item)" in finding.said) == ("mend", True)
    server.run(finding.mend.partition(", or ")[0])
    assert about("key of orders", server.looked()).level == "ok"


def test_a_column_that_pk_fields_names_and_the_table_lacks_is_named(server: Server) -> None:
    server.run("CREATE TABLE orders (number bigint PRIMARY KEY)")
    finding = about("key of orders", server.looked())
    assert (finding.level, "no column id" in finding.said) == ("mend", True)


def test_a_table_that_is_missing_is_to_be_mended_unless_the_sink_creates_it(server: Server) -> None:
    server.run("CREATE TABLE others (id bigint)")  # a file is there from here on
    assert about("table orders", server.looked()).level == "mend"
    assert about("table orders", server.looked(auto_create="true")).level == "ok"


def mended(folder: Path, url: str, **more: str) -> Finding:
    """The only thing that is said of a database that lets nobody in."""
    (finding,) = Server(folder, url).looked(**more)
    assert finding.level == "mend"
    return finding


def changed(url: str, query: Mapping[str, str] | None = None, **parts: Any) -> str:
    return sa.make_url(url).set(query=query or {}, **parts).render_as_string(hide_password=False)


def test_each_cause_of_a_refused_login_is_named_by_itself(
    tmp_path: Path, postgres: str, mariadb: str, kafka: str
) -> None:
    kafkas_port = int(kafka.rpartition(":")[2])
    for url in (postgres, mariadb):
        absent = mended(tmp_path, changed(url, database="no_such-database"))
        # MariaDB tells nobody what is not there who may not see it.
        what = "there is no database no_such-database" if url == postgres else "may not use a database no_such-database"
        assert absent.said.startswith("user and password are right, and ")
        assert what in absent.said
        assert "CREATE DATABASE " in absent.mend
        assert "password" not in absent.mend
        unknown = mended(tmp_path, changed(url, host="no-such-host.invalid"))
        assert (unknown.said, unknown.mend) == (
            "the host name no-such-host.invalid is not known",
            "correct the host in connection.url",
        )
        nobody = mended(tmp_path, changed(url, port=1))
        assert (nobody.said, "start the server" in nobody.mend) == ("nothing listens at 127.0.0.1:1", True)
        other = mended(tmp_path, changed(url, port=kafkas_port))
        assert (f"what listens at 127.0.0.1:{kafkas_port} does not speak" in other.said) is True
        for wrong in (changed(url, username="no-such-user"), changed(url, password="not-the-obol")):
            login = mended(tmp_path, wrong)
            assert login.said.endswith("in with this password; which of the two is wrong it does not tell")
            assert login.mend.startswith("correct connection.user or connection.password")
    strict = {postgres: {"sslmode": "require"}, mariadb: {"sslMode": "REQUIRED"}}
    for url, query in strict.items():
        encrypted = Server(tmp_path, changed(url, query)).looked()
        if encrypted[0].level == "mend":
            assert "the server has no TLS, and ssl" in encrypted[0].said


def test_a_password_that_is_missing_is_asked_for(tmp_path: Path, postgres: str) -> None:
    url = sa.make_url(postgres)._replace(password=None).render_as_string()
    assert mended(tmp_path, url).mend == "set connection.password"


def test_where_no_database_listens_the_url_is_to_be_mended(tmp_path: Path, postgres: str, mariadb: str) -> None:
    for url in (postgres, mariadb):
        nobody = sa.make_url(url).set(port=1, query={}).render_as_string(hide_password=False)
        (finding,) = Server(tmp_path, nobody).looked()
        assert (finding.level, "connection.url" in finding.mend) == ("mend", True)


def test_a_wrong_password_names_its_key_and_is_not_shown(tmp_path: Path, postgres: str, mariadb: str) -> None:
    for url in (postgres, mariadb):
        wrong = sa.make_url(url).set(password="not-the-obol").render_as_string(hide_password=False)
        (finding,) = Server(tmp_path, wrong).looked()
        assert (finding.level, "connection.password" in finding.mend) == ("mend", True)
        assert "not-the-obol" not in repr(finding)


@pytest.fixture(params=["postgresql", "mariadb"])
def stranger(request: pytest.FixtureRequest, tmp_path: Path, unique: str) -> Iterator[tuple[Server, Server]]:
    """The owner's view of a database, and that of a user who may only log in."""
    owner = Server(tmp_path, url_of(request.param, request))
    url = sa.make_url(owner.url)
    owner.run(TABLE)
    if request.param == "postgresql":
        owner.run(f"CREATE ROLE {unique} LOGIN PASSWORD 'an-obol-too'")
        owner.run(f"GRANT {unique} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE")
        end = [f"DROP OWNED BY {unique}", f"DROP ROLE {unique}"]
    else:
        owner.run(f"CREATE USER {unique}@'127.0.0.1' IDENTIFIED BY 'an-obol-too'")
        owner.run("CREATE TABLE seen (id int)", f"GRANT SELECT ON seen TO {unique}@'127.0.0.1'")
        end = [f"DROP USER {unique}@'127.0.0.1'"]
    own = url.set(username=unique, password="an-obol-too").render_as_string(hide_password=False)
    yield owner, Server(tmp_path, own)
    owner.run(*end)


def test_rights_that_are_lacking_are_named_and_granting_them_is_enough(stranger: tuple[Server, Server]) -> None:
    owner, user = stranger
    lacking = at("mend", user.looked(delete_enabled="true", pk_mode="record_key"))
    assert {each.subject for each in lacking} == {"table of offsets ferryman_offsets", "table orders"}
    for each in lacking:
        statements = each.mend.partition("hides it: ")[2] or each.mend
        owner.run(*statements.split("; "))
    assert at("mend", user.looked(delete_enabled="true", pk_mode="record_key")) == []


def test_a_database_that_takes_no_writes_is_to_be_mended(pg: Server) -> None:
    name = sa.make_url(pg.url).database
    pg.run(TABLE, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    assert about("writes", pg.looked()).level == "mend"


def test_an_encoding_that_does_not_hold_all_texts_is_told(pg: Server, unique: str) -> None:
    create = f"CREATE DATABASE {unique}_latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    with pg.owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(create)
        latin = sa.make_url(pg.url).set(database=f"{unique}_latin").render_as_string(hide_password=False)
        finding = about("encoding", Server(pg.folder, latin).looked())
        connection.exec_driver_sql(f"DROP DATABASE {unique}_latin WITH (FORCE)")
    assert (finding.level, "LATIN1" in finding.said) == ("warning", True)


def test_fewer_connections_than_tasks_are_told(pg: Server) -> None:
    assert about("connections", pg.looked(tasks_max="1000")).level == "warning"


def test_a_file_of_sqlite_is_not_made_by_the_look(tmp_path: Path) -> None:
    (finding,) = Server(tmp_path, f"jdbc:sqlite:{tmp_path}/new.db").looked()
    assert (finding.level, (tmp_path / "new.db").exists()) == ("ok", False)
    (finding,) = Server(tmp_path, f"jdbc:sqlite:{tmp_path}/no/new.db").looked()
    assert (finding.level, finding.mend) == ("mend", f"mkdir -p {tmp_path}/no")


KAFKAS = "org.apache.kafka.connect.transforms."


def chain(**each: Mapping[str, str]) -> dict[str, str]:
    """The keys of transforms by alias; a type without a package is Kafka's."""
    found = {"transforms": ",".join(each)}
    for alias, keys in each.items():
        kind = keys["type"] if "." in keys["type"] else KAFKAS + keys["type"]
        found |= {f"transforms.{alias}.{name}": text for name, text in {**keys, "type": kind}.items()}
    return found


CAST = {"type": "Cast$Value", "spec": "id:int64"}
RENAME = {"type": "RegexRouter", "regex": "(.*)", "replacement": "$1_new"}
UNWRAP = {"type": "io.debezium.transforms.ExtractNewRecordState"}
DAILY = {"type": "TimestampRouter"}


@pytest.mark.parametrize(
    ("given", "table"),
    [
        (chain(cast=CAST), "orders"),
        (chain(unwrap=UNWRAP, mask={"type": "MaskField$Value", "fields": "item"}), "orders"),
        (chain(route=RENAME), "orders_new"),
        (chain(route=RENAME, cast=CAST, again=RENAME), "orders_new_new"),
        (chain(route={**RENAME, "regex": "payments"}), "orders"),
    ],
)
def test_tables_behind_transforms_whose_topics_are_known_are_looked_at(
    pg: Server, given: dict[str, str], table: str
) -> None:
    pg.run(f"CREATE TABLE {table} (id bigint NOT NULL, item varchar(20))")
    finding = about(f"key of {table}", pg.looked(**given))
    assert (finding.level, "no row can be upserted" in finding.said) == ("mend", True)


@pytest.mark.parametrize(
    ("given", "guilty"),
    [
        (chain(cast=CAST, daily=DAILY), "daily"),
        (chain(unwrap={**UNWRAP, "route.by.field": "kind"}), "unwrap"),
        (chain(outbox={"type": "io.debezium.transforms.outbox.EventRouter"}), "outbox"),
        (
            chain(route={**RENAME, "predicate": "old"})
            | {"predicates": "old", "predicates.old.type": f"{KAFKAS}predicates.RecordIsTombstone"},
            "route",
        ),
    ],
)
def test_transforms_that_name_topics_by_the_record_leave_the_tables_open(
    pg: Server, given: dict[str, str], guilty: str
) -> None:
    pg.run(TABLE)
    finding = about("tables", pg.looked(**given))
    assert (finding.level, f"transforms {guilty} make" in finding.said) == ("left out", True)


def test_rights_that_come_by_a_role_are_seen(mariadb: str, tmp_path: Path, unique: str) -> None:
    owner = Server(tmp_path, mariadb)
    url = sa.make_url(mariadb)
    user, role, database = f"{unique}@'127.0.0.1'", f"{unique}_role", str(url.database)
    owner.run(TABLE, f"CREATE USER {user} IDENTIFIED BY 'an-obol-too'", f"CREATE ROLE {role}")
    owner.run(f"GRANT {role} TO {user}", "CREATE TABLE seen (id int)", f"GRANT SELECT ON seen TO {user}")
    try:
        own = Server(tmp_path, changed(mariadb, username=unique, password="an-obol-too"))
        own.run(f"SET DEFAULT ROLE {role}")
        owner.run(f"GRANT SELECT ON `{database}`.orders TO {role}")
        asked = about("table orders", own.looked())
        assert "GRANT INSERT, UPDATE ON" in asked.mend
        owner.run(f"GRANT INSERT, UPDATE ON `{database}`.orders TO {role}")
        assert "orders" not in about("table orders", own.looked()).mend  # but the right to temporary tables is
        rest = "CREATE, CREATE TEMPORARY TABLES, SELECT, INSERT, UPDATE, DELETE"
        owner.run(f"GRANT {rest} ON `{database.replace('_', chr(92) + '_')}`.* TO {role}")
        assert at("mend", own.looked()) == []
    finally:
        owner.run(f"DROP USER {user}", f"DROP ROLE {role}")


def test_a_database_that_lets_nobody_in_names_the_right_that_is_lacking(pg: Server, unique: str) -> None:
    name = str(sa.make_url(pg.url).database)
    pg.run(f"CREATE ROLE {unique} LOGIN PASSWORD 'an-obol-too'", f'REVOKE CONNECT ON DATABASE "{name}" FROM PUBLIC')
    try:
        found = mended(pg.folder, changed(pg.url, username=unique, password="an-obol-too"))
        assert "may not connect to the database" in found.said
        pg.run(found.mend)
        assert {
            each.subject
            for each in Server(pg.folder, changed(pg.url, username=unique, password="an-obol-too")).looked()
        } != {found.subject}
    finally:
        pg.run(f'REVOKE CONNECT ON DATABASE "{name}" FROM {unique}', f"DROP ROLE {unique}")
