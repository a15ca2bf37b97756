"""The SQL sink's keys: three connectors' spellings, JDBC and SQLAlchemy URLs, and what is refused by name."""

from typing import Any

import pytest

from ferryman.connectors.sql.config.databases import Database, database
from ferryman.connectors.sql.config.sink_config import SqlSinkConfig, keys_without_effect, properties
from ferryman.connectors.sql.dialects.urls import BadUrl, Location
from ferryman.connectors.sql.sink import SqlSinkConnector
from ferryman.errors import ConfigError
from ferryman.plugins import catalog

CONFLUENT = "io.confluent.connect.jdbc.JdbcSinkConnector"
DEBEZIUM = "io.debezium.connector.jdbc.JdbcSinkConnector"
AIVEN = "io.aiven.connect.jdbc.JdbcSinkConnector"
BASIC = {
    "name": "warehouse",
    "connector.class": CONFLUENT,
    "topics": "orders",
    "connection.url": "jdbc:postgresql://db/x",
}


def parsed(**keys: str) -> SqlSinkConfig:
    return SqlSinkConfig.parse(BASIC | keys)


def refused(**keys: str) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        SqlSinkConfig.parse(BASIC | keys)
    return {problem.key: problem.message for problem in caught.value.problems}


def reached(text: str, **given: str) -> Location:
    return database(text, None, None, given).location


def picked(text: str) -> Database:
    return database(text, None, None, {})


@pytest.mark.parametrize(
    "name", [CONFLUENT, DEBEZIUM, AIVEN, "JdbcSinkConnector", "JdbcSink", "SqlSinkConnector", "SqlSink"]
)
def test_the_sink_is_found_under_every_name(name: str) -> None:
    assert catalog.connector(name) is SqlSinkConnector


def test_confluents_keys_are_understood() -> None:
    config = parsed(
        **{
            "connection.user": "u",
            "connection.password": "p",
            "insert.mode": "UPSERT",
            "pk.mode": "RECORD_KEY",
            "pk.fields": "a, b",
            "delete.enabled": "true",
            "auto.create": "true",
            "auto.evolve": "true",
            "dialect.name": "PostgreSqlDatabaseDialect",
        }
    )
    assert (config.mode, config.pk_mode, config.pk_fields) == ("upsert", "record_key", ["a", "b"])
    assert config.creates
    assert config.evolves
    assert config.quotes


def test_debeziums_keys_and_defaults_are_understood() -> None:
    config = SqlSinkConfig.parse(
        BASIC
        | {
            "connector.class": DEBEZIUM,
            "connection.username": "u",
            "primary.key.mode": "record_key",
            "primary.key.fields": "id",
            "collection.name.format": "x_${topic}",
            "schema.evolution": "basic",
            "use.time.zone": "Europe/Berlin",
            "truncate.enabled": "false",
        }
    )
    assert (config.connection_user, config.pk_fields, config.db_timezone) == ("u", ["id"], "Europe/Berlin")
    assert config.creates
    assert config.evolves
    assert not config.quotes
    assert config.table("a.b", config.database().dialect.naming).name == "x_a_b"
    quoted = SqlSinkConfig.parse(BASIC | {"connector.class": DEBEZIUM, "quote.identifiers": "true"})
    assert quoted.quotes


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("timestamp.fields.list", "a", "TimestampConverter"),
        ("truncate.enabled", "true", "not acted upon"),
        ("collection.naming.strategy", "com.example.Mine", "collection.name.format"),
        ("collection.naming.prefix", "x", "collection.name.format"),
        ("jdbc.credentials.provider.class", "com.example.Vault", "connection.user"),
        ("jdbc.credentials.provider.region", "x", "connection.user"),
        ("hibernate.connection.url", "x", "connection.url"),
        ("connection.socketFactory", "x", "the driver property socketFactory is not allowed"),
        ("connection.javax.net.ssl.trustStore", "x", "is not allowed"),
    ],
)
def test_keys_that_would_change_what_is_written_are_refused_by_name(name: str, value: str, reason: str) -> None:
    problems = refused(**{name: value})
    assert reason in problems[name]


@pytest.mark.parametrize(
    ("given", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("+09:00", "Etc/GMT-9"),
        ("UTC-5", "Etc/GMT+5"),
        ("GMT+00:00", "UTC"),
        ("Z", "UTC"),
    ],
)
def test_a_time_zone_is_a_name_or_an_offset_of_whole_hours(given: str, zone: str) -> None:
    assert SqlSinkConfig.parse(BASIC | {"use.time.zone": given}).db_timezone == zone


@pytest.mark.parametrize("given", ["+05:30", "localtime", "Factory", "+15", "Mars/Olympus"])
def test_other_time_zones_are_refused_before_there_are_records(given: str) -> None:
    assert "Invalid time zone" in refused(**{"db.timezone": given})["db.timezone"]


def test_all_problems_are_told_at_once() -> None:
    problems = refused(
        **{
            "connection.url": "jdbc:oracle:thin:root/canary@db:1521/x",
            "delete.enabled": "true",
            "insert.mode": "upsert",
            "db.timezone": "Mars/Olympus",
        }
    )
    assert "Invalid time zone" in problems["db.timezone"]
    problems = refused(
        **{
            "connection.url": "jdbc:oracle:thin:root/canary@db:1521/x",
            "delete.enabled": "true",
            "insert.mode": "upsert",
            "pk.fields": "a,a",
            "table.types": "INDEX",
            "topics.to.tables.mapping": "x",
        }
    )
    assert problems.keys() == {
        "connection.url",
        "delete.enabled",
        "insert.mode",
        "table.types",
        "topics.to.tables.mapping",
    }
    assert "oracle is not supported; supported are jdbc:postgresql://" in problems["connection.url"]
    assert "jdbc:mysql://" in problems["connection.url"]
    assert "writing-a-dialect.md" in problems["connection.url"]
    assert "canary" not in str(problems)


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        ({"pk.mode": "record_header"}, "pk.mode"),
        ({"pk.mode": "kafka", "pk.fields": "a,b"}, "pk.fields"),
        ({"pk.mode": "record_value", "pk.fields": "x" * 64}, "pk.fields"),
        ({"table.name.format": "x" * 64}, "table.name.format"),
        ({"table.name.format": "a.b.c.${topic}"}, "table.name.format"),
        ({"table.name.format": ""}, "table.name.format"),
        ({"offsets.table.name": "x" * 64}, "offsets.table.name"),
        ({"dialect.name": "OracleDatabaseDialect"}, "dialect.name"),
        ({"insert.mode": "replace"}, "insert.mode"),
        ({"schema.evolution": "validate-only"}, "schema.evolution"),
    ],
)
def test_values_that_cannot_work_are_refused_before_anything_starts(keys: dict[str, str], key: str) -> None:
    assert key in refused(**keys)


def test_a_password_is_never_shown() -> None:
    config = parsed(**{"connection.password": "canary"})
    assert "canary" not in repr(config)
    assert "canary" not in str(config.database())
    assert "connection.password" in SqlSinkConfig.secrets()
    assert "canary" not in str(reached("jdbc:postgresql://db/x?user=u&password=canary"))
    assert "canary" not in str(reached("postgresql://u:canary@db/x"))


def test_jdbc_urls_of_postgresql_become_sqlalchemys() -> None:
    found = reached(
        "jdbc:postgresql://db:5433/shop?user=u&password=p%40ss&currentSchema=a,b&sslmode=require&ApplicationName=x"
    )
    assert found.url.render_as_string(hide_password=False) == "postgresql+psycopg://u:p%40ss@db:5433/shop"
    assert found.settings == {"search_path": "a,b"}
    assert found.arguments["sslmode"] == "require"
    assert found.arguments["application_name"] == "x"
    assert reached("jdbc:postgresql:shop").url.host == "localhost"
    assert reached("jdbc:postgresql://[::1]:5/shop").url.host == "::1"
    assert reached("jdbc:postgresql://db/shop?ssl=true").arguments["sslmode"] == "verify-full"
    assert reached("jdbc:postgresql://db/shop?ssl=true&sslmode=require").arguments["sslmode"] == "require"
    assert reached("jdbc:postgresql://a:1,b/shop?targetServerType=primary").url.query == {"host": ("a:1", "b:5432")}
    assert (
        picked("jdbc:postgresql://db/x?reWriteBatchedInserts=true&stringtype=unspecified").dialect.name == "PostgreSQL"
    )


def test_jdbc_urls_of_mysql_and_mariadb_become_sqlalchemys() -> None:
    found = reached("jdbc:mysql://db:3307/shop?user=u&password=p%40ss&connectTimeout=2500&socketTimeout=60000")
    assert found.url.render_as_string(hide_password=False) == "mysql+pymysql://u:p%40ss@db:3307/shop"
    expected = {"connect_timeout": 2, "read_timeout": 60, "write_timeout": 60, "tls": "preferred", "ca": None}
    assert found.arguments == expected
    assert reached("jdbc:mariadb://db/shop").url.port == 3306
    assert reached("mariadb+pymysql://u:p@db/shop").url.drivername == "mysql+pymysql"
    tuned = "rewriteBatchedStatements=true&useUnicode=true&characterEncoding=UTF-8&serverTimezone=UTC"
    assert picked(f"jdbc:mysql://db/x?{tuned}&allowPublicKeyRetrieval=true").dialect.name == "MariaDB/MySQL"
    assert "canary" not in str(picked("jdbc:mysql://db/x?user=u&password=canary"))
    assert "canary" not in repr(picked("jdbc:mysql://db/x?user=u&password=canary"))


def test_configs_for_mysql_as_people_have_them_are_taken() -> None:
    options = "useSSL=false&serverTimezone=UTC&allowPublicKeyRetrieval=true&rewriteBatchedStatements=true"
    config = parsed(
        **{
            "connection.url": f"jdbc:mysql://mysql:3306/shop?{options}&useUnicode=true&characterEncoding=utf8",
            "connection.user": "root",
            "connection.password": "canary",
            "dialect.name": "MySqlDatabaseDialect",
            "insert.mode": "upsert",
            "pk.mode": "record_key",
            "delete.enabled": "true",
            "auto.create": "true",
        }
    )
    assert str(config.database()) == "MariaDB/MySQL mysql+pymysql://root:***@mysql:3306/shop"
    debezium = BASIC | {
        "connector.class": DEBEZIUM,
        "connection.url": "jdbc:mysql://mysql/inventory?user=root&password=debezium",
        "schema.evolution": "basic",
    }
    assert SqlSinkConfig.parse(debezium).table("Shop.Orders", SqlSinkConfig.parse(debezium).database().dialect.naming)


@pytest.mark.parametrize(
    ("given", "tls"),
    [
        ("", "preferred"),
        ("sslMode=DISABLED", "off"),
        ("sslMode=VERIFY_IDENTITY", "verify-identity"),
        ("sslMode=verify-ca", "verify-ca"),
        ("sslMode=trust", "required"),
        ("useSSL=false", "off"),
        ("useSSL=true", "required"),
        ("useSSL=true&verifyServerCertificate=true", "verify-ca"),
        ("useSSL=true&requireSSL=true&verifyServerCertificate=false", "required"),
        ("useSsl=true", "verify-identity"),
    ],
)
def test_how_far_tls_is_insisted_on(given: str, tls: str) -> None:
    assert reached(f"jdbc:mysql://db/x?{given}").arguments["tls"] == tls


def test_a_name_of_a_dialect_must_fit_the_url() -> None:
    for url, name in (("jdbc:mysql://db/x", "MySqlDatabaseDialect"), ("jdbc:sqlite:x.db", "SqliteDatabaseDialect")):
        parsed(**{"connection.url": url, "dialect.name": name})
        assert "dialect.name" in refused(**{"connection.url": url, "dialect.name": "PostgreSqlDatabaseDialect"})


def test_the_configs_user_and_password_win_over_the_urls() -> None:
    found = database("jdbc:postgresql://db/x?user=u&password=p", "v", "q", {}).location.url
    assert (found.username, found.password) == ("v", "q")


def test_sqlite_urls_are_paths() -> None:
    assert reached("jdbc:sqlite:/tmp/x.db").url.database == "/tmp/x.db"
    assert reached("jdbc:sqlite:x.db").url.database == "x.db"
    assert reached("sqlite:////tmp/x.db").url.database == "/tmp/x.db"


@pytest.mark.parametrize(
    "text",
    [
        "jdbc:mysql://u:canary@db/x",
        "jdbc:sqlserver://db;password=canary",
        "jdbc:oracle:thin:@db:1521:canary",
        "jdbc:postgresql://u:canary@db/x",
        "jdbc:postgresql://db/x?socketFactory=canary",
        "jdbc:postgresql://db/x?socket%46actory=canary",
        "jdbc:postgresql://db/x?sslmode=canary",
        "jdbc:postgresql://db/x?sslcrl=/canary",
        "jdbc:postgresql://%2Ftmp%2Fcanary/x",
        "jdbc:postgresql://db/x?user=a&us%65r=canary",
        "postgresql://db/x?options=-c%20canary",
        "postgresql://db/x?service=canary",
        "postgresql://db/x?passfile=/canary",
        "postgresql://db/x?plugin=canary",
        "postgresql://db/x?host=/canary",
        "postgresql:///x?h%6Fst=/canary",
        "postgresql+psycopg2://u:canary@db/x",
        "mysql+pymysql://u@db/x?local_infile=canary",
        "mysql+pymysql://u@db/x?read_default_file=/canary",
        "mysql+pymysql://u@db/x?unix_socket=/canary",
        "mysql+pymysql://u@db/x?init_command=canary",
        "mysql+mysqldb://u:canary@db/x",
        "jdbc:mysql://db/x?allowLoadLocalInfile=true&x=canary",
        "jdbc:mysql://db/x?allowUrlInLocalInfile=true",
        "jdbc:mysql://db/x?autoDeserialize=true",
        "jdbc:mysql://db/x?queryInterceptors=canary",
        "jdbc:mysql://db/x?sessionVariables=canary",
        "jdbc:mysql://db/x?jdbcCompliantTruncation=false",
        "jdbc:mysql://db/x?sslMode=canary",
        "jdbc:mysql://db/x?serverSslCert=/canary",
        "jdbc:mysql://db/x?connectTimeout=canary",
        "jdbc:mysql://db/x?trustCertificateKeyStoreUrl=file:/canary",
        "jdbc:mysql:replication://a,b/canary",
        "jdbc:mysql://a,b/canary",
        "jdbc:mariadb:loadbalance://a,b/canary",
        "jdbc:mariadb://db/x?sessionVariables=canary",
        "duckdb:///canary",
        "jdbc:sqlite::resource:http://canary",
        "jdbc:sqlite::memory:",
        "jdbc:sqlite:file:canary?mode=rw",
        "sqlite:///canary.db?enable_load_extension=1",
        "sqlite://",
        "canary",
        "",
    ],
)
def test_urls_that_lead_elsewhere_are_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(BadUrl) as caught:
        reached(text)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["options", "sslcrl", "passfile", "service", "host", "socketFactory", "loggerFile", "plugin"]
)
def test_driver_properties_outside_the_list_are_refused_as_keys_too(name: str) -> None:
    with pytest.raises(BadUrl, match=f"the driver property {name} is not allowed"):
        reached("jdbc:postgresql://db/x", **properties({f"connection.{name}": "x", "connection.url": "y"}))


def test_allowed_driver_properties_are_keys_too() -> None:
    raw: dict[str, Any] = BASIC | {"connection.sslmode": "require", "connection.pool.max_size": "9"}
    assert SqlSinkConfig.parse(raw).database(raw).location.arguments["sslmode"] == "require"


def test_a_clients_certificate_goes_to_postgresqls_driver_by_the_java_drivers_names() -> None:
    found = reached("jdbc:postgresql://db/shop?sslcert=/c.crt&sslkey=/c.pk8", sslpassword="opens the key")
    certificate = {name: found.arguments[name] for name in ("sslcert", "sslkey", "sslpassword")}
    assert certificate == {"sslcert": "/c.crt", "sslkey": "/c.pk8", "sslpassword": "opens the key"}
    assert "opens" not in repr(found)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("update.if.newer.field", "ts", "the record that comes last"),
        ("date.calendar.system", "LEGACY", "before 1582-10-15"),
        ("connection.database", "x", "the URL names the database"),
    ],
)
def test_keys_that_change_nothing_here_are_warned_about_by_name(name: str, value: str, reason: str) -> None:
    SqlSinkConfig.parse(BASIC | {name: value})
    assert [warning for warning in keys_without_effect(BASIC | {name: value}) if name in warning and reason in warning]
